// One story on its way into the library: what is there, what should be, and what to do when they differ. Knows no DOM.
//
// `base` marks the words that the library is known to hold. A save whose answer was lost may have arrived all the
// same: the marks of all that was sent since stay in `tried`, so that our own words are never taken for somebody else's.

import { fingerprint } from "./fingerprint.js";

const TRIED = 200;
/** So many characters fewer than the library holds, and what it holds becomes a version first. */
const MUCH = 400;

const besides = ({ settings, model }) => JSON.stringify([settings ?? null, model ?? null]);

export class StorySync {
  /** Reasons for which a version is to be kept once the words are there. */
  reasons = new Set();
  /** What should be in the library: `{text, title, settings, model}`, or null when only the page could say. */
  want = null;
  #mark = null;
  #besides = null;
  #length = 0;

  /**
   * `record` is what `record()` gave before. `look()` brings `want` up to date; `onTheirs(story, theirs)` hears that another
   * window went on with it, `onFork(story, theirs)` that both did.
   */
  constructor({ id, title = "", revision = 0, base = null, baseTitle = "", tried = [], want = null }, { api, look, onTheirs, onFork }) {
    Object.assign(this, { id, title, revision, base, baseTitle, tried, api, look, onTheirs, onFork });
    if (want) this.wish(want);
  }

  /** It should hold this. */
  wish({ text, settings, model }) {
    if (!this.want || this.want.text !== text) this.#mark = fingerprint(text);
    this.want = { text, title: this.title, settings, model };
  }

  get isDirty() {
    if (!this.want) return false;
    const { title } = this;
    return this.#mark !== this.base || title !== this.baseTitle || (this.#besides !== null && besides(this.want) !== this.#besides);
  }

  get isDue() {
    return this.isDirty || (this.reasons.size > 0 && this.revision > 0);
  }

  /** What a reload needs to go on; with `content`, what the page itself does not hold. */
  record({ content = false } = {}) {
    const { id, title, revision, base, baseTitle, tried, want } = this;
    return { id, title, revision, base, baseTitle, tried, ...(content && this.isDirty ? { want } : {}) };
  }

  /** Bring the newest words into the library, and keep the versions that are due. Throws ApiError. */
  async push() {
    const reasons = [...this.reasons];
    if (this.isDirty) await this.#save();
    if (!this.revision) return;
    for (const reason of reasons) {
      await this.#keepVersion(reason);
      this.reasons.delete(reason);
    }
  }

  /** The library holds `content` under `revision`: ours, or what it told us. */
  settled(revision, content, mark = fingerprint(content.text)) {
    Object.assign(this, { revision, base: mark, baseTitle: content.title, tried: [] });
    this.#besides = besides(content);
    this.#length = content.text.length;
  }

  async #save() {
    if (this.#length - this.want.text.length > MUCH) await this.#keepVersion("pause");
    const content = { ...this.want, title: this.title };
    const mark = this.#mark;
    if (!this.tried.includes(mark)) this.tried = [...this.tried, mark].slice(-TRIED);
    try {
      const { id, revision } = this;
      const told = revision ? await this.api.saveStory(id, { revision, ...content }) : await this.api.createStory({ id, ...content });
      this.settled(told.revision, content, mark);
    } catch (error) {
      if (error.status === 409) await this.#meet();
      else if (error.status === 404 && this.revision) this.#isGone();
      else throw error;
    }
  }

  /** A version of what the library holds. A story that was deleted meanwhile has none, and stays deleted. */
  #keepVersion = (reason) => this.api.keepVersion(this.id, reason).catch((error) => error.status === 404 || Promise.reject(error));

  /** It was deleted elsewhere, and the writer writes on: it is made anew. */
  #isGone() {
    Object.assign(this, { revision: 0, base: null });
  }

  /** Somebody saved in between: our own words of before, the same, or others. */
  async #meet() {
    const theirs = await this.api.readStory(this.id).catch((error) => (error.status === 404 ? null : Promise.reject(error)));
    if (!theirs) return this.#isGone();
    this.look();
    const mark = fingerprint(theirs.text);
    if ([this.#mark, this.base, ...this.tried].includes(mark)) this.#goOnFrom(theirs, mark);
    else if (this.#mark === this.base) this.onTheirs(this, theirs);
    else this.onFork(this, theirs);
  }

  /** The words are ours to change; of the titles, the one that was changed. */
  #goOnFrom(theirs, mark) {
    if (this.title === this.baseTitle) this.title = theirs.title;
    this.settled(theirs.revision, theirs, mark);
  }
}
