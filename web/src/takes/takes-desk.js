// When takes may be asked for on the page, and of what: the selection, a place between words, the whole story.

import { isBlank } from "../text/story.js";
import { errand } from "./errand.js";
import { fromLeft } from "./left-takes.js";
import { findPassage } from "./passage-finder.js";
import { InText, WholeStory } from "./takes-place.js";
import { fromRecord } from "./takes-record.js";

const BUSY = "Let what is being written come to its end first, or stop it.";
const BLANK = "Write something first, or press Write: then there is a place to write at.";
const AT_LEAST = 2;

export class TakesDesk {
  #left = null;

  /** `count.value` is how many takes are asked for; `first()` says that the open takes come first. */
  constructor({ editor, taking, telling, library, bar, count, first }) {
    Object.assign(this, { editor, taking, telling, library, bar, count, first });
  }

  /** The takes of this story that were open when the page was left (see left-takes.js), or null. */
  get left() {
    return this.#left?.story === this.editor.story ? this.#left : null;
  }

  /** Begin with what was left, or null; takes that are still being written are heard on at once. */
  open(left) {
    this.#left = left;
    if (this.left?.unheard?.length) this.reopenLeft();
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
    if (this.#isFree()) this.#start(errand("story"), new WholeStory(this.editor), this.ofWhole);
  }

  /** So many takes of the whole story are asked for at once. */
  get ofWhole() {
    return Math.max(AT_LEAST, this.count.value);
  }

  reopen(record, range) {
    this.#reopen(fromRecord(record), range);
  }

  /** Back to the takes that were open when the page was left. False when their passage is gone: the list has them. */
  reopenLeft() {
    const left = this.#left;
    const range = findPassage(this.editor.text, left.record);
    this.#left = null;
    if (range) this.#reopen(fromLeft(left), range);
    return range !== null;
  }

  /** A kept take whose passage is gone, put down at the cursor: one step to undo. */
  insertText(text) {
    this.editor.insert(text);
    this.editor.focus();
  }

  #reopen(opened, range) {
    if (this.telling.busy) return this.telling.say(BUSY);
    if (this.taking.isOpen) this.taking.keep();
    this.#left = null;
    this.library.keepBefore();
    const isWhole = opened.about.errand.kind === "story";
    this.taking.reopen(opened, isWhole ? new WholeStory(this.editor) : new InText(this.editor, range));
  }

  #start(errand, place, count) {
    this.#left = null;
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
