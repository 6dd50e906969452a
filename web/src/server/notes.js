// The sentences the page says about a story being written. Pure.

import { percent, words } from "../text/figures.js";

export const LOST = "The line to StorAIteller dropped. What was written is here, and you can continue.";

export const DROPPED = "The line to StorAIteller dropped. Please try again.";

export const AWAY = "The line dropped. The story goes on as soon as it is back.";

export const UNANSWERED = "StorAIteller did not answer, and your page is as it was. Please try again.";

export const WRITTEN_APART = "An earlier text of it is being written on; both are kept.";

/** Before the first word. */
export function progressNote({ stage, done, total }) {
  const sentence = stage === "loading" ? "Loading the model…" : "Reading your story…";
  const part = percent(done, total);
  return part ? `${sentence} ${part} %` : sentence;
}

/** At the end: `asked` is the maximum, `total` what stands on the page, `delivered` what this request wrote. */
export function endNote({ reason, asked, total, delivered }) {
  if (reason === "cancelled") return delivered ? `Stopped at ${words(total)}.` : "Stopped before the first word.";
  if (!delivered) return "The model had nothing to add this time. Please try again.";
  if (reason === "length") return `Ended at a sentence within your ${words(asked)}.`;
  return `Done: ${words(total)} of at most ${asked.toLocaleString("en")}.`;
}

/** What was said of a story when its tab was last open. */
export function restoredNote(card, total) {
  if (!card || ["stop", "length", "unknown"].includes(card.ended)) return "";
  if (card.ended === "cancelled") return `Stopped at ${words(total)}.`;
  return `The writing was interrupted at ${words(total)}. You can continue.`;
}

/** Whether there is something to write on: room within the maximum, and an end that was none. */
export function canContinue({ card, asked, total }) {
  return total > 0 && card?.ended !== "stop" && asked !== null && asked - total >= 10;
}
