// A suggestion and its tries, as an immutable value: what was proposed, and which one is looked at. Pure.

const blank = { text: "", status: "writing", message: "" };

/** The first try, being written. */
export const begin = () => ({ tries: [blank], index: 0 });

/** One more try, looked at at once. Empty failed tries are not kept. */
export function tryAgain({ tries }) {
  const kept = tries.filter(({ text, status }) => text.trim() || status === "writing");
  return { tries: [...kept, blank], index: kept.length };
}

export const current = ({ tries, index }) => tries[index];

export const isWriting = ({ tries }) => tries.at(-1).status === "writing";

const changeLast = (suggestion, change) => ({
  ...suggestion,
  tries: [...suggestion.tries.slice(0, -1), { ...suggestion.tries.at(-1), ...change }],
});

/** Text arrives for the newest try, whichever one is looked at. */
export const append = (suggestion, text) =>
  isWriting(suggestion) ? changeLast(suggestion, { text: suggestion.tries.at(-1).text + text }) : suggestion;

/** The newest try ended: `stop`, `length` or `cancelled`. */
export function finish(suggestion, reason) {
  const { text } = suggestion.tries.at(-1);
  const empty = text.trim() ? "" : "Nothing was suggested this time.";
  return changeLast(suggestion, { status: reason === "cancelled" ? "stopped" : "done", message: empty });
}

/** The newest try failed; what it had written stays. */
export const fail = (suggestion, message) => changeLast(suggestion, { status: "failed", message });

/** Look at the try before (-1) or after (+1). */
export function step(suggestion, by) {
  const index = Math.min(Math.max(suggestion.index + by, 0), suggestion.tries.length - 1);
  return { ...suggestion, index };
}

export const position = ({ tries, index }) => `${index + 1}/${tries.length}`;

/** Whether the try that is looked at can be taken into the story. */
export function canAccept(suggestion) {
  const { text, status } = current(suggestion);
  return status !== "writing" && text.trim() !== "";
}
