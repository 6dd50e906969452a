// The messages on /ws, both ways, as storaiteller/api/protocol.py defines them. Pure.

const withoutNull = (message) =>
  Object.fromEntries(Object.entries(message).filter(([, value]) => value !== null && value !== undefined));

const request = (type, id, settings, parts, options) =>
  withoutNull({ type, id, settings, ...parts, progress: true, ...options });

/** So much of a text is sent at most: no model reads more, and the server takes no more than twice that. */
const MOST = 500_000;

// Half a character (a lone surrogate) is no text that could be sent. The story itself keeps it.
const whole = (text) => text.toWellFormed();
const end = (text) => whole(text.slice(-MOST));
const beginning = (text) => whole(text.slice(0, MOST));
const withoutMiddle = (text) => (text.length > 2 * MOST ? beginning(text) + end(text) : whole(text));

/** `options`: model, sampling, seed, progress, for a story also `story`, its id in the library; each may be left out. */
export const generate = (id, settings, options = {}) => request("generate", id, settings, {}, options);

/** `how`: instruction, action, register (with the action of that name alone), opening; each may be left out. */
export const rewrite = (id, settings, { before, selected, after }, how = {}, options = {}) =>
  request("rewrite", id, settings, { before: end(before), selected: whole(selected), after: beginning(after), ...wish(how) }, options);

const wish = ({ instruction = "", action, register, opening }) =>
  ({ instruction, action, register, opening: opening && whole(opening) });

/** A passage to stand between the two. */
export const insertBetween = (id, settings, { before, after }, instruction = "", options = {}) =>
  request("insert", id, settings, { before: end(before), after: beginning(after), instruction }, options);

export const continueFrom = (id, settings, text, options = {}) =>
  request("continue", id, settings, { text: whole(text) }, options);

export const titles = (id, settings, text, options = {}) =>
  request("titles", id, settings, { text: withoutMiddle(text) }, options);

export const summary = (id, settings, text, options = {}) =>
  request("summary", id, settings, { text: withoutMiddle(text) }, options);

/** Which words the model would write next; answered by `words`. */
export const wordsAfter = (id, settings, before, options = {}) =>
  request("words", id, settings, { before: end(before) }, options);

/** Hear of a request from chunk `seq` on, wherever it was made. */
export const resume = (id, seq = 0) => ({ type: "resume", id, seq });

export const stop = (id) => ({ type: "stop", id });

/** What was told of a story is here, and kept: the server need not finish it. */
export const kept = (id) => ({ type: "kept", id });

const text = (value) => typeof value === "string";
const number = (value) => typeof value === "number" && Number.isFinite(value);
const count = (value) => Number.isInteger(value) && value >= 0;
const oneOf = (...values) => (value) => values.includes(value);
const orNull = (check) => (value) => value === null || value === undefined || check(value);
const object = (shape) => (value) =>
  typeof value === "object" && value !== null && Object.entries(shape).every(([key, check]) => check(value[key]));

const listOf = (check) => (value) => Array.isArray(value) && value.every(check);

const SHAPES = {
  started: { id: text, model: text, prompt_tokens: orNull(count) },
  progress: { id: text, stage: oneOf("loading", "reading"), done: count, total: count },
  chunk: { id: text, seq: count, text },
  words: { id: text, words: listOf(object({ text, probability: number })) },
  done: {
    id: text,
    finish_reason: oneOf("stop", "length", "cancelled"),
    words: count,
    usage: object({ prompt: count, cached: count, completion: count }),
    tokens_per_second: number,
    time_to_first_token_ms: number,
  },
  changed: { story: text, revision: count, trashed: oneOf(true, false) },
  error: { id: orNull(text), code: text, message: text, field: orNull(text) },
};

/** The server message in a frame, or null when it is none that we know. */
export function readServerMessage(frame) {
  try {
    const message = JSON.parse(frame);
    const shape = Object.hasOwn(SHAPES, message.type) ? SHAPES[message.type] : null;
    return shape && object(shape)(message) ? message : null;
  } catch {
    return null;
  }
}

/** Whether a message ends its request. */
export const isLast = ({ type }) => type === "done" || type === "error" || type === "lost";
