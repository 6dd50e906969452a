// The passage that a suggestion is for, followed through everything that is typed meanwhile. Knows no DOM.

import { isolateHistory } from "@codemirror/commands";
import { StateEffect, StateField, Transaction } from "@codemirror/state";

/** Open a suggestion for `{from, to}`, or close it with null. */
export const setPassage = StateEffect.define();

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
    const from = tr.changes.mapPos(value.from, 1);
    const to = Math.max(from, tr.changes.mapPos(value.to, -1));
    const changed = tr.newDoc.sliceString(from, to, "\n") !== value.original;
    return { ...value, from, to, changed };
  },
});

/** Take `text` into the story in the passage's place: one change, one step to undo. */
export function replacePassage(state, text) {
  const { from, to } = state.field(passage);
  return {
    changes: { from, to, insert: text },
    selection: { anchor: from + text.length },
    effects: setPassage.of(null),
    annotations: [isolateHistory.of("full"), Transaction.userEvent.of("input.rewrite")],
  };
}
