// A text that the writer puts together out of sentences of several takes. Pure.

import { splitSentences } from "../text/sentences.js";

const SPACE_AT_END = /\s$/;

/** The sentences of a take, each with the space after it. */
export const sentences = (text) => splitSentences(text).filter((sentence) => sentence.trim());

/** Put a sentence into `text` at `at`, with a space on either side where words would touch: `{text, at}`, at being its end. */
export function put(text, at, sentence) {
  const [before, after] = [text.slice(0, at), text.slice(at)];
  const end = /\n/.test(sentence.slice(sentence.trimEnd().length)) ? "\n" : "";
  const lead = before && !SPACE_AT_END.test(before) ? " " : "";
  const tail = end || (after && !/^\s/.test(after) ? " " : "");
  const added = `${lead}${sentence.trim()}${tail}`;
  return { text: before + added + after, at: at + added.length };
}

/** Whether a sentence is in the mix already. */
export const isUsed = (text, sentence) => text.includes(sentence.trim());

/** The mix as it goes into the story: with the space around it that a take like it has there. */
export function finished(text, like = "") {
  if (!like.trim()) return text.trim();
  const end = like.trimEnd().length;
  return like.slice(0, end - like.trim().length) + text.trim() + like.slice(end);
}
