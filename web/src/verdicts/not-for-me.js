// Not for me: says of the story on the page that the writer does not like it, or takes that back; why is said after, or never.

import { byId, enable, onPress } from "../common/elements.js";
import { notForMe, takeBackNotForMe } from "../server/preferences-api.js";
import { newId } from "../text/new-id.js";
import { isBlank } from "../text/story.js";
import { unlessUnknown } from "./feedback.js";
import { Turn } from "./turn.js";
import { WhyLine } from "./why-line.js";

const NOT_FOR_ME = "not-for-me";

export class NotForMe {
  #button = byId("not-for-me");
  #turn;
  #said = null;
  #why;

  /** `marks` knows what was said of which story, `id()` which is on the page; `identify()` gives its `{id, settings, model}` or null. */
  constructor({ editor, announcer, marks, id, identify, onChange, onDone, onTrouble }) {
    Object.assign(this, { announcer, marks, id, identify, onDone, onTrouble });
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

  #stands(text) {
    return this.marks.standing(this.id(), NOT_FOR_ME, text) === "said";
  }

  async #say(story, fromKeys) {
    const asked = this.identify();
    if (!asked) return;
    const { id, settings, model } = asked;
    this.#said = { id: newId(), settings, story, story_id: id, model };
    await notForMe(this.#said);
    this.marks.say(id, NOT_FOR_ME, story);
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
    const id = this.id();
    this.#why.close();
    await takeBackNotForMe(id).catch(unlessUnknown);
    this.marks.forget(id);
    this.announcer.state("Taken back: nothing is said of this story.");
  }
}
