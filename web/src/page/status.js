// The dock: the quiet line of figures, the sentence, and the one button that is always the next thing.

import { byId, enable, setText } from "../common/elements.js";
import { elapsed, whole } from "../text/figures.js";

/** A sentence of more characters has no room in the line. */
const LONG = 60;

export class Status {
  #primary = byId("primary");

  /**
   * Show where things stand: `words` and `max`, `speed` (tokens a second or null), `elapsed`
   * (milliseconds or null), `note` and `tone`, `href` and `link` (another place to go to, or none), `model` (its name), `primary` (the label), and what
   * can be done: `canContinue`, `canReopen`, `canUndo`, `canRedo`, `blocked`.
   */
  show(now) {
    const words = now.max === null ? `${whole(now.words)} words` : `${whole(now.words)} / ${whole(now.max)} words`;
    setText(byId("words"), words);
    setText(byId("speed"), now.speed === null ? "" : `${Math.round(now.speed)} tokens/s`);
    setText(byId("elapsed"), now.elapsed === null ? "" : elapsed(now.elapsed));
    setText(byId("model-name"), now.model);
    setText(byId("note-text"), now.note);
    byId("note").dataset.tone = now.tone;
    byId("note").classList.toggle("is-long", now.note.length > LONG);
    byId("note").hidden = !now.note && !now.canContinue && !now.canReopen;
    this.#show(byId("other-story"), Boolean(now.href));
    if (now.href) byId("other-story").href = now.href;
    setText(byId("other-story"), now.link ?? "");
    setText(this.#primary, now.primary);
    this.#primary.classList.toggle("is-stop", now.primary === "Stop");
    this.#show(byId("continue"), now.canContinue);
    this.#show(byId("reopen"), now.canReopen);
    enable(byId("undo"), now.canUndo);
    enable(byId("redo"), now.canRedo);
    this.#primary.classList.toggle("is-blocked", now.blocked);
  }

  /** A button or link about to vanish hands its focus to the one that stays. */
  #show(button, isThere) {
    if (!isThere && document.activeElement === button) this.#primary.focus();
    button.hidden = !isThere;
  }
}
