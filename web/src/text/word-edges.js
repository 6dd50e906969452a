// Where words begin and end around a place in a text; an apostrophe between two letters is part of a word. Pure.

import { insideWord } from "./story.js";

/** Nobody's word is longer; one that is counts as several. */
const LONGEST = 64;
const APOSTROPHE = /['’]/;
const between = (one, other) => one !== undefined && other !== undefined && insideWord(one + other, 1);

/** Whether `at` is inside a word of `text`. */
export function isInside(text, at) {
  if (at < 1 || at >= text.length) return false;
  if (APOSTROPHE.test(text[at])) return between(text[at - 1], text[at + 1]);
  if (APOSTROPHE.test(text[at - 1])) return between(text[at - 2], text[at]);
  return insideWord(text, at);
}

/** `{from, to}`, the word that `at` is inside of, or null. */
export function wordAround(text, at) {
  if (!isInside(text, at)) return null;
  let [from, to] = [at, at];
  while (at - from < LONGEST && isInside(text, from)) from -= 1;
  while (to - at < LONGEST && isInside(text, to)) to += 1;
  return { from, to };
}

/** The same of an editor's document. */
export function wordIn(doc, at) {
  const start = Math.max(0, at - LONGEST - 2);
  const word = wordAround(doc.sliceString(start, at + LONGEST + 2, "\n"), at - start);
  return word && { from: word.from + start, to: word.to + start };
}
