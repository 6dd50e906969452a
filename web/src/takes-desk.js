// When takes may be asked for on the page, and of what: the selection, a place between words, the whole story.

import { errand } from "./errand.js";
import { findPassage } from "./passage-finder.js";
import { isBlank } from "./story.js";
import { InText, WholeStory } from "./takes-place.js";

const BUSY = "Let what is being written come to its end first, or stop it.";
const BLANK = "Write something first, or press Write: then there is a place to write at.";
const AT_LEAST = 2;

export class TakesDesk {
  /** The takes that were open when the page was left, as a record, or null. */
  left = null;

  /** `count.value` is how many takes are asked for; `first()` says that the open takes come first. */
  constructor({ editor, taking, telling, library, bar, count, first }) {
    Object.assign(this, { editor, taking, telling, library, bar, count, first });
  }

  /** Takes of what `range` is, done as `wish` says; the words it has now stay in a version. */
  ask(range, wish) {
    this.#start(errand(range.from === range.to ? "insertion" : "passage", wish), new InText(this.editor, range), this.count.value);
  }

  /** The cursor's place, and what is to happen there. */
  insert() {
    if (isBlank(this.editor.text)) return this.telling.say(BLANK);
    if (this.#isFree()) this.bar.openInsertion();
  }

  /** Several takes of the whole story, side by side. */
  others() {
    if (this.#isFree()) this.#start(errand("story"), new WholeStory(this.editor), Math.max(AT_LEAST, this.count.value));
  }

  reopen(record, range) {
    if (this.telling.busy) return this.telling.say(BUSY);
    if (this.taking.isOpen) this.taking.keep();
    this.left = null;
    this.library.keepBefore();
    this.taking.reopen(record, record.kind === "story" ? new WholeStory(this.editor) : new InText(this.editor, range));
  }

  /** Back to the takes that were open when the page was left. False when their passage is gone: the list has them. */
  reopenLeft() {
    const record = this.left;
    const range = findPassage(this.editor.text, record);
    this.left = null;
    if (range) this.reopen(record, range);
    return range !== null;
  }

  /** A kept take whose passage is gone, put down at the cursor: one step to undo. */
  insertText(text) {
    this.editor.insert(text);
    this.editor.focus();
  }

  #start(errand, place, count) {
    this.left = null;
    this.library.keepBefore();
    this.taking.start(errand, place, count);
  }

  #isFree() {
    if (this.telling.busy) this.telling.say(BUSY);
    else if (this.taking.isOpen) this.first();
    else return true;
    return false;
  }
}
