// How many takes are asked for at once; the browser remembers it.

import { byId, make } from "../common/elements.js";

const KEY = "storaiteller.takes";
export const MOST = 5;

const inRange = (count) => Number.isInteger(count) && count >= 1 && count <= MOST;

/** The number in a storage that may be closed to us, or hold anything. */
export function readCount(storage) {
  try {
    const count = Number(storage.getItem(KEY));
    return inRange(count) ? count : 1;
  } catch {
    return 1;
  }
}

export class TakesCount {
  #fieldset = byId("takes-count");

  constructor({ storage, onChange }) {
    this.value = readCount(storage);
    const choices = Array.from({ length: MOST }, (_, at) => this.#choice(at + 1));
    this.#fieldset.append(make("span", { className: "segments" }, ...choices));
    this.#fieldset.addEventListener("change", ({ target }) => {
      this.value = Number(target.value);
      try {
        storage.setItem(KEY, String(this.value));
      } catch {
        // It is for now, then.
      }
      onChange();
    });
  }

  #choice(count) {
    const input = make("input", { type: "radio", name: "takes-count", value: String(count), checked: count === this.value });
    return make("label", { className: "segment" }, input, make("span", {}, String(count)));
  }
}
