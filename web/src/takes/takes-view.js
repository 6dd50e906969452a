// Takes as they are seen: in the text one at a time, or side by side over it; drawn once a frame.

import { TakesBox } from "./takes-box.js";
import { TakesSheet } from "./takes-sheet.js";

export class TakesView {
  #frame = 0;

  /** `on` is what the box and the sheet report; `sight()` is what OpenTakes shows, or null when nothing is open. */
  constructor({ on, sight }) {
    this.sight = sight;
    this.box = new TakesBox(on);
    this.sheet = new TakesSheet(on);
  }

  get isSheetOpen() {
    return this.sheet.isOpen;
  }

  get hasFocus() {
    return this.box.hasFocus;
  }

  /** Something is open now: a whole story in the sheet, a passage where it stands. */
  begin() {
    if (this.sight().isWhole) this.openSheet();
    this.draw();
    if (!this.sight().isWhole) requestAnimationFrame(() => this.sight() && this.box.reveal());
  }

  openSheet() {
    this.sheet.open(this.sight());
  }

  /** The one that is looked at is another. */
  turn() {
    this.draw();
    if (this.sheet.isOpen) this.sheet.focusTake(this.sight().takes.index);
  }

  /** Back from the sheet to the passage. */
  reveal() {
    this.draw();
    this.box.reveal();
  }

  focus() {
    if (!this.sheet.isOpen) this.box.focus();
  }

  /** The hand goes back to the text, if it was on the takes: of what is gone from the page it fell to the body. */
  close() {
    const isHere = document.activeElement === document.body || this.hasFocus || this.sheet.isOpen;
    this.sheet.close();
    if (isHere) this.editor.focus();
  }

  leaveMix() {
    return this.sheet.leaveMix();
  }

  /** More words came: draw them with the next frame. */
  touch() {
    this.#frame ||= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.#frame = 0;
    const sight = this.sight();
    if (!sight) return;
    if (this.sheet.isOpen) this.sheet.show(sight);
    if (sight.isWhole) return;
    this.box.show(sight);
    this.editor.remeasure();
  }
}
