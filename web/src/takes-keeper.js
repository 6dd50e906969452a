// Brings the takes of passages into the library, and knows which a story has. Knows no DOM.

import { SaveLoop } from "./save-loop.js";

export class TakesKeeper {
  /** What the library lacks: passage id → `{story, record}`; a story without an id yet is null. */
  #pending = new Map();
  /** What it has refused; that is not tried again until it changes. */
  #refused = new Set();
  #known = { story: undefined, records: new Map() };

  /** `api`: passages, keepPassage. `sync` is the LibrarySync; `onChange()`: there is something to be kept on the desk. */
  constructor({ api, sync, clock, onChange }) {
    Object.assign(this, { api, sync, onChange });
    this.loop = new SaveLoop({ clock, work: () => this.#push(), onProblem: () => {} });
  }

  /** Begin with what a desk kept: `{open, pending}`, open being the takes that nobody had decided on. */
  open({ open = null, pending = [] } = {}) {
    for (const { story, record } of [...pending, ...(open ? [open] : [])]) this.#pending.set(record.id, { story, record });
    this.touch();
  }

  /** What the desk has to keep. */
  get kept() {
    return [...this.#pending.values()];
  }

  get story() {
    return this.sync.current?.id ?? null;
  }

  /** Keep a record of the story on the page; what the library has of it goes. */
  keep(record) {
    if (!record) return;
    this.#pending.set(record.id, { story: this.story, record });
    this.#refused.delete(record.id);
    if (this.#known.story === this.story) this.#remember(record);
    this.onChange();
    this.touch();
  }

  /** Something may have become possible: a story that has an id, or a server that answers. */
  touch() {
    if (this.#waiting.length) this.loop.touch();
  }

  /** The passages of the story on the page that are known by now; they are asked for once. */
  get records() {
    if (this.#known.story !== this.story) this.list().then(this.onChange, () => {});
    return [...this.#known.records.values()];
  }

  /** The passages of the story on the page, the newest first. Throws ApiError. */
  async list() {
    const { story } = this;
    this.#know(story, []);
    if (this.#waiting.length) await this.loop.now();
    const told = await this.#read(story);
    if (story !== this.story) return this.list();
    const own = this.kept.filter((each) => each.story === null || each.story === story).map(({ record }) => record);
    const records = [...own.reverse(), ...told.filter(({ id }) => !this.#pending.has(id))];
    this.#know(story, records);
    return records;
  }

  /** What the library has; if it cannot be asked, it is asked again the next time. */
  async #read(story) {
    if (!this.sync.current?.revision) return [];
    try {
      return await this.api.passages(story);
    } catch (error) {
      this.#know(undefined, []);
      throw error;
    }
  }

  #know(story, records) {
    this.#known = { story, records: new Map(records.map((record) => [record.id, record])) };
  }

  get #waiting() {
    return this.kept.filter(({ record }) => !this.#refused.has(record.id));
  }

  #remember(record) {
    const others = [...this.#known.records.values()].filter(({ id }) => id !== record.id);
    const earlier = this.#known.records.get(record.id);
    this.#know(this.story, [{ ...earlier, ...record }, ...others]);
  }

  async #push() {
    for (const { story, record } of this.#waiting) {
      const owner = story ?? this.story;
      if (!owner || !(await this.#isThere(owner))) continue;
      await this.#send(owner, record);
    }
    return false;
  }

  /** A story that is new has to be in the library before its takes. */
  async #isThere(story) {
    if (story !== this.story || this.sync.current.revision) return true;
    await this.sync.settle();
    return Boolean(this.sync.current?.revision);
  }

  async #send(story, record) {
    try {
      await this.api.keepPassage(story, record);
      if (this.#pending.get(record.id)?.record === record) this.#pending.delete(record.id);
      this.onChange();
    } catch (error) {
      if (error.status < 400 || error.status >= 500 || error.status === 401) throw error;
      if (error.status !== 404) this.#refused.add(record.id);
    }
  }
}
