// What the toolbar is for: the words that are selected, or the place at the cursor. Knows no DOM.

import { passageRange } from "./story.js";

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
    if (this.#insertion?.to === to) return this.#insertion;
    this.#insertion = null;
    if (from === to || this.#selection === this.#dismissed) return null;
    return passageRange(this.editor.text, from, to);
  }

  /** A place between words is wanted now, where the cursor is. */
  insert() {
    const { to } = this.editor.selection;
    this.#insertion = { from: to, to };
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
