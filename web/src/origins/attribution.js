// Whose a change makes the text: the model's, the writer's, or the model's edited by the writer. Pure.
//
// The user events say whose hand it was: "input.write" and "input.insert" put the model's words there, "input.rewrite" a
// suggestion of it; whatever else is typed, pasted, moved or deleted is the writer's.
//
// A word is the unit. What the model writes is the model's, what the writer types or pastes is the writer's; a word of the
// model's that the writer cuts into, or adds letters to, is edited, and the words around it stay what they were.

import { one, recast, slice } from "../text/runs.js";
import { textDiff } from "../text/text-diff.js";
import { wordIn } from "../text/word-edges.js";
import { liftedFor } from "./lifted.js";

/** What a suggestion left alone of a passage says nothing of whose the words are, if it is no longer than this. */
const LITTLE = 10;

const touched = (runs) => recast(runs, (who) => (who === "model" ? "edited" : who));

/** What a transaction does to the runs before it: edits in the order of the text. */
export function attribution(runs, tr) {
  if (tr.isUserEvent("input.write") || tr.isUserEvent("input.insert")) return changes(tr).map(by("model"));
  if (tr.isUserEvent("input.rewrite")) return changes(tr).map((change) => reworded(runs, change, tr));
  if (tr.isUserEvent("undo") || tr.isUserEvent("redo")) return changes(tr).map((change) => by(beside(runs, change))(change));
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

/** Undo says itself whose what it brings back was; were it ever to leave a letter out, that is its neighbour's. */
const beside = (runs, { from, to }) => [...slice(runs, from - 1, from), ...slice(runs, to, to + 1)][0]?.[1] ?? null;

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
    const theirs = liftedFor(change, tr, runs) ?? one(length, "writer");
    return { from: left, to: right, runs: [...touched(slice(runs, left, from)), ...theirs, ...touched(slice(runs, to, right))] };
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
