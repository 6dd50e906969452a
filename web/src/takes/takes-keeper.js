// Brings the takes of passages into the library, and knows which a story has. Knows no DOM.

import { SaveLoop } from "../saving/save-loop.js";
import { OwedTakes } from "./owed-takes.js";
import { mergeRecords } from "./takes-merge.js";
import { withWords } from "./takes-record.js";
import { TakesTrouble } from "./takes-trouble.js";

export class TakesKeeper {
  #known = { story: undefined, records: new Map() };

  /**
   * `api`: passages, keepPassage, deletePassage. `sync` is the LibrarySync; `onChange()`: there is something to be kept on the desk;
   * `onTold(story, record)`: so the library has a passage now, with takes of other windows; `onTrouble` as TakesTrouble has it.
   */
  constructor({ api, sync, clock, onChange, onTold, onTrouble }) {
    Object.assign(this, { api, sync, onChange, onTold, trouble: new TakesTrouble(onTrouble) });
    this.owed = new OwedTakes({ revision: (story) => sync.stories.held.find(({ id }) => id === story)?.revision ?? Infinity });
    this.loop = new SaveLoop({ clock, work: () => this.#push(), onProblem: () => this.trouble.failed(this.loop.problem) });
  }

  /** Begin with what a desk kept: `{open, pending}`, open being the takes that nobody had decided on. */
  open({ open = null, pending = [] } = {}) {
    for (const { story, record, told } of [...pending, ...(open ? [open] : [])]) {
      const worth = withWords(record);
      if (worth) this.owed.add({ story, record: worth, told });
    }
    this.touch();
  }

  /** What the desk has to keep. */
  get kept() {
    return this.owed.all;
  }

  get story() {
    return this.sync.current?.id ?? null;
  }

  /** Keep a record of `story`, or of the one that the page is about to have, beside the takes that the library has of it. */
  keep(record, story = this.story) {
    if (!record) return;
    this.owed.add({ story, record });
    if (this.#known.story === story) this.#remember(record);
    this.onChange();
    this.touch();
  }

  /** Have a passage's takes no more, here and in the library. Throws ApiError. */
  async delete(id) {
    await this.loop.working; // what is on its way would come after it
    const mine = this.owed.remove(id);
    try {
      if (this.sync.current?.revision) await this.api.deletePassage(this.story, id);
    } catch (error) {
      if (error.status !== 404) {
        if (mine && !this.owed.has(id)) this.owed.add(mine);
        throw error;
      }
    }
    this.#known.records.delete(id);
    this.owed.forgive();
    this.trouble.over(id);
    this.onChange();
  }

  /** Something may have become possible: a story that has an id, or a server that answers. */
  touch() {
    this.#adopt();
    if (this.owed.waiting.length) this.loop.touch();
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
    if (this.owed.waiting.length) await this.loop.now();
    const told = await this.#read(story);
    if (story !== this.story) return this.list();
    const records = [...this.#ours(story, told), ...told].filter(({ id }, at, all) => all.findIndex((each) => each.id === id) === at);
    this.#know(story, records);
    return records;
  }

  /** What the library lacks, and what came while it was read, joined with what it told. */
  #ours(story, told) {
    const owed = this.kept.filter((each) => each.story === null || each.story === story).map(({ record }) => record);
    return [...this.#known.records.values(), ...owed.reverse()].map((record) => mergeRecords(told.find(({ id }) => id === record.id), record));
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

  /** Takes that were made on an empty page belong to the story that began on it; one that came from the library is another. */
  #adopt() {
    if (this.story !== null && !this.sync.current.revision) this.owed.adopt(this.story);
  }

  #remember(record) {
    const others = [...this.#known.records.values()].filter(({ id }) => id !== record.id);
    this.#know(this.#known.story, [mergeRecords(this.#known.records.get(record.id), record), ...others]);
  }

  async #push() {
    for (const each of this.owed.waiting) if (await this.#isThere(each.story)) await this.#send(each);
    return false;
  }

  /** A story that is new has to be in the library before its takes; what is refused all the same is of one that was deleted there. */
  async #isThere(story) {
    const isNew = () => this.sync.stories.held.some(({ id, revision }) => id === story && !revision);
    if (isNew()) await this.sync.settle();
    return !isNew();
  }

  async #send({ story, record }) {
    try {
      const told = await this.api.keepPassage(story, record);
      this.owed.paid(record);
      this.trouble.over(record.id);
      if (this.#known.story === story && this.#known.records.has(record.id)) this.#remember(told);
      this.onTold(story, told);
    } catch (error) {
      if (error.status < 400 || error.status >= 500 || error.status === 401) throw error;
      if (this.owed.refuse({ story, record }, error.message)) this.trouble.refused(record.id, error);
    }
    this.onChange();
  }
}
