// Which take was chosen over which, as it is told to the ledger of preferences. Pure.

import { rivals } from "./takes.js";

/** The choice of `take` among the takes of a passage of `story`; null when there is nothing to weigh it against. */
export function choiceOf({ about, takes }, take, story) {
  const { asked, rejected } = rivals(takes, take);
  if (!asked || !rejected.length) return null;
  return { id: take.id, kind: about.errand.kind, asked, chosen: take.text, rejected, reason: "", story };
}
