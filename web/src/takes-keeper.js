// Brings the takes of passages into the library, and knows which a story has. Knows no DOM.

import { SaveLoop } from "./save-loop.js";
import { withWords } from "./takes-record.js";

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
    for (const { story, record } of [...pending, ...(open ? [open] : [])]) {
      const worth = withWords(record);
      if (worth) this.#pending.set(record.id, { story, record: worth });
    }
    this.touch();
  }

  /** What the desk has to keep. */
  get kept() {
    return [...this.#pending.values()];
  }

  get story() {
    return this.sync.current?.id ?? null;
  }

  /** Keep a record of `story`, or of the one that the page is about to have; what the library has of it goes. */
  keep(record, story = this.story) {
    if (!record) return;
    this.#pending.set(record.id, { story, record });
    this.#refused.delete(record.id);
    if (this.#known.story === story) this.#remember(record);
    this.onChange();
    this.touch();
  }

  /** Have a passage's takes no more, here and in the library. Throws ApiError. */
  async delete(id) {
    await this.loop.working; // what is on its way would come after it
    const mine = this.#pending.get(id);
    this.#pending.delete(id);
    try {
      if (this.sync.current?.revision) await this.api.deletePassage(this.story, id);
    } catch (error) {
      if (mine && !this.#pending.has(id)) this.#pending.set(id, mine);
      if (error.status !== 404) throw error;
    }
    this.#known.records.delete(id);
    this.#refused.clear(); // there is room now
    this.onChange();
  }

  /** Something may have become possible: a story that has an id, or a server that answers. */
  touch() {
    this.#adopt();
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
    return this.kept.filter(({ story, record }) => story !== null && !this.#refused.has(record.id));
  }

  /** Takes that were made on an empty page belong to the story that began on it; one that came from the library is another. */
  #adopt() {
    if (this.story === null || this.sync.current.revision) return;
    for (const each of this.#pending.values()) each.story ??= this.story;
  }

  #remember(record) {
    const others = [...this.#known.records.values()].filter(({ id }) => id !== record.id);
    const earlier = this.#known.records.get(record.id);
    this.#know(this.story, [{ ...earlier, ...record }, ...others]);
  }

  async #push() {
    for (const { story, record } of this.#waiting) if (await this.#isThere(story)) await this.#send(story, record);
    return false;
  }

  /** A story that is new has to be in the library before its takes; what is refused all the same is of one that was deleted there. */
  async #isThere(story) {
    const isNew = () => this.sync.stories.held.some(({ id, revision }) => id === story && !revision);
    if (isNew()) await this.sync.settle();
    return !isNew();
  }

  async #send(story, record) {
    try {
      await this.api.keepPassage(story, record);
      if (this.#pending.get(record.id)?.record === record) this.#pending.delete(record.id);
      this.onChange();
    } catch (error) {
      if (error.status < 400 || error.status >= 500 || error.status === 401) throw error;
      this.#refused.add(record.id);
    }
  }
}
