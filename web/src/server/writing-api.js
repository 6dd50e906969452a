// What the server is writing for the library, whoever listens. Errors are ApiErrors.

import { ask, json } from "./api.js";

/** Every story under way, in the order of its beginning. */
export const writing = async () => (await json("GET", "/writing")).stories;

/** What is being written of one story, with its words: mostly one request, or none. */
export const writingOf = async (story) => (await json("GET", `/writing/${encodeURIComponent(story)}`)).stories;

/** End what is being written of a story; then the library has it, or a page that hears it. */
export const stopWriting = (story) => ask("POST", `/writing/${encodeURIComponent(story)}/stop`);
