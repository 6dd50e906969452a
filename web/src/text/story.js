// What a story is made of: words, and the three parts around a passage. Pure.

// The characters that Python calls white space, spelled out: JavaScript's own \s differs in a few.
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const CJK = "\\u3040-\\u30ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff";
const CJK_MARKS = "\\u3001-\\u301f\\uff01-\\uff0f\\uff1a-\\uff20.,!?…”’";
const WORD = new RegExp(`[${CJK}][${CJK_MARKS}]*|[^${SPACE}${CJK}]+`, "g");
const NOT_SPACE = new RegExp(`[^${SPACE}]`);

/** Number of words, counted as storaiteller/story.py counts them. */
export function countWords(text) {
  WORD.lastIndex = 0;
  let words = 0;
  while (WORD.test(text)) words += 1;
  return words;
}

export function isBlank(text) {
  return !NOT_SPACE.test(text);
}

const splitsPair = (text, at) =>
  at > 0 && at < text.length && /[\ud800-\udbff]/.test(text[at - 1]) && /[\udc00-\udfff]/.test(text[at]);

// Letters that are written in words with spaces between them, and what belongs to a letter.
const UNSPACED = ["Han", "Hiragana", "Katakana", "Bopomofo", "Yi", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan"];
const LETTER = new RegExp(`(?![${UNSPACED.map((script) => `\\p{scx=${script}}`).join("")}])[\\p{L}\\p{N}\\p{M}]`, "u");

/** Whether `at` is between two letters of one word; in scripts without spaces a letter is a word of its own. */
export const insideWord = (text, at) => at > 0 && at < text.length && LETTER.test(text[at - 1]) && LETTER.test(text[at]);

/**
 * The range that a selection means: whole words, without the white space at its ends, and never through the
 * middle of a surrogate pair. Null when nothing but white space is selected.
 */
export function passageRange(text, from, to) {
  if (splitsPair(text, from)) from -= 1;
  if (splitsPair(text, to)) to += 1;
  while (from < to && isBlank(text[from])) from += 1;
  while (to > from && isBlank(text[to - 1])) to -= 1;
  if (from >= to) return null;
  while (insideWord(text, from)) from -= 1;
  while (insideWord(text, to)) to += 1;
  return { from, to };
}

/** A story cut in three; before + selected + after is the whole, unit for unit. */
export function cutPassage(text, { from, to }) {
  return { before: text.slice(0, from), selected: text.slice(from, to), after: text.slice(to) };
}
