// Where a passage that was kept with its takes stands in the story now. Pure.

import { wordings } from "./takes-record.js";

/** More places than these are not weighed against each other. */
const MOST = 500;
/** So many characters on both sides tell a place between words. */
const SEAM = [120, 40, 16];

/** The number of characters that two texts have in common at the end of one, or at the beginning. */
function common(one, other, isEnd) {
  const most = Math.min(one.length, other.length);
  const at = (text, number) => (isEnd ? text[text.length - 1 - number] : text[number]);
  let same = 0;
  while (same < most && at(one, same) === at(other, same)) same += 1;
  return same;
}

function places(text, wording) {
  const found = [];
  for (let at = text.indexOf(wording); at >= 0 && found.length < MOST; at = text.indexOf(wording, at + 1)) found.push({ from: at, to: at + wording.length });
  return found;
}

/** `{from, to}` of the passage, or null. Of several places that read alike it is the one between the same words. */
export function findPassage(text, record) {
  if (record.kind === "story") return { from: 0, to: text.length };
  const fit = ({ from, to }) => common(text.slice(Math.max(0, from - 2000), from), record.before, true) + common(text.slice(to, to + 2000), record.after, false);
  const found = wordings(record).flatMap((wording) => places(text, wording)).map((range) => ({ ...range, fit: fit(range) }));
  const best = found.reduce((one, other) => (other.fit > (one?.fit ?? -1) ? other : one), null);
  const isClear = best && (found.length === 1 || best.fit > 0);
  if (isClear) return { from: best.from, to: best.to };
  return record.original ? null : seam(text, record);
}

/** An insertion that was not accepted: the place between the words that were on its two sides. */
function seam(text, { before, after }) {
  for (const length of SEAM) {
    const [end, start] = [before.slice(-length), after.slice(0, length)];
    const at = text.indexOf(end + start);
    if (at >= 0 && (end + start).trim() && text.indexOf(end + start, at + 1) < 0) return { from: at + end.length, to: at + end.length };
  }
  return null;
}

/** Those of `records` whose passage `{from, to}` touches, with where they are: `[{record, range}]`. Whole stories are not among them. */
export function touching(text, records, { from, to }) {
  return records
    .filter(({ kind }) => kind !== "story")
    .map((record) => ({ record, range: findPassage(text, record) }))
    .filter(({ range }) => range && range.from < range.to && range.from < to && range.to > from);
}
