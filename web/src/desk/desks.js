// Every tab writes at a desk of its own: the text and settings that a storage keeps. Knows no DOM.

import { fingerprint } from "../text/fingerprint.js";
import { newId } from "../text/new-id.js";
import { ifFitting } from "../text/runs.js";
import { isBlank } from "../text/story.js";

const PREFIX = "storaiteller.desk.";
const KEPT = 20;
const everyone = { has: () => true };

/** Whether the library holds everything that lies on a desk, so that nothing is lost with it. */
export const isInLibrary = ({ text, story, earlier, library = [], takes }) =>
  holds(library.find(({ id }) => id === story), text) && !isNameless(earlier) && !library.some(({ want }) => want) && !owesTakes(takes);

const owesTakes = (takes) => Boolean(takes?.open || takes?.pending?.length || takes?.choices?.length);
const holds = (record, text) => record?.base === fingerprint(text) && record.baseTitle === record.title;
const isNameless = (earlier) => Boolean(earlier) && !earlier.story && !isBlank(earlier.text);
const isBare = (desk) => !desk?.text.trim() && !isNameless(desk?.earlier) && !desk?.library?.some(({ want }) => want);

/** What the library should hold of a text on a desk. */
export const content = ({ text, origins, card, settings, model }) => ({ text, origins: ifFitting(text, origins), settings: card?.settings ?? settings, model });

/** The desk with the story that Undo goes back to: it belongs into the library too, and goes when later words of it are known. */
export function withEarlier(desk) {
  const { earlier, story, library = [], settings, model } = desk;
  if (isNameless(earlier)) {
    const id = newId();
    return { ...desk, earlier: { ...earlier, story: id }, library: [...library, { id, want: content({ ...earlier, settings, model }) }] };
  }
  if (!earlier?.story) return desk;
  const record = library.find(({ id }) => id === earlier.story);
  const isOld = record && (record.want ? fingerprint(record.want.text) : record.base) !== fingerprint(earlier.text);
  return earlier.story === story || isOld ? { ...desk, earlier: null } : desk;
}

/** What the library lacks of a desk, as records of stories; a page that has no id is left out. */
function owed(desk) {
  const { text, story, library = [] } = desk;
  const own = library.find(({ id }) => id === story) ?? { id: story };
  const page = story && text.trim() ? [{ ...own, want: content(desk) }] : [];
  const others = library.filter(({ id, want }) => want && id !== page[0]?.id);
  return [...page.filter((record) => !holds(record, text)), ...others];
}

/** A desk that owes nothing more of what the library holds, under its own id or another, as `records` say. */
function paid(desk, records) {
  const there = new Map();
  for (const { id, title, baseTitle, want } of owed(desk)) {
    const holding = records.filter((record) => record.revision && !record.want && holds(record, want.text));
    const isIt = (record) => record.id === id && (record.title === title || title === baseTitle);
    const found = holding.find(isIt) ?? holding.find((record) => record.id !== id);
    if (found) there.set(id, found);
  }
  if (!there.size) return desk;
  const { story, earlier, library = [] } = desk;
  const idOf = (id) => there.get(id)?.id ?? id;
  const others = library.filter(({ id }) => !there.has(id));
  return { ...desk, story: idOf(story), earlier: earlier && { ...earlier, story: idOf(earlier.story) }, library: [...new Set(there.values()), ...others] };
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
    const isSpare = ({ id, desk }) => isBare(desk) || (!taken.has(id) && isInLibrary(desk));
    if (surplus > 0) for (const { id } of others.filter(isSpare).slice(-surplus)) this.#storage.removeItem(PREFIX + id);
  }

  /** What the library does not have of desks that no tab sits at, as records of stories; a desk without a story gets one. */
  unsaved(ownId, taken) {
    return this.#free(ownId, taken).flatMap(({ id, desk }) => {
      const known = withEarlier(desk.story || !desk.text.trim() ? desk : { ...desk, story: newId() });
      return owed(known === desk || this.#write(id, known) ? known : desk);
    });
  }

  /** The library holds what these records of stories mark as their base: desks that no tab sits at owe it that no longer. */
  arrived(ownId, taken, records) {
    for (const { id, desk } of this.#free(ownId, taken)) {
      const known = paid(desk, records);
      if (known !== desk) this.#write(id, known);
    }
  }

  /** Desks that no tab sits at, with something that the library may lack. */
  #free(ownId, taken) {
    return this.#all().filter(({ id, desk }) => id !== ownId && !taken.has(id) && !isBare(desk) && !isInLibrary(desk));
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
    const blank = this.#all().filter(({ id, desk }) => id !== ownId && isBare(desk));
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
