// Who wrote what in the editor: the model, the writer, or the writer in the model's words. Knows no DOM.
//
// A word is the unit. What the model writes is the model's, what the writer types or pastes is the writer's; a word of the
// model's that the writer cuts into, or adds letters to, is edited, and the words around it stay what they were. While
// something is typed beside a word nobody knows yet whether it will be one with it: the field keeps the letters apart, and
// `told` says what the words are.

import { invertedEffects } from "@codemirror/commands";
import { StateEffect, StateField } from "@codemirror/state";
import { lengthOf, one, recast, slice, splice, toPoints, toUnits } from "./runs.js";
import { textDiff } from "./text-diff.js";
import { wordAround, wordIn } from "./word-edges.js";

/** What a suggestion left alone of a passage says nothing of whose the words are, if it is no longer than this. */
const LITTLE = 10;

const touched = (runs) => recast(runs, (who) => (who === "model" ? "edited" : who));
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

/** Say again what an editor's state knows. */
export const carried = (state) => attribute.of({ pieces: [{ from: 0, runs: state.field(origins) }], back: null });

/** Runs over the letters of the text. */
export const origins = StateField.define({
  create: ({ doc }) => one(doc.length, null),
  update(runs, tr) {
    const followed = tr.docChanged ? splice(runs, edits(runs, tr)) : runs;
    const said = tr.effects.filter((effect) => effect.is(attribute));
    return said.reduce((found, { value }) => splice(found, value.pieces.map(put)), followed);
  },
});

/** What a transaction does to the runs before it: edits in the order of the text. */
function edits(runs, tr) {
  if (tr.isUserEvent("input.write")) return changes(tr).map(by("model"));
  if (tr.isUserEvent("input.rewrite")) return changes(tr).map((change) => reworded(runs, change, tr));
  if (tr.isUserEvent("input.restore")) return changes(tr).map(by(null));
  const isWriter = tr.isUserEvent("input") || tr.isUserEvent("delete") || tr.isUserEvent("move");
  return isWriter ? written(runs, tr) : changes(tr).map(by(null));
}

function changes(tr) {
  const found = [];
  tr.changes.iterChanges((from, to, start, _, { length }) => found.push({ from, to, start, length }));
  return found;
}

const by = (who) => ({ from, to, length }) => ({ from, to, runs: one(length, who) });

/** A suggestion that was accepted: the words that it left alone stay whose they were. */
function reworded(runs, { from, to, start, length }, { startState, newDoc }) {
  const text = (doc, at, size) => doc.sliceString(at, at + size, "\n");
  let at = from;
  const found = textDiff(text(startState.doc, from, to - from), text(newDoc, start, length)).flatMap(({ kind, text: { length } }) => {
    if (kind === "added") return one(length, "model");
    at += length;
    if (kind === "removed") return [];
    return length > LITTLE ? slice(runs, at - length, at) : one(length, "model");
  });
  return { from, to, runs: found };
}

/** What the writer did: theirs, and the words that were cut or joined by it are touched. */
function written(runs, tr) {
  const all = changes(tr);
  let last = 0;
  return all.map((change, index) => {
    const { from, to, length } = change;
    const reach = reached(runs, change, tr);
    const [left, right] = [Math.max(last, reach.from), Math.min(reach.to, all[index + 1]?.from ?? Infinity)];
    last = right;
    return { from: left, to: right, runs: [...touched(slice(runs, left, from)), ...one(length, "writer"), ...touched(slice(runs, to, right))] };
  });
}

/** How far the words go that a change cuts into, or makes one. A seam between the writer's letters and others is no cut. */
function reached(runs, { from, to, start, length }, { startState: { doc }, newDoc }) {
  const isOthers = (at) => slice(runs, at, at + 1)[0]?.[1] !== "writer";
  const cut = (at) => (isOthers(at - 1) && isOthers(at) ? wordIn(doc, at) : null);
  const joined = !length && isOthers(from - 1) && isOthers(to) ? wordIn(newDoc, start) : null;
  return {
    from: Math.min(cut(from)?.from ?? from, from - start + (joined?.from ?? start)),
    to: Math.max(cut(to)?.to ?? to, to - start + (joined?.to ?? start)),
  };
}

/** Undo and Redo bring back whose everything was that a transaction touches. */
const undone = (isWriting) => invertedEffects.of((tr) => {
  const runs = tr.startState.field(origins);
  const found = tr.docChanged ? edits(runs, tr) : [];
  const said = tr.effects.filter((effect) => effect.is(attribute)).flatMap(({ value }) => value.pieces.map(put));
  const back = tr.changes.invertedDesc;
  const from = Math.min(...found.map((edit) => edit.from), ...said.map((edit) => back.mapPos(edit.from, -1)));
  const to = Math.max(...found.map((edit) => edit.to), ...said.map((edit) => back.mapPos(edit.to, 1)));
  return from < to ? [attribute.of({ pieces: [{ from, runs: slice(runs, from, to) }], back: isWriting(tr.startState) ? back : null })] : [];
});

/** What an editor needs to know it; `isWriting(state)`: whether changes come that are no steps to undo. */
export const provenance = (isWriting) => [origins, undone(isWriting)];

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
