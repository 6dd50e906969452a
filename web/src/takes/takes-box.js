// How takes look where they stand in the text: one at a time. Reports what the writer wants of them.

import { enable, make, onPress, setText } from "../common/elements.js";
import { stateOf, TakeText } from "./take-text.js";
import { canAccept, current, isRunning, position, running } from "./takes.js";

const CHANGED = "You changed this passage meanwhile.";

export class TakesBox {
  #text = new TakeText({ className: "take-text suggestion-text" });
  #passage = null;

  /** `on`: accept, discard, keep, again, stop(id), stopAll, copy, compare, sideBySide and step(±1). */
  constructor(on) {
    this.earlier = button("‹", "step-button", () => on.step(-1), "Earlier take");
    this.later = button("›", "step-button", () => on.step(1), "Later take");
    this.position = make("span", { className: "step-position" });
    this.steps = make("span", { className: "steps" }, this.earlier, this.position, this.later);
    this.how = make("span", { className: "suggestion-how", dir: "auto" });
    this.state = make("span", { className: "suggestion-state" });
    this.note = make("p", { className: "suggestion-note" });
    this.accept = button("Accept", "filled", () => on.accept());
    this.again = button("Another take", "outlined", on.again);
    this.copy = button("Copy", "outlined", on.copy);
    this.stop = button("Stop", "outlined", () => on.stop(), "Stop this take");
    this.stopAll = button("Stop all", "outlined", on.stopAll);
    this.compare = button("Compare", "quiet toggle", on.compare);
    this.sideBySide = button("Side by side", "quiet", on.sideBySide);
    this.keep = button("Keep for later", "quiet", on.keep);
    this.discard = button("Discard", "quiet", on.discard);
    const actions = make("div", { className: "suggestion-actions" }, this.accept, this.stop, this.stopAll, this.again, this.copy, this.compare, this.sideBySide, this.keep, this.discard);
    const title = make("span", { className: "suggestion-title", textContent: "Suggestion" });
    const head = make("div", { className: "suggestion-head" }, title, this.how, this.state, this.steps);
    this.element = make("span", { className: "suggestion", contentEditable: "false", dir: "ltr" }, head, this.#text.element, this.note, actions);
    this.element.dataset.place = "takes";
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", "Suggestion");
  }

  /** Show where things stand; see Taking. */
  show({ id, takes, asked, problem, present, isCompared, isChanged, isGone, room }) {
    const take = current(takes);
    const hadFocus = this.hasFocus;
    if (this.#passage !== id) this.#begin(id, room);
    setText(this.how, asked);
    setText(this.state, take ? stateOf(take) : "");
    setText(this.note, [isChanged ? CHANGED : "", problem, take?.message].filter(Boolean).join(" "));
    this.note.classList.toggle("is-error", Boolean(problem) || take?.status === "failed");
    this.#showTake(take, takes, { isChanged, isGone });
    this.#text.show(take ?? { text: "", status: "done" }, isCompared ? present : null);
    this.compare.setAttribute("aria-pressed", String(isCompared));
    this.compare.hidden = !present.trim() || !take?.text.trim();
    this.#keepRoom();
    if (hadFocus && !(this.hasFocus && document.activeElement.checkVisibility())) this.focus();
  }

  #showTake(take, takes, { isChanged, isGone }) {
    const { length } = takes.list;
    const isBusy = Boolean(take) && isRunning(take);
    const all = running(takes).length;
    setText(this.accept, isChanged ? "Replace anyway" : "Accept");
    setText(this.position, position(takes));
    this.element.classList.toggle("is-writing", isBusy);
    enable(this.earlier, takes.index > 0);
    enable(this.later, takes.index < length - 1);
    this.steps.hidden = length < 2;
    this.accept.hidden = isGone || !canAccept(take);
    this.stop.hidden = !isBusy;
    this.stopAll.hidden = all < 2;
    this.again.hidden = isBusy;
    this.sideBySide.hidden = length === 0;
    this.copy.hidden = !isChanged || !take?.text;
    this.keep.hidden = all > 0 || !takes.list.some(canAccept);
  }

  /** The button a keyboard should be on: the next thing to do. */
  focus() {
    const next = [this.accept, this.stop, this.again].find((each) => !each.hidden);
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

  /** Room for `lines`, so that the text below stays where it is while they are written. */
  #begin(id, lines) {
    this.#passage = id;
    const { style } = this.#text.element;
    style.setProperty("--lines", lines);
    style.minHeight = "";
  }

  /** Once there were more lines, their room stays: to step through takes moves nothing. */
  #keepRoom() {
    const { element } = this.#text;
    const height = element.offsetHeight;
    if (height > parseFloat(getComputedStyle(element).minHeight)) element.style.minHeight = `${height}px`;
  }
}

function button(text, className, act, name = "") {
  const made = make("button", { type: "button", className, textContent: text });
  if (name) made.setAttribute("aria-label", name);
  onPress(made, () => act());
  return made;
}
