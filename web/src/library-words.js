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

/** Why the words are not in the library yet, and where they are meanwhile. */
export function notSaved({ code, message }, { isFull = false } = {}) {
  if (code === "unauthorized") return message;
  const why = code === "offline" ? "StorAIteller does not answer." : message;
  const where = isFull ? "This browser has no room for it either: copy your text somewhere safe." : "Your text is safe in this browser.";
  return `Not saved yet: ${why} ${where}`;
}
