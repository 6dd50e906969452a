// Not for me: says of the story on the page that the writer does not like it, or takes that back; why is said after, or never.

import { newId } from "./desks.js";
import { byId, enable, onPress } from "./elements.js";
import { standing, unlessUnknown, withMark, withoutMark } from "./feedback.js";
import { fingerprint } from "./fingerprint.js";
import { notForMe, takeBackNotForMe } from "./preferences-api.js";
import { isBlank } from "./story.js";
import { Turn } from "./turn.js";
import { WhyLine } from "./why-line.js";

export class NotForMe {
  #button = byId("not-for-me");
  #turn;
  #said = null;
  #why;

  /**
   * `rejected` maps story ids to the fingerprints of their texts; `identify()` gives the story's `{id, settings, model}` or null;
   * `onRejected(id)` hears that a story is not for the writer from now on.
   */
  constructor({ editor, announcer, rejected, identify, onRejected, onChange, onDone, onTrouble }) {
    Object.assign(this, { editor, announcer, rejected, identify, onRejected, onDone, onTrouble });
    this.#turn = new Turn({ editor, onDone, onTrouble, onChange });
    this.#why = new WhyLine({ save: (reason) => this.#explain(reason), focusBack: () => editor.view.focus() });
    onPress(this.#button, () => this.toggle());
  }

  show(text, { busy }) {
    const isRejected = this.#stands(text);
    this.#button.setAttribute("aria-pressed", String(isRejected));
    this.#button.title = isRejected ? "Not for me: press again to take it back" : "Not for me";
    enable(this.#button, !busy && !isBlank(text));
    if (!isRejected || busy) this.#why.settle();
  }

  /** Say it, or take it back. `fromKeys`: the hands are on the keyboard, so the reason may be typed at once. */
  toggle({ fromKeys = false } = {}) {
    return this.#turn.take((text) => (this.#stands(text) ? this.#takeBack() : this.#say(text, fromKeys)));
  }

  /** It is not true of a story any more, as the server knows already. */
  forget(id) {
    this.rejected = withoutMark(this.rejected, id);
  }

  #stands(text) {
    const id = this.editor.card?.id;
    return standing(this.rejected, id, fingerprint(text)) === "saved";
  }

  async #say(story, fromKeys) {
    const asked = this.identify();
    if (!asked) return;
    const { id, settings, model } = asked;
    this.#said = { id: newId(), settings, story, story_id: id, model };
    await notForMe(this.#said);
    this.rejected = withMark(this.rejected, id, fingerprint(story));
    this.onRejected(id);
    this.#why.open({ focus: fromKeys });
    this.announcer.state("Not for you. You can say why.");
  }

  async #explain(reason) {
    try {
      await notForMe({ ...this.#said, reason });
      this.announcer.state("Your reason is kept.");
      this.onDone();
      return true;
    } catch (error) {
      this.onTrouble(error);
      return false;
    }
  }

  async #takeBack() {
    const { id } = this.editor.card;
    this.#why.close();
    await takeBackNotForMe(id).catch(unlessUnknown);
    this.forget(id);
    this.announcer.state("Taken back: nothing is said of this story.");
  }
}
