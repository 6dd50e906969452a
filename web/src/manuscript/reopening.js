// A desk's story in the editor as it was left: the one before it within reach of Undo, and the pen where it was. Knows no DOM.

import { join, lengthOf, slice, toPoints, toUnits } from "../text/runs.js";
import { isBlank } from "../text/story.js";
import { attribute, begin, end, takeUp, write } from "./manuscript.js";

const blank = { text: "", card: null, story: null, origins: null };

/** The story that lies undermost, `{text, card, story, origins}`: what the editor begins with. */
export function undermost(desk) {
  const { earlier } = desk ?? {};
  if (isReplacing(desk)) return earlier && !isBlank(earlier.text) ? earlier : blank;
  return hasAnother(desk) ? earlier : { ...blank, ...desk, text: withoutPen(desk), origins: originsWithoutPen(desk) };
}

/** `state`, which has the undermost story, with all that lay over it. */
export function reopened(state, desk) {
  const steps = [];
  const { card = null, story: id = null, text, telling } = desk ?? {};
  if (!isReplacing(desk) && hasAnother(desk)) {
    steps.push((state) => begin(state, card, { replacing: true, id }), (state) => [write(state, withoutPen(desk))]);
    steps.push((state) => [attribute(state, originsWithoutPen(desk))], end);
  }
  if (telling?.pen) {
    steps.push((state) => takeUp(state, card, { text, id, ...telling.pen }), (state) => [attribute(state, desk.origins ?? [])]);
  }
  return steps.reduce((before, step) => step(before).reduce((state, spec) => state.update(spec).state, before), state);
}

const isReplacing = (desk) => Boolean(desk?.telling?.pen && desk.telling.replacing);

/** Whether another story lies under the one that is not being replaced just now. */
function hasAnother(desk) {
  const text = withoutPen(desk);
  return Boolean(desk?.earlier) && desk.earlier.text !== text && !isBlank(text);
}

/** The text before its writing on began. */
function withoutPen(desk) {
  const { text = "", telling } = desk ?? {};
  return telling?.pen ? text.slice(0, telling.pen.from) + text.slice(telling.pen.at) : text;
}

/** Who wrote that text, as it is kept; where the desk does not say, nobody knows. */
function originsWithoutPen(desk) {
  const { text = "", origins, telling } = desk ?? {};
  if (!telling?.pen) return origins ?? [];
  const units = toUnits(text, origins);
  const { from, at } = telling.pen;
  return toPoints(withoutPen(desk), join(slice(units, 0, from), slice(units, at, lengthOf(units))));
}
