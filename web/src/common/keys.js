// The page's keys, all of them: what each does, where it works, and how it is told from others. Pure.

const WITHOUT = { altKey: false, ctrlKey: false, metaKey: false, shiftKey: false };
const held = (event, wanted) => Object.entries({ ...WITHOUT, ...wanted }).every(([key, value]) => Boolean(event[key]) === value);

const alt = (letter) => ({ keys: ["Alt", letter], match: (event) => event.code === `Key${letter}` && held(event, { altKey: true }) });
const plain = (key, shown) => ({ keys: [shown], isTyped: true, match: (event) => event.key === key && held(event, { shiftKey: event.shiftKey }) });

/**
 * `places`: `page`, `takes` (the focus is in a suggestion, in the text or in its sheet). `isTyped`: a text field keeps it for itself. `isBrief`: told on an empty page too.
 */
export const KEYS = [
  { name: "write", keys: ["Ctrl", "Enter"], does: "write", isBrief: true, match: (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.altKey },
  { name: "escape", keys: ["Esc"], does: "stop", more: "stop, or close what is open", isBrief: true, repeats: true, match: (event) => event.key === "Escape" },
  { name: "rewrite", ...alt("R"), does: "rewrite the selection", more: "rewrite the selection; with takes open, ask for another", isBrief: true, places: ["page", "takes"] },
  { name: "insert", ...alt("I"), does: "write something at the cursor" },
  { name: "words", ...alt("W"), does: "other words for the one at the cursor" },
  { name: "earlier", ...plain("ArrowLeft", "←"), does: "the take before", places: ["takes"], repeats: true },
  { name: "later", ...plain("ArrowRight", "→"), does: "the take after", places: ["takes"], repeats: true },
  { name: "takes", ...alt("T"), does: "the takes of this story" },
  { name: "good", ...alt("G"), does: "good story", isBrief: true },
  { name: "notForMe", ...alt("N"), does: "not for me" },
  { name: "whoWrote", ...alt("O"), does: "who wrote what" },
  { name: "library", ...alt("L"), does: "library", isBrief: true },
  { name: "keys", ...plain("?", "?"), does: "this list, when you are not writing", isBrief: false },
];

/** Which of them work where: the sheet lies over the page, a suggestion stands on it. */
const REACH = { page: ["page"], takes: ["page", "takes"], sheet: ["takes"] };

/** The key that an event is, at `place` (page, takes or sheet) and in a text field or not; undefined if it is none of ours. */
export function keyOf(event, { place = "page", isInField = false } = {}) {
  return KEYS.find((key) => {
    const { places = ["page"], isTyped, repeats, match } = key;
    const isHere = places.some((each) => REACH[place].includes(each));
    return isHere && !(isTyped && isInField) && !(event.repeat && !repeats) && match(event);
  });
}

/** As `aria-keyshortcuts` wants it. */
export const ariaKeys = (name) => {
  const { keys } = KEYS.find((key) => key.name === name);
  return keys.join("+").replace("Ctrl", "Control").replace("Esc", "Escape");
};
