// What the library lacks of takes, passage by passage, and what it has refused of that. Knows no DOM.

import { mergeRecords } from "./takes-merge.js";

export class OwedTakes {
  /** Passage id → `{story, record, told}`; a story without an id yet is null, `told` is why the library refused it. */
  #owed = new Map();
  /** What was refused, with its story's revision then: not tried again until it changes, or its story is made anew. */
  #refused = new Map();

  /** `revision(story)` is the one that the library has of it, as far as is known here; 0 when it has none yet. */
  constructor({ revision }) {
    Object.assign(this, { revision });
  }

  get all() {
    return [...this.#owed.values()];
  }

  /** What may be sent now. */
  get waiting() {
    const isMadeAnew = ({ story, record }) => this.revision(story) < this.#refused.get(record.id);
    return this.all.filter((each) => each.story !== null && (!this.#refused.has(each.record.id) || isMadeAnew(each)));
  }

  has(id) {
    return this.#owed.has(id);
  }

  /** A later record brings what is new: takes that only an earlier one has are owed all the same. */
  add({ story, record, told }) {
    const earlier = this.#owed.get(record.id);
    this.#owed.set(record.id, { story, record: mergeRecords(earlier?.record, record), told: told ?? earlier?.told });
    this.#refused.delete(record.id);
  }

  /** Takes of a page without a story are those of the one that begins there. */
  adopt(story) {
    for (const each of this.#owed.values()) each.story ??= story;
  }

  /** The library has this very record, which may not be the last. */
  paid(record) {
    this.#refused.delete(record.id);
    if (this.#owed.get(record.id)?.record === record) this.#owed.delete(record.id);
  }

  /** The library refused this very record, which may not be the last. Returns whether that is not told yet. */
  refuse({ story, record }, why) {
    const owed = this.#owed.get(record.id);
    if (owed?.record !== record) return false;
    this.#refused.set(record.id, this.revision(story));
    const isNews = owed.told !== why;
    owed.told = why;
    return isNews;
  }

  /** Nothing is owed of a passage any more; returns what was. */
  remove(id) {
    const owed = this.#owed.get(id);
    this.#owed.delete(id);
    return owed;
  }

  /** There may be room now. */
  forgive() {
    this.#refused.clear();
  }
}
