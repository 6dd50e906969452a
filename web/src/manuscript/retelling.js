// Another telling of the whole story in the present one's place. Knows no DOM.

import { isolateHistory } from "@codemirror/commands";
import { Transaction } from "@codemirror/state";
import { attributedAt } from "../origins/origins.js";
import { setCard } from "./manuscript.js";

/** One change, one step to undo; the story stays the same one in the library, and `card` says how it was told; `runs` as in replacePassage. */
export const retell = (state, text, card, runs = null) => ({
  changes: { from: 0, to: state.doc.length, insert: text },
  selection: { anchor: 0 },
  effects: [setCard.of(card), ...attributedAt(0, runs)],
  annotations: [isolateHistory.of("full"), Transaction.userEvent.of("input.rewrite")],
});
