// What changed from one text to another, in words. Pure.

import { diffArrays, diffWordsWithSpace } from "diff";
import { difference } from "./difference.js";

/** Past so many differences a passage is shown as replaced as a whole: nobody reads confetti. */
const MOST_EDITS = 400;
/** So few characters that two changes have between them read more easily as part of one. */
const BRIDGE = 10;
/** Where a text grew at more places than one in so many of its characters, it is another text. */
const BETWEEN = 12;

const lines = (text) => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
const piece = (kind, text) => ({ kind, text });
const kindOf = ({ added, removed }) => (added ? "added" : removed ? "removed" : "same");

/** `[{kind, text}]`, kind being same, removed or added: all but the added joined are `before`, all but the removed are `after`. */
export const textDiff = (before, after) => diff(before, after, calm);

function diff(before, after, tidy) {
  const found = diffArrays(lines(before), lines(after), { maxEditLength: 4000 });
  if (!found) return replaced(before, after);
  const pieces = [];
  for (let at = 0; at < found.length; at += 1) {
    const [part, next] = [found[at], found[at + 1]];
    const isPair = part.removed && next?.added;
    if (isPair) pieces.push(...words(part.value.join(""), found[(at += 1)].value.join(""), tidy));
    else pieces.push(piece(kindOf(part), part.value.join("")));
  }
  return pieces;
}

/** Whether `after` is `before` with more in it here and there, within words too: nothing was taken away. Words that only happen to be somewhere in it are not. */
export function onlyAdds(before, after) {
  if (after.startsWith(before)) return true;
  const pieces = diff(before, after, (found) => found);
  const isInserted = (from, to) => to?.kind === "added" && adds(from.text, to.text);
  const places = pieces.filter(({ kind }) => kind !== "same").length;
  return places <= 1 + before.length / BETWEEN && pieces.every((each, at) => each.kind !== "removed" || isInserted(each, pieces[at + 1]));
}

function adds(before, after) {
  const { from, to } = difference(before, after);
  return from === to;
}

function words(before, after, tidy) {
  const found = diffWordsWithSpace(before, after, { maxEditLength: MOST_EDITS });
  return found ? tidy(found.map((part) => piece(kindOf(part), part.value))) : replaced(before, after);
}

/** Changes that only a little word parts become one: first all that went, then all that came. */
function calm(pieces) {
  const found = [];
  let [removed, added] = ["", ""];
  for (const [at, { kind, text }] of pieces.entries()) {
    const isBridge = kind === "same" && (removed || added) && at < pieces.length - 1 && text.length <= BRIDGE && !text.includes("\n");
    if (kind === "removed" || isBridge) removed += text;
    if (kind === "added" || isBridge) added += text;
    if (kind !== "same" || isBridge) continue;
    found.push(...replaced(removed, added), piece(kind, text));
    [removed, added] = ["", ""];
  }
  return [...found, ...replaced(removed, added)];
}

const replaced = (before, after) => [piece("removed", before), piece("added", after)].filter(({ text }) => text);

/** Only what changed, with `around` characters of the same words on either side; what is left out is `gap`. */
export function changedPlaces(pieces, around = 240) {
  return pieces.flatMap((each, at) => {
    const { kind, text } = each;
    const [isFirst, isLast] = [at === 0, at === pieces.length - 1];
    if (kind !== "same" || text.length <= 2 * around + 80 || pieces.length === 1) return [each];
    const head = isFirst ? [] : [piece("same", text.slice(0, whole(text, around)))];
    const tail = isLast ? [] : [piece("same", text.slice(whole(text, text.length - around)))];
    return [...head, piece("gap", "…"), ...tail];
  });
}

/** A place near `at` that is between two words. */
function whole(text, at) {
  const space = text.lastIndexOf(" ", at);
  return space > at - 60 && space > 0 ? space : at - Number(/[\udc00-\udfff]/.test(text[at] ?? ""));
}
