// What the writer says of a whole story, Good story or Not for me: one word a story, the later one.

import { Feedback } from "./feedback.js";
import { NotForMe } from "./not-for-me.js";

export class Verdicts {
  /** `marks` is what was said so far (VerdictMarks); `ask()` gives `{settings, model}` or null; `look()` has the library name a story that is new. */
  constructor({ editor, ask, look, ...shared }) {
    Object.assign(this, { editor, ask, look });
    const parts = { ...shared, editor, id: () => this.#id, identify: () => this.#identify() };
    this.good = new Feedback(parts);
    this.notForMe = new NotForMe(parts);
  }

  show(text, { busy }) {
    this.good.show(text, { busy });
    this.notForMe.show(text, { busy });
  }

  /** The id under which something is said of the story on the page, or null. */
  get #id() {
    return this.editor.card?.id ?? this.editor.story;
  }

  /** The story on the page, `{id, settings, model}`; it gets an id if it has none. Null while the settings are wrong. */
  #identify() {
    const { card } = this.editor;
    const { settings, model = null } = card?.settings ? card : (this.ask() ?? {});
    if (!settings) return null;
    if (!card?.id) {
      this.look();
      this.editor.recard({ id: this.editor.story, settings, model, ended: "unknown" });
    }
    return { id: this.#id, settings, model };
  }
}
