// What the page says of stories and the library. Pure.

const NAME_LENGTH = 40;

/** What a story is called: its title, else its first words, else that it has none yet. */
export function nameOf({ title = "", text = "", excerpt = "" }, longest = NAME_LENGTH) {
  const first = title.trim() || (text || excerpt).slice(0, 400).trim().split("\n")[0].trim();
  if (!first) return "Untitled";
  const short = Array.from(first).slice(0, longest).join("").trimEnd();
  return short.length < first.length ? `${short}…` : short;
}

const called = (story) => `“${nameOf(story)}”`;

export const FOLLOWED = "Another window went on with this story; its words are here now.";

export const TRASHED = "This story is in the library's trash now. It stays on this page; put it back if you want to keep it.";

export const forkTitle = (story) => `${nameOf(story)} (another window)`;

export const forked = (theirs, ours) =>
  `${called(theirs)} was changed in another window too. Both are kept: what you see here is now ${called(ours)}.`;

/** Both halves of a story that is on no page here: the words written here are a story of their own now. */
export const keptApart = (theirs, ours) =>
  `${called(theirs)} was changed in another window too. What was written here was kept as ${called(ours)}.`;

const NOWHERE = "Not saved, and this browser has no room: copy your text somewhere safe.";

const NO_ROOM = "This browser has no room left to keep your story. Copy it somewhere safe, and close other stories.";

export const SAVED_AGAIN = "Saved again.";

/** Why the words are not in the library yet, and where they are meanwhile. */
export function notSaved({ code, message }, { isFull = false } = {}) {
  if (isFull) return NOWHERE;
  if (code === "unauthorized") return message;
  const why = code === "offline" ? "StorAIteller does not answer." : message;
  return `Not saved yet: ${why} Your text is safe in this browser.`;
}

/**
 * What keeps words from being safe, as `{note, tone}`, or null. `problem`: why the library could not save; `isFull`: this
 * browser has no room for them; `isAway`: the server cannot be reached; `isDirty`: the library lacks some of them; `isKept`:
 * it has the story on the page.
 */
export function danger({ problem, isFull, isAway, isDirty, isKept }) {
  if (problem) return { note: notSaved(problem, { isFull }), tone: isFull ? "error" : "" };
  if (isFull && isAway && isDirty) return { note: NOWHERE, tone: "error" };
  return isFull && !isKept ? { note: NO_ROOM, tone: "error" } : null;
}
