// The slider: how strongly what was learned is heard.

import { byId, setText } from "../common/elements.js";
import { Later } from "../common/later.js";
import { strengthWhy, strengthWords } from "./learned-words.js";

const SETTLED_MS = 300;

export class Strength {
  #slider = byId("strength");
  #words = byId("strength-words");
  #later;

  /** `onChoose(strength)` when the writer has let go of it. */
  constructor(onChoose) {
    this.#later = new Later(SETTLED_MS, () => onChoose(this.value));
    this.#slider.addEventListener("input", () => this.#tell());
    this.#slider.addEventListener("change", () => this.#later.soon());
    window.addEventListener("pagehide", () => this.#later.now());
  }

  get value() {
    return Number(this.#slider.value);
  }

  /** Show what holds, unless the writer has just chosen something else. */
  show(told) {
    this.#slider.disabled = !told.active || !told.slider;
    setText(byId("strength-why"), strengthWhy(told));
    if (this.#later.isDue) return;
    this.#slider.value = told.strength;
    this.#tell();
  }

  #tell() {
    const words = strengthWords(this.value);
    setText(this.#words, words);
    this.#slider.setAttribute("aria-valuetext", words);
  }
}
