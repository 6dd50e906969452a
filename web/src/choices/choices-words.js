// What the page "Your choices" says. Pure.

import { nameOf } from "../saving/library-words.js";
import { when } from "../saving/version-words.js";
import { whole } from "../text/figures.js";

const KIND = { passage: "A passage", insertion: "A new passage", story: "A story" };
const ID = /^[0-9a-f]{32}$/;

/** How many pairs there are, and how many of them count; nothing where there is none. */
export function standing({ total, counting }) {
  if (!total) return "";
  if (total === 1) return counting ? "1 pair. It counts." : "1 pair. It does not count.";
  const of = counting === total ? "All" : counting ? whole(counting) : "None";
  return `${whole(total)} pairs. ${of} of them ${counting === 1 ? "counts" : "count"}.`;
}

export const kindOf = ({ kind }) => KIND[kind] ?? "A text";

/** What a pair is, and when it was made. */
export const heading = (pair, now) => `${kindOf(pair)}, ${when(pair.created_at, now)}`;

/** The same pair for the ear, told from others of its time by how the text begins that was not chosen. */
export const called = (pair) => `${kindOf(pair)}, “${nameOf({ text: pair.rejected })}”`;

/** What stands over the two texts. */
export const sides = ({ not_for_me: isVerdict }) =>
  isVerdict ? { chosen: "A good story", rejected: "Not for you" } : { chosen: "You chose", rejected: "You did not choose" };

/** Why a pair does not count, or nothing. */
export function idle({ struck_out: isStruck, chosen }) {
  if (isStruck) return "Struck out";
  return chosen ? "" : "Does not count yet";
}

export const WAITING = "No story of the same settings is a good one yet. As soon as you call one good, it stands here.";

export const struck = (pair) => `${kindOf(pair)} is struck out: it counts no longer.`;
export const counts = (pair) => (pair.counts ? `${kindOf(pair)} counts again.` : `${kindOf(pair)} is back. ${WAITING}`);

/** Where the story is in the library, or null. */
export const storyHref = ({ story }) => (ID.test(story) ? `/?story=${story}` : null);
