// What the writer says of a whole story, Good story or Not for me: one word a story, the later one.

import { newId } from "./desks.js";
import { Feedback } from "./feedback.js";
import { NotForMe } from "./not-for-me.js";

export class Verdicts {
  /** `saved` and `rejected` are what the desk keeps of either; `ask()` gives `{settings, model}` or null. */
  constructor({ editor, ask, saved, rejected, ...shared }) {
    Object.assign(this, { editor, ask });
    const parts = { ...shared, editor, identify: () => this.#identify() };
    this.good = new Feedback({ ...parts, saved, onSaved: (id) => this.notForMe.forget(id) });
    this.notForMe = new NotForMe({ ...parts, rejected, onRejected: (id) => this.good.forget(id) });
  }

  /** What is kept on the desk: which stories were called what. */
  get kept() {
    return { saved: this.good.saved, rejected: this.notForMe.rejected };
  }

  show(text, { busy }) {
    this.good.show(text, { busy });
    this.notForMe.show(text, { busy });
  }

  /** The story on the page, `{id, settings, model}`; it gets an id if it has none. Null while the settings are wrong. */
  #identify() {
    const { card } = this.editor;
    const { settings, model = null } = card?.settings ? card : (this.ask() ?? {});
    if (!settings) return null;
    if (!card?.id) this.editor.recard({ id: this.editor.story ?? newId(), settings, model });
    return { id: this.editor.card.id, settings, model };
  }
}
