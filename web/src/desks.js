// Every tab writes at a desk of its own: the text and settings that a storage keeps. Knows no DOM.

const PREFIX = "storaiteller.desk.";
const KEPT = 20;

export const newId = (crypto = globalThis.crypto) =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

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
    const value = JSON.stringify({ ...desk, savedAt: this.#now() });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      try {
        this.#storage.setItem(PREFIX + id, value);
        return true;
      } catch {
        if (!this.#dropBlank(id)) return false;
      }
    }
    return false;
  }

  /** Ids, the last used first. */
  ids() {
    return this.#all().map(({ id }) => id);
  }

  /** Clear away the oldest desks beyond the number kept: empty ones first, stories never unless `hard`. */
  tidy(ownId) {
    const others = this.#all().filter(({ id }) => id !== ownId);
    const surplus = others.length + 1 - KEPT;
    const blank = others.filter(({ desk }) => !desk?.text.trim());
    if (surplus > 0) for (const { id } of blank.slice(-surplus)) this.#storage.removeItem(PREFIX + id);
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
