// Whose the words of a mix are: a sentence of a take is the model's, one of the passage stays whose it was, what the writer made is theirs. Pure.

import { join, one, slice } from "../text/runs.js";
import { sentences } from "./mix.js";

/** A sentence that has so many of its words from another is that one, changed. */
const ALIKE = 0.5;

const wordsOf = (text) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

function isLike(sentence, other) {
  const [words, known] = [wordsOf(sentence), new Set(wordsOf(other))];
  return words.length > 0 && words.filter((word) => known.has(word)).length / words.length >= ALIKE;
}

const isModels = (runs) => runs.some(([, who]) => who === "model" || who === "edited");

/** Runs over the letters of a sentence. */
function originsOf(words, { takes, present, runs }) {
  const here = (text) => slice(runs, present.indexOf(text), present.indexOf(text) + text.length);
  if (present.includes(words)) return here(words);
  if (takes.some((take) => take.includes(words))) return one(words.length, "model");
  const own = sentences(present).find((other) => isLike(words, other));
  const isEdited = takes.flatMap(sentences).some((other) => isLike(words, other)) || (own && isModels(here(own)));
  return one(words.length, isEdited ? "edited" : "writer");
}

/**
 * Runs over the letters of the mix `text`. `takes` are the texts that the model wrote; `present` is the passage as it stands, and
 * `runs` says whose that is. The space around a sentence is whose the sentence is.
 */
export function mixedOrigins(text, known) {
  let [at, found] = [0, []];
  for (const sentence of sentences(text)) {
    const words = sentence.trim();
    const from = text.indexOf(words, at);
    const own = originsOf(words, known);
    const space = found.at(-1)?.[1] ?? own[0][1];
    found = join(found, one(from - at, space), own);
    at = from + words.length;
  }
  return join(found, one(text.length - at, found.at(-1)?.[1] ?? "writer"));
}
