// Which stories were called what, Good story or Not for me: kept in the browser, and the same in all its tabs. Knows no DOM.

import { fingerprint } from "../text/fingerprint.js";

const KEY = "storaiteller.verdicts";
const KEPT = 200;

export class VerdictMarks {
  /** Story ids with `[word, fingerprint of the text]`; the last one said comes last. */
  #marks;
  #last = {};

  /** `events` tells of what other tabs store, as a window does; `onChange()` hears that they said something. */
  constructor({ storage, events, onChange }) {
    this.storage = storage;
    this.#marks = this.#stored();
    events.addEventListener("storage", ({ key }) => {
      if (key !== KEY) return;
      this.#marks = this.#stored();
      onChange();
    });
  }

  /** Where a story stands with a word: `off` (it was not said), `said` of this text, or `changed` since. */
  standing(id, word, text) {
    const [said, mark] = this.#marks.get(id) ?? [];
    if (said !== word) return "off";
    return mark === this.#markOf(text) ? "said" : "changed";
  }

  /** A word is said of a story, in the place of any other. */
  say(id, word, text) {
    this.#change((marks) => marks.set(id, [word, this.#markOf(text)]), id);
  }

  /** Nothing is said of a story any more. */
  forget(id) {
    this.#change(() => {}, id);
  }

  /** The same text is asked about again and again. */
  #markOf(text) {
    if (this.#last.text !== text) this.#last = { text, mark: fingerprint(text) };
    return this.#last.mark;
  }

  #change(act, id) {
    const marks = new Map([...this.#marks, ...this.#stored()]);
    marks.delete(id);
    act(marks);
    this.#marks = new Map([...marks].slice(-KEPT));
    try {
      this.storage.setItem(KEY, JSON.stringify([...this.#marks]));
    } catch {
      // It is known here, then, as long as the page lives.
    }
  }

  #stored() {
    try {
      return new Map(JSON.parse(this.storage.getItem(KEY) ?? "[]"));
    } catch {
      return new Map();
    }
  }
}
