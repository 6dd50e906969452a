// The passage that a suggestion is for, followed through everything that is typed meanwhile. Knows no DOM.

import { invertedEffects, isolateHistory } from "@codemirror/commands";
import { StateEffect, StateField, Transaction } from "@codemirror/state";
import { attributedAt } from "../origins/origins.js";

/** Open a suggestion for `{from, to}`, or close it with null. */
export const setPassage = StateEffect.define();

/** A change that touched the passage was undone or redone: it stands where it stood before. */
const restorePassage = StateEffect.define({
  map: ({ from, to }, changes) => ({ from: changes.mapPos(from, 1), to: changes.mapPos(to, -1) }),
});

const touches = (changes, { from, to }) => {
  let found = false;
  changes.iterChangedRanges((start, end) => (found ||= start <= to && end >= from));
  return found;
};

/**
 * `{from, to, original, changed}` or null. What is typed at either end stays outside;
 * `changed` says that the writer changed the passage itself.
 */
export const passage = StateField.define({
  create: () => null,
  update(value, tr) {
    for (const effect of tr.effects) {
      if (!effect.is(setPassage)) continue;
      if (!effect.value) return null;
      const { from, to } = effect.value;
      return { from, to, original: tr.newDoc.sliceString(from, to, "\n"), changed: false };
    }
    if (!value || !tr.docChanged) return value;
    const restored = tr.effects.find((effect) => effect.is(restorePassage))?.value;
    const from = restored?.from ?? tr.changes.mapPos(value.from, 1);
    const to = Math.max(from, restored?.to ?? tr.changes.mapPos(value.to, -1));
    const changed = tr.newDoc.sliceString(from, to, "\n") !== value.original;
    return { ...value, from, to, changed };
  },
  provide: (field) =>
    invertedEffects.of((tr) => {
      const value = tr.startState.field(field);
      return value && touches(tr.changes, value) ? [restorePassage.of({ from: value.from, to: value.to })] : [];
    }),
});

/** Take `text` into the story in the passage's place: one change, one step to undo. `runs` say whose its letters are, if that is not plain. */
export function replacePassage(state, text, runs = null) {
  const { from, to } = state.field(passage);
  return {
    changes: { from, to, insert: text },
    selection: { anchor: from + text.length },
    effects: [setPassage.of(null), ...attributedAt(from, runs)],
    annotations: [isolateHistory.of("full"), Transaction.userEvent.of("input.rewrite")],
  };
}
