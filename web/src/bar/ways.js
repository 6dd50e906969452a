// The part of the toolbar that opens: the named ways to rewrite, and the registers.

import { byId, make, onPress } from "../common/elements.js";
import { WAYS } from "../takes/errand.js";

export class Ways {
  #panel = byId("bar-panel");
  #button = byId("bar-more");
  #registers = byId("bar-registers");

  /** `onAsk({action, register})` asks for it; `onChange()`: the panel is another size. */
  constructor({ onAsk, onChange }) {
    this.onChange = onChange;
    onPress(this.#button, () => this.#set(this.#panel.hidden));
    const ways = WAYS.map(({ action, label }) => {
      const button = chip(label, () => (action === "register" ? this.#toggleRegisters(button) : onAsk({ action })));
      if (action === "register") button.setAttribute("aria-controls", this.#registers.id);
      return button;
    });
    this.register = ways.find((button) => button.hasAttribute("aria-controls"));
    byId("bar-ways").append(...ways);
    const names = Array.from(byId("register").options, ({ text }) => text);
    this.#registers.append(...names.map((name) => chip(name, () => onAsk({ action: "register", register: name }))));
    this.close();
  }

  close() {
    this.#set(false);
  }

  /** A place between words has none of the ways that change some. */
  show({ isInsertion }) {
    byId("bar-ways").hidden = isInsertion;
  }

  #set(isOpen) {
    this.#panel.hidden = !isOpen;
    this.#button.setAttribute("aria-expanded", String(isOpen));
    this.#registers.hidden = true;
    this.register.setAttribute("aria-expanded", "false");
    this.onChange();
  }

  #toggleRegisters(button) {
    this.#registers.hidden = !this.#registers.hidden;
    button.setAttribute("aria-expanded", String(!this.#registers.hidden));
    this.onChange();
    if (!this.#registers.hidden) this.#registers.querySelector("button").focus({ preventScroll: true });
  }
}

function chip(label, act) {
  const button = make("button", { type: "button", className: "outlined chip-button" }, label);
  onPress(button, act);
  return button;
}
