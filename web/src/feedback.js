// Good story: keeps the one on the page among those the model may learn from, or takes it back.

import { forgetStory, saveStory } from "./api.js";
import { newId } from "./desks.js";
import { byId, enable, onPress, setText } from "./elements.js";
import { isBlank } from "./story.js";

const LABEL = { off: "Good story", saved: "Saved as a good story", changed: "Save changes" };
const KEPT = 30;

/** Where a story stands: `off` (not saved), `saved` as it is, or `changed` since. */
export function standing(saved, id, text) {
  if (!id || !Object.hasOwn(saved, id)) return "off";
  return saved[id] === text ? "saved" : "changed";
}

export class Feedback {
  #button = byId("good");
  #label = byId("good-label");
  #short = byId("good-short");
  #asking = false;

  /** `saved` maps story ids to the texts in the ledger; `ask()` gives `{settings, model}` or null. */
  constructor({ editor, announcer, saved, ask, onChange, onDone, onTrouble }) {
    Object.assign(this, { editor, announcer, saved, ask, onChange, onDone, onTrouble });
    onPress(this.#button, () => this.toggle());
  }

  show(text, { busy }) {
    const now = standing(this.saved, this.editor.card?.id, text);
    const words = LABEL[now];
    setText(this.#label, words);
    setText(this.#short, now === "saved" ? "Saved" : words);
    this.#button.setAttribute("aria-label", words);
    this.#button.title = now === "saved" ? "Press again to take it back" : "";
    this.#button.setAttribute("aria-pressed", String(now === "saved"));
    enable(this.#button, !busy && !isBlank(text));
  }

  async toggle() {
    const { text } = this.editor;
    if (this.#asking || this.editor.isWriting || isBlank(text)) return;
    this.#asking = true;
    try {
      if (standing(this.saved, this.editor.card?.id, text) === "saved") await this.#takeBack();
      else await this.#save(text);
      this.onDone();
    } catch (error) {
      this.onTrouble(error);
    } finally {
      this.#asking = false;
      this.onChange();
    }
  }

  async #save(story) {
    const { settings, model } = this.editor.card?.settings ? this.editor.card : this.ask() ?? {};
    if (!settings) return;
    if (!this.editor.card?.id) this.editor.recard({ id: this.editor.story ?? newId(), settings, model });
    const { id } = this.editor.card;
    await saveStory({ settings, story, story_id: id, model: model ?? null });
    const kept = Object.entries(this.saved).filter(([other]) => other !== id).slice(1 - KEPT);
    this.saved = { ...Object.fromEntries(kept), [id]: story };
    this.announcer.state("Saved as a good story.");
  }

  async #takeBack() {
    const { id } = this.editor.card;
    await forgetStory(id).catch((error) => error.status === 404 || Promise.reject(error));
    this.saved = Object.fromEntries(Object.entries(this.saved).filter(([other]) => other !== id));
    this.announcer.state("No longer a good story.");
  }
}
