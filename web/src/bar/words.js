// The word under the writer's finger, and the rest of its sentence. Pure.

import { splitSentences } from "../text/sentences.js";

const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });

function paragraph(text, at) {
  const from = text.lastIndexOf("\n", at - 1) + 1;
  const end = text.indexOf("\n", at);
  return { from, text: text.slice(from, end < 0 ? text.length : end) };
}

/** The one word that `{from, to}` is, or that a cursor is in or right behind: `{from, to}`, or null. */
export function wordAt(text, { from, to }) {
  if (text.slice(from, to).includes("\n")) return null;
  const { from: start, text: line } = paragraph(text, from);
  const [left, right] = [from - start, to - start];
  for (const { segment, index, isWordLike } of segmenter.segment(line)) {
    const end = index + segment.length;
    if (!isWordLike || end < left || index > right) continue;
    const isIt = left === right ? index <= left && left <= end : left === index && right === end;
    if (isIt) return { from: start + index, to: start + end };
  }
  return null;
}

function sentenceOf(text, at) {
  const { from: start, text: line } = paragraph(text, at);
  let from = start;
  for (const sentence of splitSentences(line)) {
    const to = from + sentence.length;
    if (at < to) return { from, to: from + sentence.trimEnd().length };
    from = to;
  }
  return { from, to: start + line.length };
}

/** From a word to the end of its sentence. */
export const restOfSentence = (text, word) => ({ from: word.from, to: Math.max(word.to, sentenceOf(text, word.from).to) });

/** How `choice` is written in the place of a word: with a capital where that one began its sentence with one. */
export function inItsPlace(choice, text, word) {
  const [first] = text.slice(word.from, word.to);
  const isFirst = !/[\p{L}\p{N}]/u.test(text.slice(sentenceOf(text, word.from).from, word.from));
  if (!isFirst || first !== first.toUpperCase() || first === first.toLowerCase()) return choice;
  const [initial = "", ...rest] = choice;
  return initial.toUpperCase() + rest.join("");
}

/** A probability as one reads it. */
export function likely(probability) {
  const hundredth = probability * 100;
  if (hundredth > 0 && hundredth < 1) return "< 1 %";
  return `${Math.round(hundredth)} %`;
}
