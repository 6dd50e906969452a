// A field of names: typed or pasted, shown as chips, each removable by its own button.

import { make } from "../common/elements.js";
import { addNames } from "./settings.js";

export class Chips {
  #names = [];

  /** `onChange()` after every change of the names; `onProblem(sentence)` when one cannot be added. */
  constructor(field, { list, input, onChange, onProblem }) {
    Object.assign(this, { field, list, input, onChange, onProblem });
    input.addEventListener("keydown", (event) => this.#key(event));
    input.addEventListener("input", () => {
      if (/[,،、，]/.test(input.value)) this.commit();
      else this.onProblem("");
    });
    input.addEventListener("paste", (event) => this.#paste(event));
    input.addEventListener("blur", () => this.commit());
    list.parentElement.addEventListener("click", ({ target }) => {
      if (target === list || target === list.parentElement) input.focus();
    });
  }

  get names() {
    return [...this.#names];
  }

  set names(names) {
    this.#names = [...names];
    this.#show();
  }

  /** Make chips of what is typed; what cannot be one stays in the field, and the reason is shown. */
  commit() {
    const { names, left, error } = addNames(this.field, this.#names, this.input.value);
    const grown = names.length > this.#names.length;
    this.input.value = left;
    this.onProblem(error);
    if (!grown) return !error;
    this.#names = names;
    this.#show();
    this.onChange();
    return !error;
  }

  #key(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && this.input.value.trim()) {
      event.preventDefault();
      this.commit();
    } else if (event.key === "Backspace" && this.input.value === "" && this.#names.length) {
      this.#remove(this.#names.length - 1);
    }
  }

  #paste(event) {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!/[,،、，\n\t]/.test(text)) return;
    event.preventDefault();
    this.input.setRangeText(text.replace(/[\r\n\t]+/g, ", "), this.input.selectionStart, this.input.selectionEnd, "end");
    this.commit();
  }

  #remove(index) {
    this.#names.splice(index, 1);
    this.#show();
    this.onProblem("");
    this.onChange();
    this.input.focus();
  }

  #show() {
    this.list.replaceChildren(...this.#names.map((name, index) => this.#chip(name, index)));
    this.input.classList.toggle("has-chips", this.#names.length > 0);
  }

  #chip(name, index) {
    const remove = make("button", { type: "button", className: "chip-remove", textContent: "×" });
    remove.setAttribute("aria-label", `Remove ${name}`);
    remove.addEventListener("click", () => this.#remove(index));
    return make("li", { className: "chip" }, make("span", { className: "chip-name", dir: "auto" }, name), remove);
  }
}
