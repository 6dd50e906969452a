// The keys as they are told: a short list on an empty page, and all of them in a dialog.

import { byId, make, onPress } from "../common/elements.js";
import { KEYS } from "../common/keys.js";

const isApple = /Mac|iPhone|iPad/.test(navigator.platform);
const SHOWN = isApple ? { Ctrl: "⌘", Alt: "⌥" } : {};

const row = ({ keys }, does) =>
  make("div", {}, make("dt", {}, ...keys.map((key) => make("kbd", {}, SHOWN[key] ?? key))), make("dd", {}, does));

export class KeysList {
  #dialog = byId("keys");

  constructor() {
    byId("brief-keys").replaceChildren(...KEYS.filter(({ isBrief }) => isBrief).map((key) => row(key, key.does)));
    byId("all-keys").replaceChildren(...KEYS.map((key) => row(key, key.more ?? key.does)));
    onPress(byId("keys-close"), () => this.#dialog.close());
    this.#dialog.addEventListener("click", ({ target }) => target === this.#dialog && this.#dialog.close());
  }

  open() {
    this.#dialog.showModal();
  }
}
