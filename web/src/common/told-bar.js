// The bar at the foot of a page: what was just done, and the way back.

import { byId, make, onPress, setText } from "./elements.js";

export class ToldBar {
  #undo = null;

  /** `onPutAway()` gives the focus a place when the bar goes. */
  constructor({ onPutAway }) {
    onPress(byId("told-close"), () => {
      byId("told-bar").hidden = true;
      onPutAway();
    });
    onPress(byId("told-undo"), () => this.#undo?.());
  }

  /** Say a sentence, to the eye and aloud; `undo()` takes back what it tells of, and is called `label`. */
  say(sentence, { undo = null, label = "Undo", tone = "" } = {}) {
    this.#undo = undo;
    setText(byId("told-words"), sentence);
    byId("told-bar").dataset.tone = tone;
    byId("told-bar").hidden = false;
    byId("told-undo").hidden = !undo;
    setText(byId("told-undo"), label);
    byId(tone ? "announce-error" : "announce-state").replaceChildren(make("p", {}, sentence));
  }
}
