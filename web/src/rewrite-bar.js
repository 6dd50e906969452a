// The small toolbar on a selection: asks how the passage should be rewritten.

import { byId } from "./elements.js";
import { passageRange } from "./story.js";

const SETTLED_MS = 140;
const GAP = 10;
const docks = matchMedia("(max-width: 44rem), (pointer: coarse)");

export class RewriteBar {
  #bar = byId("rewrite-bar");
  #input = byId("instruction");
  #range = null;
  #timer = null;
  #pointerDown = false;
  #dismissed = "";

  /** `allowed()` says whether there may be a rewrite now; `onRewrite(range, instruction)` starts it. */
  constructor({ editor, allowed, onRewrite }) {
    Object.assign(this, { editor, allowed, onRewrite });
    this.#bar.addEventListener("submit", (event) => this.#send(event));
    this.#bar.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      this.dismiss();
    });
    this.#input.addEventListener("focus", () => this.editor.pick(this.#range));
    this.#bar.addEventListener("focusout", ({ relatedTarget }) => {
      if (!this.#bar.contains(relatedTarget)) this.editor.pick(null);
    });
    document.addEventListener("pointerdown", ({ target }) => this.#pressed(target));
    for (const end of ["pointerup", "pointercancel"]) {
      document.addEventListener(end, () => {
        this.#pointerDown = false;
        this.follow();
      });
    }
    window.visualViewport?.addEventListener("resize", () => this.#clearKeyboard());
    window.addEventListener("resize", () => this.#range && this.#place());
  }

  get isOpen() {
    return !this.#bar.hidden;
  }

  /** The selection, the text or what is allowed changed: show, move or hide the bar once it settles. */
  follow() {
    clearTimeout(this.#timer);
    if (!this.#wanted()) return this.hide();
    this.#timer = setTimeout(() => !this.#pointerDown && this.#show(), SETTLED_MS);
  }

  /** Open at once and take the focus. False when nothing is selected. */
  open() {
    clearTimeout(this.#timer);
    this.#dismissed = "";
    if (!this.#wanted()) return false;
    this.#show();
    this.#input.focus({ preventScroll: true });
    return true;
  }

  hide() {
    const focused = this.#bar.contains(document.activeElement);
    this.#bar.hidden = true;
    this.#range = null;
    if (focused) this.editor.focus();
  }

  /** The writer does not want it for this selection. */
  dismiss() {
    this.#dismissed = JSON.stringify(this.editor.selection);
    this.hide();
    this.editor.focus();
  }

  #wanted() {
    const { from, to } = this.editor.selection;
    if (from === to || !this.allowed()) return null;
    if (JSON.stringify({ from, to }) === this.#dismissed) return null;
    return passageRange(this.editor.text, from, to);
  }

  #show() {
    this.#range = this.#wanted();
    if (!this.#range) return this.hide();
    if (this.#bar.hidden) this.#input.value = "";
    this.#bar.hidden = false;
    this.#place();
  }

  /** A press elsewhere puts the bar away; one in the text may begin another selection. */
  #pressed(target) {
    this.#pointerDown = !this.#bar.contains(target);
    if (!this.#pointerDown || !this.isOpen) return;
    if (!this.editor.view.dom.contains(target)) this.#dismissed = JSON.stringify(this.editor.selection);
    this.#bar.hidden = true;
  }

  /** Above the passage, else below it, else at the foot of the window; never on it. */
  #place() {
    const bar = this.#bar;
    const { offsetWidth: width, offsetHeight: height } = bar;
    const place = docks.matches ? null : this.editor.place(this.#range);
    const floor = window.innerHeight - byId("dock").offsetHeight;
    const above = place && place.top - height - GAP;
    const below = place && place.bottom + GAP;
    const top = above >= 56 ? above : below;
    const fits = place && top >= 8 && top + height <= floor - 8;
    bar.classList.toggle("is-docked", !fits);
    if (!fits) return;
    const column = this.editor.view.contentDOM.getBoundingClientRect();
    const near = above >= 56 ? place.left : Math.min(place.left, place.right);
    const left = Math.max(12, Math.min(near - 8, Math.max(column.right, width + 24) - width));
    bar.style.left = `${Math.round(left + window.scrollX)}px`;
    bar.style.top = `${Math.round(top + window.scrollY)}px`;
  }

  /** On a touch screen the docked bar stands on the keyboard, where that covers the page. */
  #clearKeyboard() {
    const { height, offsetTop, scale } = window.visualViewport;
    const covered = scale === 1 ? Math.max(0, window.innerHeight - height - offsetTop) : 0;
    this.#bar.style.setProperty("--keyboard", `${Math.round(covered)}px`);
  }

  #send(event) {
    event.preventDefault();
    const range = this.#range;
    if (!range || !this.allowed()) return;
    this.#bar.hidden = true;
    this.#range = null;
    this.onRewrite(range, this.#input.value.trim());
  }
}
