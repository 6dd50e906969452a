// The REST side of choices: what was chosen and what was not. Errors are ApiErrors.

import { json } from "./api.js";
import { send } from "./library-api.js";

const pair = (id, act) => `/preferences/${encodeURIComponent(id)}/${act}`;

/** Keep a choice, `{id, kind, asked, chosen, rejected, reason, story}`; the same once more is nothing new. Resolves to `{pairs}`. */
export const keepPreference = (body) => send("POST", "/preferences", body);

/** Say that a story is not for the writer, `{id, settings, story, story_id, model, reason}`; with the same id again, why. */
export const notForMe = (body) => send("POST", "/preferences/not-for-me", body);
export const takeBackNotForMe = (id) => json("DELETE", `/preferences/not-for-me/${encodeURIComponent(id)}`);

/** Some of the pairs, the newest first: `{pairs, total, counting}`. */
export const listPairs = (part) => json("GET", `/preferences?${new URLSearchParams(part)}`);
export const strikeOut = (id) => json("POST", pair(id, "strike"));
export const putBack = (id) => json("POST", pair(id, "unstrike"));
