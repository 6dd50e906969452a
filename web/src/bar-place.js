// Where the toolbar stands: above the passage, else below it, else at the foot of the window; never on it.

import { byId } from "./elements.js";

const GAP = 10;
const docks = matchMedia("(max-width: 44rem), (pointer: coarse)");

/** Place `bar` at the range of the story that it is for. */
export function placeBar(bar, editor, range) {
  const { offsetWidth: width, offsetHeight: height } = bar;
  const place = docks.matches ? null : editor.place(range);
  const floor = window.innerHeight - byId("dock").offsetHeight;
  const above = place && place.top - height - GAP;
  const below = place && place.bottom + GAP;
  const top = above >= 56 ? above : below;
  const fits = place && top >= 8 && top + height <= floor - 8;
  bar.classList.toggle("is-docked", !fits);
  if (!fits) return;
  const column = editor.view.contentDOM.getBoundingClientRect();
  const near = above >= 56 ? place.left : Math.min(place.left, place.right);
  const left = Math.max(12, Math.min(near - 8, Math.max(column.right, width + 24) - width));
  bar.style.left = `${Math.round(left + window.scrollX)}px`;
  bar.style.top = `${Math.round(top + window.scrollY)}px`;
}

/** On a touch screen the docked bar stands on the keyboard, where that covers the page. */
export function clearKeyboard(bar) {
  const { height, offsetTop, scale } = window.visualViewport;
  const covered = scale === 1 ? Math.max(0, window.innerHeight - height - offsetTop) : 0;
  bar.style.setProperty("--keyboard", `${Math.round(covered)}px`);
}
