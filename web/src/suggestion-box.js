// How a suggestion looks, where it stands in the text. Reports what the writer wants of it.

import { make, setText } from "./elements.js";
import { canAccept, current, isWriting, position } from "./suggestion.js";

const STATE = { writing: "Writing…", done: "", stopped: "Stopped", failed: "" };
const CHANGED = "You changed this passage meanwhile.";

export class SuggestionBox {
  /** `on`: accept, discard, again, stop, copy and step(±1). */
  constructor(on) {
    this.earlier = this.#button("‹", "step-button", () => on.step(-1), "Earlier try");
    this.later = this.#button("›", "step-button", () => on.step(1), "Later try");
    this.position = make("span", { className: "step-position" });
    this.steps = make("span", { className: "steps" }, this.earlier, this.position, this.later);
    this.how = make("span", { className: "suggestion-how", dir: "auto" });
    this.state = make("span", { className: "suggestion-state" });
    this.text = make("div", { className: "suggestion-text", dir: "auto" });
    this.note = make("p", { className: "suggestion-note" });
    this.accept = this.#button("Accept", "filled", on.accept);
    this.again = this.#button("Try again", "outlined", on.again);
    this.copy = this.#button("Copy", "outlined", on.copy);
    this.stop = this.#button("Stop", "outlined", on.stop, "Stop rewriting");
    this.discard = this.#button("Discard", "quiet", on.discard);
    const actions = make("div", { className: "suggestion-actions" }, this.accept, this.stop, this.again, this.copy, this.discard);
    const title = make("span", { className: "suggestion-title", textContent: "Suggestion" });
    const head = make("div", { className: "suggestion-head" }, title, this.how, this.state, this.steps);
    this.element = make("span", { className: "suggestion", contentEditable: "false", dir: "ltr" }, head, this.text, this.note, actions);
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", "Suggestion");
  }

  /** Show a suggestion; `changed` says that the passage is no longer what it was made for, `gone` that nothing is left of it. */
  show(suggestion, { changed, gone, progress, instruction }) {
    const { text, status, message } = current(suggestion);
    const writing = isWriting(suggestion);
    setText(this.text, text);
    this.text.hidden = !text && !writing;
    setText(this.how, instruction ? `“${instruction}”` : "");
    setText(this.state, status === "writing" && !text && progress ? progress : STATE[status]);
    setText(this.note, [changed ? CHANGED : "", message].filter(Boolean).join(" "));
    setText(this.accept, changed ? "Replace anyway" : "Accept");
    setText(this.position, position(suggestion));
    this.note.classList.toggle("is-error", status === "failed");
    this.element.classList.toggle("is-writing", status === "writing");
    this.earlier.disabled = suggestion.index === 0;
    this.later.disabled = suggestion.index === suggestion.tries.length - 1;
    this.accept.hidden = gone || !canAccept(suggestion);
    this.steps.hidden = suggestion.tries.length < 2;
    this.stop.hidden = !writing;
    this.again.hidden = writing;
    this.copy.hidden = !changed || !text;
  }

  /** The button a keyboard should be on: the next thing to do. */
  focus() {
    const next = [this.accept, this.stop, this.again].find((button) => !button.hidden);
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
  }

  /** Take the focus, and bring the whole into sight as far as it goes. */
  reveal() {
    this.focus();
    this.element.scrollIntoView({ block: "nearest" });
  }

  get hasFocus() {
    return this.element.contains(document.activeElement);
  }

  #button(text, className, act, name = "") {
    const button = make("button", { type: "button", className, textContent: text });
    if (name) button.setAttribute("aria-label", name);
    button.addEventListener("click", () => act());
    return button;
  }
}
