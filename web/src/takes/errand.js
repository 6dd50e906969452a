// What the model is to do for a passage, as a value, in the writer's words and in the socket's. Pure.
//
// An errand is `{kind, action, instruction, register, opening}`; kind is passage, insertion or story.

import { generate, insertBetween, rewrite } from "../server/protocol.js";

/** The ways to rewrite that have a name; `register` asks for one more choice. */
export const WAYS = [
  { action: "shorter", label: "Shorter" },
  { action: "longer", label: "Longer" },
  { action: "vivid", label: "More vivid" },
  { action: "dialogue", label: "More dialogue" },
  { action: "register", label: "Another register" },
  { action: "proofread", label: "Fix spelling and grammar" },
];

const NAME = Object.fromEntries(WAYS.map(({ action, label }) => [action, label]));
const quoted = (text) => (text ? `“${text}”` : "");

export const errand = (kind, { action = "rewrite", instruction = "", register = null, opening = "" } = {}) => ({ kind, action, instruction, register, opening });

/** What was asked for, in a few words; "" when nothing in particular was. */
export function asked({ kind, action, instruction, register, opening }) {
  const way = opening ? `Going on from ${quoted(opening)}` : action === "register" ? register : NAME[action];
  const what = [way, quoted(instruction)].filter(Boolean).join(" · ");
  return what || (kind === "story" ? "The whole story" : kind === "insertion" ? "Written at the cursor" : "");
}

/** Changes that are few, so that what differs is what one wants to see. */
export const isSmall = ({ action }) => action === "proofread";

/** There is one right spelling: more takes of it would be the same. */
export const howMany = (errand, count) => (isSmall(errand) ? 1 : count);

/** The message that asks for one take: `{settings, model}` as they are now, and the story in parts around the passage. */
export function messageFor(id, { kind, instruction, ...wish }, { settings, model }, { before, selected, after }) {
  if (kind === "story") return generate(id, settings, { model });
  if (kind === "insertion") return insertBetween(id, settings, { before, after }, instruction, { model });
  return rewrite(id, settings, { before, selected, after }, { ...wish, instruction }, { model });
}

/** How much longer than the old words the new ones usually become, for the room that is kept for them. */
const GROWTH = { shorter: 0.7, longer: 1.9, proofread: 1.1 };
const ALIKE = 1.3;
const SPARE = 1;
const LINE = 62;
const AT_LEAST = 2;
const FOR_INSERTION = 4;

/** How many lines to keep free for a take, so that the text after it stays where it is. */
export function room({ kind, action }, original) {
  if (kind === "insertion" && !original) return FOR_INSERTION;
  const lines = original.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil((line.length * (GROWTH[action] ?? ALIKE)) / LINE)), 0);
  return Math.max(AT_LEAST, lines + SPARE);
}
