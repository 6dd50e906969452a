// Which take was chosen over which, as it is told to the ledger of preferences.

import { newId } from "../text/new-id.js";
import { rivals } from "./takes.js";

/** The choice of `take` among the takes of a passage of `story`, a new one each time; null when there is nothing to weigh it against. */
export function choiceOf({ about, takes }, take, story) {
  const { asked, rejected } = rivals(takes, take);
  if (!asked || !rejected.length) return null;
  return { id: newId(), kind: about.errand.kind, asked, chosen: take.text, rejected, reason: "", story };
}
