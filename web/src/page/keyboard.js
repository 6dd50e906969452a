// Hears the keys that work everywhere on the page; keys.js says which they are.

import { keyOf } from "../common/keys.js";

const isField = (target) => Boolean(target.isContentEditable || target.closest?.("input, textarea, select"));

/** Where a key was pressed: on the page, in takes, in their sheet; null in another dialog, or a menu. */
function placeOf(target) {
  const dialog = document.querySelector("dialog[open]");
  if (dialog) return dialog.dataset.place ?? null;
  if (document.querySelector(":popover-open")) return null;
  return target.closest?.("[data-place]")?.dataset.place ?? "page";
}

/** `on[name]()` answers true when it did something; the key then does nothing else. */
export function listenToKeys(on) {
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.isComposing || event.defaultPrevented) return;
      const place = placeOf(event.target);
      const key = place && keyOf(event, { place, isInField: isField(event.target) });
      if (!key || !on[key.name](event)) return;
      event.preventDefault();
      event.stopPropagation();
    },
    { capture: true },
  );
}
