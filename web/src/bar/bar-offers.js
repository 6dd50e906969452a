// What the toolbar offers besides a rewrite: other words for one, and the takes that a passage has already.

import { byId, onPress, setText } from "../common/elements.js";
import { touching } from "../takes/passage-finder.js";
import { wordAt } from "./words.js";

export class BarOffers {
  #words = byId("other-words");
  #takes = byId("its-takes");
  #found = [];

  /** `keeper` knows the story's takes; `onWords()`, `onTakes(record, range)` take an offer up. */
  constructor({ editor, keeper, onWords, onTakes }) {
    Object.assign(this, { editor, keeper });
    onPress(this.#words, onWords);
    onPress(this.#takes, () => onTakes(this.#found[0].record, this.#found[0].range));
  }

  /** Say what there is for `range`; between words there is nothing. */
  show(range) {
    const { text } = this.editor;
    const isBetween = range.from === range.to;
    this.#found = isBetween ? [] : touching(text, this.keeper.records, range);
    const count = this.#found[0]?.record.takes.length ?? 0;
    this.#words.hidden = isBetween || !wordAt(text, range);
    this.#takes.hidden = count === 0;
    setText(this.#takes, count === 1 ? "Its take" : `Its ${count} takes`);
  }
}
