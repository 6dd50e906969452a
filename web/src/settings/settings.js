// What the writer asks for, as a plain value, and what may be wrong with it. Pure.

export const LIMITS = { characters: 20, keywords: 40, nameLength: 80, minWords: 20, maxWords: 5000 };

const NOUN = { characters: "name", keywords: "keyword" };
/** Whether two settings ask for the same. */
export const isSame = (one, other) => Boolean(one && other) && FIELDS.every((field) => JSON.stringify(one[field]) === JSON.stringify(other[field]));

const NOT_ONE_LINE = /[\p{Cc}\u2028\u2029]/u;
const length = (name) => Array.from(name).length;
const sentenceFor = (field) => `${NOUN[field][0].toUpperCase()}${NOUN[field].slice(1)}s`;

/** The names in a comma list; commas of other scripts, tabs and line ends part them too. */
export function splitList(text) {
  return text
    .split(/[,،、，\n\r\t\u2028\u2029]/)
    .map((name) => name.trim())
    .filter(Boolean);
}

/**
 * Add what was typed to a list of chips.
 * Returns the new list, what could not be added (to stay in the field), and a sentence why.
 */
export function addNames(field, names, typed) {
  const list = [...names];
  const left = [];
  let error = "";
  for (const name of splitList(typed)) {
    if (list.includes(name)) continue;
    const problem = nameProblem(field, name) || roomProblem(field, list.length + 1);
    if (problem) {
      error ||= problem;
      left.push(name);
    } else {
      list.push(name);
    }
  }
  return { names: list, left: left.join(", "), error };
}

function nameProblem(field, name) {
  if (length(name) > LIMITS.nameLength) return `A ${NOUN[field]} may have ${LIMITS.nameLength} characters at most.`;
  if (NOT_ONE_LINE.test(name)) return `A ${NOUN[field]} must be one line of plain text.`;
  return "";
}

const roomProblem = (field, number) =>
  number > LIMITS[field] ? `${sentenceFor(field)}: ${LIMITS[field]} at most.` : "";

/** The number in the words field, or null when it is not a whole number. */
export function parseWords(typed) {
  return /^\s*[+-]?\d+\s*$/.test(typed) ? Number(typed) : null;
}

export function wordsProblem(words, { minWords, maxWords } = LIMITS) {
  const inside = Number.isInteger(words) && words >= minWords && words <= maxWords;
  const bounds = `${minWords} to ${maxWords.toLocaleString("en")}`;
  return inside ? "" : `A whole number of words, from ${bounds}.`;
}

/** What is wrong with the settings: a sentence for each field that needs one. */
export function problems(settings, limits = LIMITS) {
  const found = {};
  for (const field of ["characters", "keywords"]) {
    const names = settings[field];
    const problem = names.map((name) => nameProblem(field, name)).find(Boolean) || roomProblem(field, names.length);
    if (problem) found[field] = problem;
  }
  const words = wordsProblem(settings.max_words, limits);
  if (words) found.max_words = words;
  return found;
}

/** The form field that a server's `field` (`settings.characters.0`, `max_words`) speaks of. */
export function formField(serverField) {
  const name = (serverField ?? "").replace(/^(body|settings)\./, "").replace(/^settings\./, "").split(".")[0];
  return FIELDS.includes(name) ? name : null;
}

const FIELDS = ["characters", "keywords", "genre", "register", "max_words", "child_friendly", "final_twist"];
