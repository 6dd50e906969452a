// What the library's page says. Pure.

import { nameOf } from "../saving/library-words.js";
import { whole, words } from "../text/figures.js";

const many = (number, one, several = `${one}s`) => `${whole(number)} ${number === 1 ? one : several}`;
export const called = (story) => `“${nameOf(story)}”`;

export const AWAY = "StorAIteller does not answer. Your stories are safe on this computer: start it again in the terminal, then try again.";

/** What stands over the list: how many stories, or why there are none. */
export function standing({ total, query, tag, isTrash }) {
  const stories = many(total, "story", "stories");
  const where = tag ? ` with the tag “${tag}”` : "";
  if (query) return total ? `${stories} with “${query}”${where}` : `No story has “${query}” in it${where && `, or not one${where}`}.`;
  if (isTrash) return total ? `${stories} in the trash. They stay until you delete them.` : "The trash is empty.";
  return tag ? `${stories}${where}` : total ? stories : "";
}

/** What became of files that were brought in. */
export function importOutcome({ taken, known, refused, favourites = 0 }) {
  const parts = [];
  if (taken.length === 1) parts.push(`${called(taken[0])} is in your library now.`);
  if (taken.length > 1) parts.push(`${many(taken.length, "story", "stories")} were brought into your library.`);
  if (known) parts.push(`${many(known, "story was", "stories were")} here already.`);
  if (favourites) parts.push(`${many(favourites, "favourite was", "favourites were")} added.`);
  if (refused.length) parts.push(`${many(refused.length, "file")} could not be taken:`);
  return parts.join(" ") || "There was no story in there.";
}

/** How far a story is that is being written, in a few words. `problem`: the server did not say; `isStopping`: it was asked to end it. */
export function progress({ words: number, over }, { problem = null, isStopping = false } = {}) {
  if (problem) return `No answer now · ${words(number)}`;
  if (over) return `Saving the end · ${words(number)}`;
  if (isStopping) return "Stopping…";
  return number ? `Being written · ${words(number)}` : "Being written · no words yet";
}

export const begun = (story) => `${called(story)} is being written.`;
export const ended = (story) => `${called(story)} is written to its end.`;
export const stopped = (story, told) => `${called(story)} is stopped.${told.words ? " What was written of it is in your library." : ""}`;
export const stopping = (story) => `${called(story)} ends as soon as the model answers. What was written of it comes into your library.`;

export const trashed = (story) => `${called(story)} is in the trash.`;
export const putBack = (story) => `${called(story)} is back in the library.`;
export const deleted = (story) => `${called(story)} is deleted for ever.`;
export const emptied = (number) => `${many(number, "story is", "stories are")} deleted for ever.`;
export const saved = (story) => `${called(story)} is saved.`;

export const sureToDelete = (story) => ({
  title: `Delete ${called(story)} for ever?`,
  words: `Its ${many(story.words, "word")} and all its versions go. This cannot be undone.`,
  yes: "Delete for ever",
});

export const sureToEmpty = (number) => ({
  title: `Delete ${many(number, "story", "stories")} for ever?`,
  words: `Everything in the trash goes, with all its versions. This cannot be undone.`,
  yes: "Empty the trash",
});

/** The tags in a list with commas, each once, without regard to case. */
export function tagsIn(typed) {
  const found = new Map();
  for (const tag of typed.split(/[,،、，\n]/).map((each) => each.trim().replace(/\s+/g, " ")).filter(Boolean)) {
    if (!found.has(tag.toLowerCase())) found.set(tag.toLowerCase(), tag);
  }
  return [...found.values()];
}

/** `text` in pieces `{text, isFound}`: where a word of the query begins a word of it. */
export function marked(text, query) {
  const words = query.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
  if (!words.length) return [{ text, isFound: false }];
  const found = new RegExp(`(?<![\\p{L}\\p{N}\\p{M}])((?:${words.join("|")})[\\p{L}\\p{N}\\p{M}]*)`, "giu");
  return text.split(found).map((part, at) => ({ text: part, isFound: at % 2 === 1 })).filter((part) => part.text);
}
