// Who wrote what, on demand: the button, the marks in the text, and how much is whose.

import { byId, make } from "../common/elements.js";
import { Later } from "../common/later.js";
import { shares } from "../text/runs.js";
import { setShown } from "./origin-marks.js";
import { legend, NOTHING, sentence } from "./origin-words.js";
import { origins } from "./origins.js";

const KEY = "storaiteller.origins";
/** How soon the shares follow what is written. */
const SOON_MS = 400;

export class WhoWrote {
  #button = byId("who-wrote");
  #legend = byId("origins");
  #later = new Later(SOON_MS, () => this.#draw());

  constructor({ editor, announcer, storage }) {
    Object.assign(this, { editor, announcer, storage });
    if (this.#remembered()) this.#show(true);
  }

  get isShown() {
    return this.#button.getAttribute("aria-pressed") === "true";
  }

  toggle() {
    this.#show(!this.isShown);
    this.announcer.state(this.isShown ? `Who wrote what is marked now. ${sentence(this.#shares)}` : "Who wrote what is no longer marked.");
    try {
      this.storage.setItem(KEY, this.isShown ? "shown" : "");
    } catch {
      // It then lasts as long as the page.
    }
  }

  /** The editor changed. */
  follow({ startState, state }) {
    if (this.isShown && !this.#later.isDue && startState.field(origins) !== state.field(origins)) this.#later.soon();
  }

  get #shares() {
    return shares(this.editor.origins);
  }

  #show(isShown) {
    this.#button.setAttribute("aria-pressed", String(isShown));
    this.#legend.hidden = !isShown;
    this.editor.view.dispatch({ effects: setShown.of(isShown) });
    if (isShown) this.#draw();
  }

  #draw() {
    const keys = legend(this.#shares).map(({ who, text }) => make("span", {}, make("span", { className: `origin-${who}` }, text)));
    this.#legend.replaceChildren(...(keys.length ? keys : [NOTHING]));
  }

  #remembered() {
    try {
      return this.storage.getItem(KEY) === "shown";
    } catch {
      return false;
    }
  }
}
