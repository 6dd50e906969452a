// Where the toolbar stands: above the passage or below it, else at the foot of the window; never on it.

import { byId } from "../common/elements.js";

const GAP = 10;
const HEAD = 56;
/** So high is the toolbar with all that it may open, and so high it has to be allowed to be. */
const WHOLE = 380;
const LEAST = 200;
const docks = matchMedia("(max-width: 44rem), (pointer: coarse)");

/**
 * Place `bar` at the range of the story that it is for. The side does not depend on how high it is just now, and it grows
 * away from the passage: what is pressed in it stays under the pointer.
 */
export function placeBar(bar, editor, range) {
  const floor = window.innerHeight - byId("dock").offsetHeight;
  const place = docks.matches ? null : seen(editor.place(range), floor);
  const foot = place && Math.min(place.top, floor) - GAP;
  const head = place && Math.max(place.bottom, HEAD) + GAP;
  const above = place ? foot - HEAD : 0;
  const below = place ? floor - GAP - head : 0;
  const isAbove = above >= WHOLE || above >= below;
  const room = isAbove ? above : below;
  const fits = room >= LEAST;
  bar.classList.toggle("is-docked", !fits);
  bar.classList.toggle("is-above", fits && isAbove);
  bar.style.maxHeight = fits ? `${Math.floor(room)}px` : "";
  if (!fits) return;
  const { offsetWidth: width, offsetHeight: height } = bar;
  const column = editor.view.contentDOM.getBoundingClientRect();
  const near = isAbove ? place.left : Math.min(place.left, place.right);
  const left = Math.max(12, Math.min(near - 8, Math.max(column.right, width + 24) - width));
  const top = isAbove ? foot - height : head;
  bar.style.left = `${Math.round(left + window.scrollX)}px`;
  bar.style.top = `${Math.round(top + window.scrollY)}px`;
}

/** `place`, if any of it is in the window. */
const seen = (place, floor) => (place && place.bottom > 0 && place.top < floor ? place : null);

/** On a touch screen the docked bar stands on the keyboard, where that covers the page. */
export function clearKeyboard(bar) {
  const { height, offsetTop, scale } = window.visualViewport;
  const covered = scale === 1 ? Math.max(0, window.innerHeight - height - offsetTop) : 0;
  bar.style.setProperty("--keyboard", `${Math.round(covered)}px`);
}
