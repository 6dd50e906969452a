// Another telling of the whole story in the present one's place. Knows no DOM.

import { isolateHistory } from "@codemirror/commands";
import { Transaction } from "@codemirror/state";
import { setCard } from "./manuscript.js";

/** One change, one step to undo; the story stays the same one in the library, and `card` says how it was told. */
export const retell = (state, text, card) => ({
  changes: { from: 0, to: state.doc.length, insert: text },
  selection: { anchor: 0 },
  effects: setCard.of(card),
  annotations: [isolateHistory.of("full"), Transaction.userEvent.of("input.rewrite")],
});
