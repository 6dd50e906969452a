// Every tab writes at a desk of its own: the text and settings that a storage keeps. Knows no DOM.

import { fingerprint } from "./fingerprint.js";

const PREFIX = "storaiteller.desk.";
const KEPT = 20;
const everyone = { has: () => true };

export const newId = (crypto = globalThis.crypto) =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Whether the library holds everything that lies on a desk, so that nothing is lost with it. */
export function isInLibrary({ text, story, library = [] }) {
  const own = library.find(({ id }) => id === story);
  return own?.base === fingerprint(text) && own.baseTitle === own.title && !library.some(({ want }) => want);
}

/** The desks in one storage. Nothing here throws: a desk that cannot be read is an empty one. */
export class Desks {
  #storage;
  #now;

  constructor(storage, now = Date.now) {
    this.#storage = storage;
    this.#now = now;
  }

  /** What lies on a desk, or null. */
  read(id) {
    try {
      const desk = JSON.parse(this.#storage.getItem(PREFIX + id));
      return desk && typeof desk.text === "string" ? desk : null;
    } catch {
      return null;
    }
  }

  /** Keep `desk`; false when the storage has no room, or is closed to us. */
  keep(id, desk) {
    const dated = { ...desk, savedAt: this.#now() };
    return this.#write(id, dated) || (this.#dropBlank(id) && this.#write(id, dated));
  }

  /** Ids, the last used first. */
  ids() {
    return this.#all().map(({ id }) => id);
  }

  /** Clear away the oldest desks beyond the number kept: empty ones, and those that no tab sits at (`taken`) and the library has. */
  tidy(ownId, taken = everyone) {
    const others = this.#all().filter(({ id }) => id !== ownId);
    const surplus = others.length + 1 - KEPT;
    const isSpare = ({ id, desk }) => !desk?.text.trim() || (!taken.has(id) && isInLibrary(desk));
    if (surplus > 0) for (const { id } of others.filter(isSpare).slice(-surplus)) this.#storage.removeItem(PREFIX + id);
  }

  /** What the library does not have of desks that no tab sits at, as records of stories; a desk without a story gets one. */
  unsaved(ownId, taken) {
    const free = this.#all().filter(({ id, desk }) => id !== ownId && !taken.has(id) && desk?.text.trim() && !isInLibrary(desk));
    return free.flatMap(({ id, desk: { text, settings, model, library = [], ...desk } }) => {
      const story = desk.story ?? newId();
      if (!desk.story && !this.#write(id, { ...desk, text, settings, model, library, story })) return [];
      const own = library.find((record) => record.id === story) ?? { id: story };
      return [{ ...own, want: { text, settings, model } }, ...library.filter(({ want }) => want)];
    });
  }

  #write(id, desk) {
    try {
      this.#storage.setItem(PREFIX + id, JSON.stringify(desk));
      return true;
    } catch {
      return false;
    }
  }

  #dropBlank(ownId) {
    const blank = this.#all().filter(({ id, desk }) => id !== ownId && !desk?.text.trim());
    for (const { id } of blank) this.#storage.removeItem(PREFIX + id);
    return blank.length > 0;
  }

  #all() {
    const found = [];
    try {
      for (let index = 0; index < this.#storage.length; index += 1) {
        const key = this.#storage.key(index);
        if (key?.startsWith(PREFIX)) found.push({ id: key.slice(PREFIX.length), desk: this.read(key.slice(PREFIX.length)) });
      }
    } catch {
      return [];
    }
    return found.sort((one, other) => (other.desk?.savedAt ?? 0) - (one.desk?.savedAt ?? 0));
  }
}
