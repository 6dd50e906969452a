// Who wrote what in the editor, followed through every change, Undo and Redo. Knows no DOM.
//
// While something is typed beside a word nobody knows yet whether it will be one with it: the field keeps the letters
// apart, and `told` says what the words are.

import { invertedEffects } from "@codemirror/commands";
import { StateEffect, StateField } from "@codemirror/state";
import { lengthOf, one, slice, splice, toPoints, toUnits } from "../text/runs.js";
import { wordAround } from "../text/word-edges.js";
import { attribution } from "./attribution.js";
import { lifted } from "./lifted.js";

const put = ({ from, runs }) => ({ from, to: from + lengthOf(runs), runs });

/** Each piece `{from, runs}` where the changes leave its text, in parts if they came between. */
const moved = (pieces, changes) =>
  pieces.flatMap((piece) => {
    const { from, to, runs } = put(piece);
    const found = [];
    changes.iterGaps((before, after, length) => {
      const [start, end] = [Math.max(from, before), Math.min(to, before + length)];
      if (start < end) found.push({ from: after + start - before, runs: slice(runs, start - from, end - from) });
    });
    return found;
  });

/**
 * Stretches of the text are whose `pieces` say. Undo's are of the text that its change leads back to; while a story is
 * written the history maps them through what came after that change, and `back` is the way from there.
 */
const attribute = StateEffect.define({
  map({ pieces, back }, changes) {
    if (changes.empty) return { pieces, back };
    if (changes.length !== back?.length) return { pieces: moved(pieces, changes), back: null };
    return { pieces: moved(pieces, changes.mapDesc(back, true)), back: back.mapDesc(changes) };
  },
});

/** Effects that say whose the whole text is, as it is kept; none if it is not known. */
export const attributed = (text, points) => (points ? [attribute.of({ pieces: [{ from: 0, runs: toUnits(text, points) }], back: null })] : []);

/** Effects that say whose the text from `from` on is, once a change is made; `runs` are over its letters. */
export const attributedAt = (from, runs) => (runs ? [attribute.of({ pieces: [{ from, runs }], back: null })] : []);

/** Say again what an editor's state knows. */
export const carried = (state) => attribute.of({ pieces: [{ from: 0, runs: state.field(origins) }], back: null });

/** Runs over the letters of the text. */
export const origins = StateField.define({
  create: ({ doc }) => one(doc.length, null),
  update(runs, tr) {
    const followed = tr.docChanged ? splice(runs, attribution(runs, tr)) : runs;
    const said = tr.effects.filter((effect) => effect.is(attribute));
    return said.reduce((found, { value }) => splice(found, value.pieces.map(put)), followed);
  },
});

/** Undo and Redo bring back whose everything was that a transaction touches. */
const undone = (isWriting) => invertedEffects.of((tr) => {
  const runs = tr.startState.field(origins);
  const found = tr.docChanged ? attribution(runs, tr) : [];
  const said = tr.effects.filter((effect) => effect.is(attribute)).flatMap(({ value }) => value.pieces.map(put));
  const back = tr.changes.invertedDesc;
  const from = Math.min(...found.map((edit) => edit.from), ...said.map((edit) => back.mapPos(edit.from, -1)));
  const to = Math.max(...found.map((edit) => edit.to), ...said.map((edit) => back.mapPos(edit.to, 1)));
  return from < to ? [attribute.of({ pieces: [{ from, runs: slice(runs, from, to) }], back: isWriting(tr.startState) ? back : null })] : [];
});

/** What an editor needs to know it; `isWriting(state)`: whether changes come that are no steps to undo. */
export const provenance = (isWriting) => [origins, lifted, undone(isWriting)];

const isMixed = ({ kinds }) => kinds.has("edited") ? kinds.size > 1 : kinds.has("model") && kinds.has("writer");
const edited = ({ from, to }) => ({ from, to, runs: one(to - from, "edited") });

/** Whose the words are: one that the model's letters and the writer's have made together is edited. */
export function told(text, runs) {
  const words = [];
  let [at, before] = [0, null];
  for (const [length, who] of runs) {
    const last = words.at(-1);
    const word = last && at < last.to ? last : wordAround(text, at);
    if (word === last) last?.kinds.add(who);
    else if (word) words.push({ ...word, kinds: new Set([before, who]) });
    [at, before] = [at + length, who];
  }
  return splice(runs, words.filter(isMixed).map(edited));
}

const toldOf = new WeakMap();

/** What is kept of an editor's state: whose the words are, in code points. The same value as long as nothing changes. */
export function kept(state) {
  const runs = state.field(origins);
  if (!toldOf.has(runs)) toldOf.set(runs, pointsOf(state.sliceDoc(), runs));
  return toldOf.get(runs);
}

const pointsOf = (text, runs) => toPoints(text, told(text, runs));
