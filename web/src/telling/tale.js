// A story on its way from the server: which request it is, how much of it has come, and what a reload needs to go on. Pure.

import { continueFrom, generate } from "../server/protocol.js";
import { fingerprint } from "../text/fingerprint.js";
import { newId } from "../text/new-id.js";

export class Tale {
  /** All that was told of it so far. */
  text = "";

  /**
   * `story` is its id in the library, `start` the mark of the text that it goes on from; so many characters of it, `taken`,
   * are on the page; `begun`: words of it are; `isStopped`: the writer wants no more of it.
   */
  constructor({ id, settings, model, replacing, story, start, taken = 0, begun = false, isStopped = false }) {
    Object.assign(this, { id, settings, model, replacing, story, start, taken, begun, isStopped });
  }

  /** `[tale, message]`: a story in the place of what is there, or one that goes on from `text`, and how it is asked for. */
  static asked({ settings, model, text = null, story = newId() }) {
    const id = newId();
    const tale = new Tale({ id, settings, model, story, replacing: text === null, start: fingerprint(text ?? "") });
    const options = { model, story };
    return [tale, text === null ? generate(id, settings, options) : continueFrom(id, settings, text, options)];
  }

  /** Take what was told next. Returns what of it is not on the page yet. */
  hear(text) {
    this.text += text;
    const due = Math.max(0, this.text.length - this.taken);
    this.taken += due;
    return text.slice(text.length - due);
  }

  /** What a reload needs, with the place of the pen: `{from, at}`, or null before the first words. */
  record(pen) {
    const { id, settings, model, replacing, story, start, taken, begun, isStopped } = this;
    return { id, settings, model, replacing, story, start, taken, begun, isStopped, pen };
  }

  /** Whether a text is the story as far as the server told it at some time, without what was done to it here. */
  isBeginning(text) {
    const from = this.#from;
    return text.length >= from && this.text.startsWith(text.slice(from)) && fingerprint(text.slice(0, from)) === this.start;
  }

  /** The same of the story as far as it was told by now. */
  isWhole(text) {
    return text.length === this.#from + this.text.length && this.isBeginning(text);
  }

  /** A mark begins with the length of what it marks. */
  get #from() {
    return Number.parseInt(this.start, 10);
  }
}

/** What a desk kept of a story on its way, if it can be gone on with; or null. */
export function onItsWay(desk) {
  const { id, settings, begun, taken, pen } = desk?.telling ?? {};
  if (typeof id !== "string" || !settings || !Number.isInteger(taken)) return null;
  const isSound = pen ? 0 <= pen.from && pen.from <= pen.at && pen.at <= desk.text.length : !begun;
  return isSound ? desk.telling : null;
}

/**
 * A story that the server is writing, `told` as it lists it, for a page that has `text` of it (null: nothing, and the library
 * neither): what `record` would give there. Null if that text is no beginning of it, however it was cut.
 */
export function takenUp({ id, story, before, generated, settings, model }, text) {
  const words = text ?? "";
  if (words.length < before.length || !(before + generated).startsWith(words)) return null;
  const [begun, isNew] = [words.length > before.length, text === null];
  const replacing = before === "" && (begun || isNew);
  const tale = new Tale({ id, settings, model: model || null, story, replacing, start: fingerprint(before), taken: words.length - before.length, begun });
  return tale.record(begun ? { from: before.length, at: words.length } : null);
}
