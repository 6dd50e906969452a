// One take among the others, side by side.

import { enable, make, onPress, setText } from "../common/elements.js";
import { drawSentences } from "./mix-table.js";
import { nameOf, stateOf, TakeText } from "./take-text.js";
import { canAccept, isRunning } from "./takes.js";

export class TakeColumn {
  #text = new TakeText({ tabIndex: 0 });
  #mixed = "";

  constructor({ accept, stop }) {
    this.name = make("h3", {});
    this.state = make("span", { className: "soft" });
    this.note = make("p", { className: "problem" });
    this.use = make("button", { type: "button", className: "outlined", textContent: "Use this one" });
    this.stop = make("button", { type: "button", className: "outlined", textContent: "Stop" });
    onPress(this.use, accept);
    onPress(this.stop, stop);
    const head = make("div", { className: "take-head" }, this.name, this.state);
    const foot = make("div", { className: "take-foot" }, this.use, this.stop);
    this.element = make("li", { className: "take" }, head, this.#text.element, this.note, foot);
    this.#text.element.setAttribute("role", "region");
  }

  /** `present` to compare with, or null; `mix` is where sentences are put together, or null. */
  show(take, { number, present, mix, isChanged, isGone }) {
    const name = nameOf(take, number);
    setText(this.name, name);
    setText(this.state, stateOf(take));
    setText(this.note, take.message);
    setText(this.use, isChanged ? "Replace anyway" : "Use this one");
    this.use.setAttribute("aria-label", `${this.use.textContent}: ${name}`);
    this.stop.setAttribute("aria-label", `Stop: ${name}`);
    this.#text.element.setAttribute("aria-label", name);
    const hadFocus = document.activeElement === this.stop;
    this.stop.hidden = !isRunning(take);
    this.use.hidden = isRunning(take);
    enable(this.use, canAccept(take) && !isGone);
    if (hadFocus && this.stop.hidden) this.use.focus({ preventScroll: true });
    this.#showText(take, present, mix);
  }

  focus() {
    (this.use.hidden ? this.stop : this.use).focus({ preventScroll: true });
  }

  #showText(take, present, mix) {
    if (!mix) {
      if (this.#mixed) this.#text.forget();
      this.#mixed = "";
      return this.#text.show(take, present);
    }
    if (this.#mixed !== take.text) drawSentences(this.#text.element, take.text, mix);
    this.#mixed = take.text;
    mix.mark(this.#text.element);
  }
}
