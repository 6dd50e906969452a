// The small toolbar on a selection, or at the cursor: asks what should be written there.

import { byId, setText } from "../common/elements.js";
import { clearKeyboard, placeBar } from "./bar-place.js";
import { BarRange } from "./bar-range.js";
import { wordAt } from "./words.js";

const SETTLED_MS = 140;
const SELECTION = { label: "How to rewrite it", hint: "How? e.g. shorter, from her point of view", send: "Rewrite", name: "Rewrite the selection" };
const CURSOR = { label: "What to write here", hint: "What happens here? It may stay empty", send: "Insert", name: "Write at the cursor" };

export class RewriteBar {
  #bar = byId("rewrite-bar");
  #input = byId("instruction");
  #range = null;
  #timer = null;
  #pointerDown = false;

  /**
   * `allowed()` says whether there may be takes now; `onAsk(range, {instruction, action, register, opening})` asks for some. `parts` are made
   * with the bar: `{ways, words, offers, favourites, count}`.
   */
  constructor({ editor, allowed, onAsk, parts }) {
    Object.assign(this, { editor, allowed, onAsk, range: new BarRange({ editor, allowed }) }, parts(this));
    this.#bar.addEventListener("submit", (event) => (event.preventDefault(), this.ask()));
    this.#bar.addEventListener("keydown", (event) => this.#escape(event));
    this.#input.addEventListener("focus", () => this.editor.pick(this.range.wanted));
    this.#input.addEventListener("input", () => this.favourites.follow());
    this.#bar.addEventListener("focusout", ({ relatedTarget }) => this.#bar.contains(relatedTarget) || this.editor.pick(null));
    this.#listen();
  }

  get isOpen() {
    return !this.#bar.hidden;
  }

  /** The instruction as it stands. */
  get typed() {
    return this.#input.value.trim();
  }

  /** The selection, the text or what is allowed changed: show, move or hide the bar once it settles. */
  follow() {
    clearTimeout(this.#timer);
    if (!this.range.wanted) return this.hide();
    this.#timer = setTimeout(() => !this.#pointerDown && this.#show(), SETTLED_MS);
  }

  /** Open at once and take the focus. False when nothing is selected. */
  open() {
    clearTimeout(this.#timer);
    this.range.recall();
    if (!this.range.wanted) return false;
    this.#show();
    this.#input.focus({ preventScroll: true });
    return true;
  }

  /** Open for a passage to be written at the cursor. False when there may be none now. */
  openInsertion() {
    this.range.insert();
    return this.open();
  }

  /** Ask for other words for the one that is selected, or at the cursor. False when there is none. */
  otherWords() {
    const word = this.allowed() && wordAt(this.editor.text, this.editor.selection);
    if (!word) return false;
    this.editor.select(word);
    if (!this.open()) return false;
    this.ways.close();
    this.words.open(word);
    this.place();
    return true;
  }

  /** Ask for what is typed, done in this way, for `range` or for what is selected now: the bar may not have come there yet. */
  ask(way = {}, range = this.isOpen ? this.range.wanted : null) {
    if (!range || !this.allowed()) return;
    const asked = { instruction: this.typed, ...way };
    this.#leave();
    this.onAsk(range, asked);
  }

  hide() {
    const focused = this.#bar.contains(document.activeElement);
    this.#leave();
    if (focused) this.editor.focus();
  }

  /** The writer does not want it for this selection. */
  dismiss() {
    this.range.dismiss();
    this.hide();
    this.editor.focus();
  }

  /** Stand where the range is, as large as the bar is now. */
  place() {
    if (this.#range) placeBar(this.#bar, this.editor, this.#range);
  }

  /** Show how many takes will be asked for. */
  showCount() {
    const { value } = this.count;
    setText(byId("rewrite-times"), value > 1 ? ` ×${value}` : "");
    byId("rewrite-times").parentElement.title = value > 1 ? `${value} takes at once` : "";
  }

  #show() {
    const range = this.range.wanted;
    if (!range) return this.hide();
    if (this.#bar.hidden) this.#input.value = "";
    if (range.from !== this.#range?.from || range.to !== this.#range?.to) this.words.close();
    this.#range = range;
    this.#bar.hidden = false;
    this.#draw();
    this.place();
  }

  #draw() {
    const isInsertion = this.#range.from === this.#range.to;
    const { label, hint, send, name } = isInsertion ? CURSOR : SELECTION;
    setText(byId("instruction-label"), label);
    this.#input.placeholder = hint;
    setText(byId("rewrite-send"), send);
    this.#bar.setAttribute("aria-label", name);
    this.ways.show({ isInsertion });
    this.offers.show(this.#range);
    this.favourites.read();
    this.favourites.follow();
    this.showCount();
  }

  #leave() {
    this.#bar.hidden = true;
    this.#range = null;
    this.range.leave();
    this.words.close();
    this.ways.close();
  }

  #escape(event) {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    this.dismiss();
  }

  #listen() {
    document.addEventListener("pointerdown", ({ target }) => this.#pressed(target));
    for (const end of ["pointerup", "pointercancel"]) {
      document.addEventListener(end, () => {
        this.#pointerDown = false;
        this.follow();
      });
    }
    window.visualViewport?.addEventListener("resize", () => clearKeyboard(this.#bar));
    window.addEventListener("resize", () => this.place());
  }

  /** A press elsewhere puts the bar away; one in the text may begin another selection. */
  #pressed(target) {
    this.#pointerDown = !this.#bar.contains(target);
    if (!this.#pointerDown) return clearTimeout(this.#timer); // it stays under the pointer until that is lifted
    if (!this.isOpen) return;
    if (!this.editor.view.dom.contains(target)) this.range.dismiss();
    this.#leave();
  }
}
