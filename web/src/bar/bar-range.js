// What the toolbar is for: the words that are selected, or the place at the cursor. Knows no DOM.

import { passageRange } from "../text/story.js";
import { wordAround } from "../text/word-edges.js";

export class BarRange {
  #insertion = null;
  #dismissed = "";

  /** `allowed()` says whether there may be takes now. */
  constructor({ editor, allowed }) {
    Object.assign(this, { editor, allowed });
  }

  /** The range that a bar is wanted for now, or null. */
  get wanted() {
    if (!this.allowed()) return null;
    const { from, to } = this.editor.selection;
    if (this.#insertion === to) return this.#place(to);
    this.#insertion = null;
    if (from === to || this.#selection === this.#dismissed) return null;
    return passageRange(this.editor.text, from, to);
  }

  /** A place between words is wanted now, where the cursor is. */
  insert() {
    this.#insertion = this.editor.selection.to;
  }

  /** Inside of a word it is the word's end: nobody means to part it. */
  #place(cursor) {
    const at = wordAround(this.editor.text, cursor)?.to ?? cursor;
    return { from: at, to: at };
  }

  /** The writer does not want a bar for this selection. */
  dismiss() {
    this.#dismissed = this.#selection;
    this.leave();
  }

  /** The writer asks for it after all. */
  recall() {
    this.#dismissed = "";
  }

  leave() {
    this.#insertion = null;
  }

  get #selection() {
    return JSON.stringify(this.editor.selection);
  }
}
