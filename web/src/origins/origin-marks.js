// Marks in the text for who wrote what, when the writer wants to see them: only where it is looked at.

import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, ViewPlugin } from "@codemirror/view";
import { slice } from "../text/runs.js";
import { origins, told } from "./origins.js";

/** Whether the marks are shown. */
export const setShown = StateEffect.define();

const shown = StateField.define({
  create: () => false,
  update: (value, tr) => tr.effects.reduce((found, effect) => (effect.is(setShown) ? effect.value : found), value),
});

const MARK = { model: Decoration.mark({ class: "origin-model" }), edited: Decoration.mark({ class: "origin-edited" }) };
/** A word that begins out of sight is looked at from its beginning. */
const AROUND = 80;

function drawn({ state, visibleRanges }) {
  if (!state.field(shown)) return Decoration.none;
  return Decoration.set(visibleRanges.flatMap(({ from, to }) => marked(state, Math.max(0, from - AROUND), Math.min(state.doc.length, to + AROUND))), true);
}

function marked(state, from, to) {
  let at = from;
  const runs = told(state.sliceDoc(from, to), slice(state.field(origins), from, to));
  return runs.flatMap(([length, who]) => {
    at += length;
    if (!(who in MARK)) return [];
    const text = state.sliceDoc(at - length, at);
    const [start, end] = [at - text.trimStart().length, at - length + text.trimEnd().length];
    return start < end ? [MARK[who].range(start, end)] : [];
  });
}

const differs = ({ startState, state }, field) => startState.field(field) !== state.field(field);

const marks = ViewPlugin.define(
  (view) => ({
    decorations: drawn(view),
    update(update) {
      if (update.viewportChanged || differs(update, origins) || differs(update, shown)) this.decorations = drawn(update.view);
    },
  }),
  { decorations: (plugin) => plugin.decorations },
);

export const originMarks = [shown, marks];
