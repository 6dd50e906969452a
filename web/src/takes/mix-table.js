// Where a text is put together out of sentences of several takes, and of the words that are there now.

import { byId, enable, make, onPress } from "../common/elements.js";
import { finished, isUsed, put, sentences } from "./mix.js";

/** A text as sentences that can be taken into the mix. */
export function drawSentences(element, text, mix) {
  element.replaceChildren(...sentences(text).flatMap((sentence) => pieces(sentence, mix)));
}

function pieces(sentence, mix) {
  const words = sentence.trim();
  const button = make("button", { type: "button", className: "sentence", textContent: words });
  onPress(button, () => mix.add(sentence));
  return [button, sentence.slice(sentence.indexOf(words) + words.length) || " "];
}

export class MixTable {
  isOpen = false;
  #area = byId("mix-text");
  #present = "";

  /** `onUse(text)`: it goes into the story; `onChange()`: it is another text now. */
  constructor({ onUse, onChange }) {
    Object.assign(this, { onUse, onChange });
    this.#area.addEventListener("input", () => this.#changed());
    onPress(byId("mix-use"), () => this.#use());
  }

  open() {
    this.isOpen = true;
    byId("mix").hidden = false;
    this.#changed();
  }

  /** Put the table away; the text stays on it. */
  close() {
    this.isOpen = false;
    byId("mix").hidden = true;
  }

  /** Clear the table; returns what lay on it. */
  leave() {
    const text = finished(this.#area.value);
    this.close();
    this.#area.value = "";
    this.showPresent("");
    return text;
  }

  /** A sentence goes where the cursor is; the focus stays on the sentence, for the next one. */
  add(sentence) {
    const area = this.#area;
    const { text, at } = put(area.value, area.selectionEnd, sentence);
    area.value = text;
    area.setSelectionRange(at, at);
    area.scrollTop = area.scrollHeight;
    this.#changed();
  }

  /** Say of each sentence whether it is in the mix. */
  mark(element) {
    for (const button of element.querySelectorAll(".sentence")) button.setAttribute("aria-pressed", String(isUsed(this.#area.value, button.textContent)));
  }

  /** The words that are in the story now, to be taken from too; "" for none. */
  showPresent(text) {
    const column = byId("mix-present");
    column.hidden = text === "";
    const element = byId("mix-present-text");
    if (text !== this.#present) drawSentences(element, text, this);
    this.#present = text;
    this.mark(element);
  }

  #changed() {
    enable(byId("mix-use"), finished(this.#area.value) !== "");
    this.onChange();
  }

  #use() {
    const text = finished(this.#area.value);
    this.#area.value = "";
    this.onUse(text);
  }
}
