// Open takes as a desk keeps them over a reload: their record, and what the library does not keep of each. Pure.

import { fromRecord, recordOf } from "./takes-record.js";

/** So many characters of what was asked are kept: the story itself is in it, and the browser's room is small. */
const MOST_ASKED = 200_000;

/**
 * `{story, record, unheard, asked}`: whose takes they are; the record, with those that have no word yet; `{id, next}` of those that are
 * not whole; `{message, ids}` of every question to the model, with the takes that answer it.
 */
export function toLeft({ story, about, takes, unheard }) {
  return { story, record: recordOf(about, takes), unheard, asked: questions(takes) };
}

function questions({ list }) {
  const found = new Map();
  for (const { id, asked } of list) {
    if (!asked) continue;
    const { id: _, ...message } = asked;
    const key = JSON.stringify(message);
    found.set(key, { message, ids: [...(found.get(key)?.ids ?? []), id] });
  }
  const length = [...found.keys()].reduce((sum, key) => sum + key.length, 0);
  return length > MOST_ASKED ? [] : [...found.values()];
}

/** What was open: `{about, takes, unheard}`. */
export function fromLeft({ record, unheard = [], asked = [] }) {
  const { about, takes } = fromRecord(record);
  const question = (id) => asked.find(({ ids }) => ids.includes(id))?.message;
  const isUnheard = (id) => unheard.some((each) => each.id === id);
  const list = takes.list.map((take) => ({
    ...take,
    ...(question(take.id) ? { asked: { id: take.id, ...question(take.id) } } : {}),
    ...(isUnheard(take.id) ? { status: "waiting", finish: null } : {}),
  }));
  return { about, takes: { ...takes, list }, unheard };
}
