// One request to the model, heard to its end; what it means is for whoever asked. Knows no DOM.

import { DROPPED, progressNote } from "./notes.js";

const AWAY = "Waiting for StorAIteller…";
const NOTHING = () => {};
const DEAF = { began: NOTHING, wrote: NOTHING, words: NOTHING, ended: NOTHING, failed: NOTHING };

/**
 * Send `message`. `on`: `began(progress)` (the model has taken it up; a sentence, or ""), `wrote(text)`, `words(list)`, and at last
 * `ended(reason)` or `failed(sentence)`; after a lost line `failed` may come again with why.
 */
export function put({ connection, diagnose }, message, on) {
  connection.request(message, listener(diagnose, on));
}

/** Hear on from the chunk `next` of a request that was made before a reload; `on` also has `lost()`: nobody knows of it any more. */
export function hearOn({ connection, diagnose }, { id, next }, on) {
  connection.resume(id, next, listener(diagnose, on));
}

function listener(diagnose, on) {
  const hears = { ...DEAF, ...on };
  const heard = {
    started: () => hears.began(""),
    progress: (answer) => hears.began(progressNote(answer)),
    away: () => hears.began(AWAY),
    chunk: ({ text }) => hears.wrote(text),
    words: ({ words }) => hears.words(words),
    done: ({ finish_reason: reason }) => hears.ended(reason),
    error: ({ message: sentence, code }) => hears.failed(sentence, code),
    lost: hears.lost ?? (async () => {
      hears.failed(DROPPED);
      const why = await diagnose();
      if (why) hears.failed(why);
    }),
  };
  return (answer) => heard[answer.type]?.(answer);
}
