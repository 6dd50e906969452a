// What is said of a story's versions. Pure.

import { whole } from "../text/figures.js";

const REASON = {
  generation: "Written by the model",
  rewrite: "A passage rewritten",
  pause: "You paused",
  restore: "Brought back",
  before_restore: "Before another was brought back",
  named: "Named by you",
  import: "Brought into the library",
};

export const reason = (version) => REASON[version.reason] ?? "Kept";

const DAY = { weekday: "short", day: "numeric", month: "short" };
const TIME = { hour: "2-digit", minute: "2-digit" };

const sameDay = (one, other) => one.toDateString() === other.toDateString();

/** When something was, as one would say it: the time today, "yesterday", else the day. */
export function when(iso, now = new Date()) {
  const at = new Date(iso);
  const time = at.toLocaleTimeString("en-GB", TIME);
  if (sameDay(at, now)) return `today, ${time}`;
  if (sameDay(at, new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1))) return `yesterday, ${time}`;
  const year = at.getFullYear() === now.getFullYear() ? {} : { year: "numeric" };
  return `${at.toLocaleDateString("en-GB", { ...DAY, ...year })}, ${time}`;
}

/** How many words a version has more or fewer than the one before it; the first one's are all there are. */
export function growth(version, earlier) {
  if (!earlier) return `${whole(version.words)} ${version.words === 1 ? "word" : "words"}`;
  const by = version.words - earlier.words;
  if (!by) return "as many words";
  return `${by > 0 ? "+" : "−"}${whole(Math.abs(by))} ${Math.abs(by) === 1 ? "word" : "words"}`;
}

/** What a diff comes to, for the ear and the eye. */
export function summary(pieces, countWords) {
  const count = (kind) => pieces.filter((each) => each.kind === kind).reduce((sum, { text }) => sum + countWords(text), 0);
  const [added, removed] = [count("added"), count("removed")];
  if (!pieces.some(({ kind }) => kind !== "same")) return "The same as the story now.";
  return `Since then: ${whole(added)} ${added === 1 ? "word" : "words"} added, ${whole(removed)} removed.`;
}
