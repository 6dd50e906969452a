// One story on its way into the library: what is there, what should be, and what to do when they differ. Knows no DOM.
//
// `base` marks the words that the library is known to hold. A save whose answer was lost may have arrived all the
// same: the marks of all that was sent since stay in `tried`, so that our own words are never taken for somebody else's.

import { difference } from "../text/difference.js";
import { fingerprint } from "../text/fingerprint.js";
import { ifFitting } from "../text/runs.js";
import { onlyAdds } from "../text/text-diff.js";

const TRIED = 200;
/** Before more characters than these go from what the library holds, that becomes a version. */
const MUCH = 400;
/** Two windows may hear a story told: what the one makes of it is saved once a second, and its end a moment after ours. */
const WAITS = 3;

/** What is saved along with the words: a change of it is one to be saved, but none that two windows could disagree on. */
const besides = ({ settings, model, origins }) => JSON.stringify([settings ?? null, model ?? null, origins ?? null]);

export class StorySync {
  /** Reasons for which a version is to be kept once the words are there. */
  reasons = new Set();
  /** What should be in the library: `{text, title, origins, settings, model}`, or null when only the page could say. */
  want = null;
  /** The last generation of it, which others that hear it may have saved: `isBeginning(text)` and `isWhole(text)` know it. */
  tale = null;
  #mark = null;
  /** What goes along with the words: now, and as the library is known to hold it. */
  #along = null;
  #besides = null;
  /** The words that the library is known to hold; null when only their mark is known. */
  #held = null;
  /** So often another window's words were met that may yet become all that was told. */
  #waits = 0;
  /** So many characters of them went since the last version. */
  #gone = 0;

  /**
   * `record` is what `record()` gave before. `look()` brings `want` up to date; `onTheirs(story, theirs)` hears that another
   * window went on with it, `onFork(story, theirs)` that both did.
   */
  constructor({ id, title = "", revision = 0, base = null, baseTitle = "", tried = [], want = null }, { api, look, onTheirs, onFork }) {
    Object.assign(this, { id, title, revision, base, baseTitle, tried, api, look, onTheirs, onFork });
    if (want) this.wish(want);
  }

  /** It should hold this. */
  wish({ text, origins = null, settings, model }) {
    if (!this.want || this.want.text !== text) this.#mark = fingerprint(text);
    if (this.#mark === this.base) this.#held = text;
    if (!this.want || this.want.origins !== origins || this.want.settings !== settings || this.want.model !== model) {
      this.#along = besides({ origins, settings, model });
    }
    this.want = { text, title: this.title, origins, settings, model };
  }

  /** The title was changed here. */
  get isRenamed() {
    return this.title !== this.baseTitle;
  }

  /** Whether these words are the newest here, or were on their way into the library. */
  knows(text) {
    return [this.#mark, this.base, ...this.tried].includes(fingerprint(text)) || Boolean(this.tale?.isBeginning(text));
  }

  /** Whether `theirs` is ours with more at its end: then nothing of ours is lost in theirs. */
  goesOnIn({ revision, text }) {
    const ours = this.want.text;
    return revision > this.revision && this.#isGrown(ours) && text.startsWith(ours);
  }

  /** Whether a text is what the library held when it was last heard of, or that with more at its end: nothing was taken away. */
  #isGrown(text) {
    return this.base === null || fingerprint(text.slice(0, Number.parseInt(this.base, 10))) === this.base;
  }

  /** Whether the library went back (an older copy of it, a story made anew) to words that lack some of those here. */
  isSetBack({ revision, text }) {
    if (revision > this.revision || this.knows(text)) return false;
    const { from, to } = difference(this.want.text, text);
    return this.isDirty || from < to;
  }

  get isDirty() {
    if (!this.want) return false;
    return this.#mark !== this.base || this.isRenamed || (this.#besides !== null && this.#along !== this.#besides);
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
    const isMet = this.isDirty && !(await this.#save());
    if (!this.revision || (isMet && this.isDirty)) return; // what is there is not ours yet, nor the version
    for (const reason of reasons) {
      await this.#keepVersion(reason);
      this.reasons.delete(reason);
    }
  }

  /** The library holds `content` under `revision`: ours, or what it told us. */
  settled(revision, content, mark = fingerprint(content.text)) {
    Object.assign(this, { revision, base: mark, baseTitle: content.title, tried: [], tale: null });
    this.#besides = besides(content);
    this.#held = content.text;
    this.#waits = 0;
  }

  /** Resolves to whether it was saved; somebody else's save is met instead. */
  async #save() {
    const going = this.#going(this.want.text);
    const isMuch = this.#gone + going > MUCH;
    if (isMuch) await this.#keepVersion("pause");
    const content = { ...this.want, title: this.title };
    const sent = { ...content, origins: ifFitting(content.text, content.origins) };
    const mark = this.#mark;
    if (!this.tried.includes(mark)) this.tried = [...this.tried, mark].slice(-TRIED);
    try {
      const { id, revision } = this;
      const told = revision ? await this.api.saveStory(id, { revision, ...sent }) : await this.api.createStory({ id, ...sent });
      this.settled(told.revision, content, mark);
      if (!isMuch) this.#gone += going;
      return true;
    } catch (error) {
      if (error.status === 409) await this.#meet();
      else if (error.status === 404 && this.revision) this.#isGone();
      else throw error;
      return false;
    }
  }

  /** A version of what the library holds. A story that was deleted meanwhile has none, and stays deleted. */
  async #keepVersion(reason) {
    await this.api.keepVersion(this.id, reason).catch((error) => error.status === 404 || Promise.reject(error));
    this.#gone = 0;
  }

  /** So many characters that the library holds are not in `text`; a mark begins with the length of what it marks. */
  #going(text) {
    if (this.#held === null) return Math.max(0, Number.parseInt(this.base ?? "0", 10) - text.length);
    const { from, to } = difference(this.#held, text);
    return to - from;
  }

  /** It was deleted elsewhere, and the writer writes on: it is made anew. */
  #isGone() {
    Object.assign(this, { revision: 0, base: null });
    this.#held = null;
    this.#gone = 0;
  }

  /** Somebody saved in between: our own words of before, the same, or others. */
  async #meet() {
    const theirs = await this.api.readStory(this.id).catch((error) => (error.status === 404 ? null : Promise.reject(error)));
    if (!theirs) return this.#isGone();
    this.look();
    const isWithin = this.#isGrown(theirs.text) && this.want.text.startsWith(theirs.text);
    if (this.knows(theirs.text) || isWithin) this.#goOnFrom(theirs);
    else if (this.goesOnIn(theirs) || this.#isToldIn(theirs) || (this.#mark === this.base && !this.isSetBack(theirs))) this.onTheirs(this, theirs);
    else if (!this.#isTold || (this.#waits += 1) > WAITS) this.onFork(this, theirs);
  }

  /** What is here is what was told, and nothing was done to it. */
  get #isTold() {
    return Boolean(this.tale?.isWhole(this.want.text));
  }

  /** Another window that heard the same story put words into it: all that was told is there too. */
  #isToldIn({ text }) {
    return this.#isTold && onlyAdds(this.want.text, text);
  }

  /** The words are ours to change; of the titles, the one that was changed. */
  #goOnFrom(theirs) {
    if (!this.isRenamed) this.title = theirs.title;
    this.#gone += this.#going(theirs.text);
    const { tale } = this;
    this.settled(theirs.revision, theirs);
    if (this.isDirty) this.tale = tale; // ours is still to be saved, and more of what was told may come before it
  }
}
