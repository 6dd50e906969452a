// Good story: keeps the one on the page among those the model may learn from, or takes it back.

import { forgetStory, saveStory } from "./api.js";
import { byId, enable, onPress, setText } from "./elements.js";
import { isBlank } from "./story.js";
import { Turn } from "./turn.js";

const LABEL = { off: "Good story", saved: "Saved as a good story", changed: "Save changes" };
const SHORT = { off: "Good story", saved: "Saved", changed: "Save" };
const KEPT = 30;

/** Where a story stands: `off` (not saved), `saved` as it is, or `changed` since. */
export function standing(saved, id, text) {
  if (!id || !Object.hasOwn(saved, id)) return "off";
  return saved[id] === text ? "saved" : "changed";
}

/** `marks` with one of `id`, which is the last; the oldest go. */
export const withMark = (marks, id, mark) => ({ ...Object.fromEntries(Object.entries(withoutMark(marks, id)).slice(1 - KEPT)), [id]: mark });
export const withoutMark = (marks, id) => Object.fromEntries(Object.entries(marks).filter(([other]) => other !== id));

/** Nothing was said of a story that the server does not know: it is as it should be. */
export const unlessUnknown = (error) => error.status === 404 || Promise.reject(error);

export class Feedback {
  #button = byId("good");
  #label = byId("good-label");
  #short = byId("good-short");
  #turn;

  /**
   * `saved` maps story ids to the texts in the ledger; `identify()` gives the story's `{id, settings, model}` or null; `onSaved(id)`
   * hears that a story is a good one from now on.
   */
  constructor({ editor, announcer, saved, identify, onSaved, onChange, onDone, onTrouble }) {
    Object.assign(this, { editor, announcer, saved, identify, onSaved });
    this.#turn = new Turn({ editor, onDone, onTrouble, onChange });
    onPress(this.#button, () => this.toggle());
  }

  show(text, { busy }) {
    const now = standing(this.saved, this.editor.card?.id, text);
    const words = LABEL[now];
    setText(this.#label, words);
    setText(this.#short, SHORT[now]);
    this.#button.setAttribute("aria-label", words);
    this.#button.title = now === "saved" ? "Press again to take it back" : "";
    this.#button.setAttribute("aria-pressed", String(now === "saved"));
    enable(this.#button, !busy && !isBlank(text));
  }

  toggle() {
    const isSaved = (text) => standing(this.saved, this.editor.card?.id, text) === "saved";
    return this.#turn.take((text) => (isSaved(text) ? this.#takeBack() : this.#save(text)));
  }

  /** The story is a good one no longer, as the server knows already. */
  forget(id) {
    this.saved = withoutMark(this.saved, id);
  }

  async #save(story) {
    const asked = this.identify();
    if (!asked) return;
    const { id, settings, model } = asked;
    await saveStory({ settings, story, story_id: id, model });
    this.saved = withMark(this.saved, id, story);
    this.onSaved(id);
    this.announcer.state("Saved as a good story.");
  }

  async #takeBack() {
    const { id } = this.editor.card;
    await forgetStory(id).catch(unlessUnknown);
    this.forget(id);
    this.announcer.state("No longer a good story.");
  }
}
