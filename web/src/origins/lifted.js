// What was copied or cut out of the story, or is dragged: put down elsewhere in it, it is still whose it was. Knows no DOM.

import { StateEffect, StateField } from "@codemirror/state";
import { slice } from "../text/runs.js";

const lift = StateEffect.define();

/** The selection was copied or cut; `runs` are the text's. */
export function lifting(state, runs) {
  const { from, to } = state.selection.main;
  return from < to ? { effects: lift.of({ text: state.sliceDoc(from, to), runs: slice(runs, from, to) }) } : {};
}

export const lifted = StateField.define({
  create: () => null,
  update: (value, tr) => tr.effects.reduce((found, effect) => (effect.is(lift) ? effect.value : found), value),
});

/** The runs of what a change puts down again, or null. */
export function liftedFor({ start, length }, tr, runs) {
  const isDrop = tr.isUserEvent("move.drop") || tr.isUserEvent("input.drop");
  if (!isDrop && !tr.isUserEvent("input.paste")) return null;
  const { from, to } = tr.startState.selection.main;
  const found = isDrop ? { text: tr.startState.sliceDoc(from, to), runs: slice(runs, from, to) } : tr.startState.field(lifted, false);
  const isIt = found?.text.length === length && tr.newDoc.sliceString(start, start + length, "\n") === found.text;
  return isIt ? found.runs : null;
}
