// Good story: keeps the one on the page among those the model may learn from, or takes it back.

import { byId, enable, onPress, setText } from "../common/elements.js";
import { forgetStory, saveStory } from "../server/api.js";
import { isBlank } from "../text/story.js";
import { Turn } from "./turn.js";

const GOOD = "good";
const LABEL = { off: "Good story", said: "Saved as a good story", changed: "Save changes" };
const SHORT = { off: "Good story", said: "Saved", changed: "Save" };

/** Nothing was said of a story that the server does not know: it is as it should be. */
export const unlessUnknown = (error) => error.status === 404 || Promise.reject(error);

export class Feedback {
  #button = byId("good");
  #label = byId("good-label");
  #short = byId("good-short");
  #turn;

  /** `marks` knows what was said of which story, `id()` which is on the page; `identify()` gives its `{id, settings, model}` or null. */
  constructor({ editor, announcer, marks, id, identify, onChange, onDone, onTrouble }) {
    Object.assign(this, { announcer, marks, id, identify });
    this.#turn = new Turn({ editor, onDone, onTrouble, onChange });
    onPress(this.#button, () => this.toggle());
  }

  show(text, { busy }) {
    const now = this.#standing(text);
    const words = LABEL[now];
    setText(this.#label, words);
    setText(this.#short, SHORT[now]);
    this.#button.setAttribute("aria-label", words);
    this.#button.title = now === "said" ? "Press again to take it back" : "";
    this.#button.setAttribute("aria-pressed", String(now === "said"));
    enable(this.#button, !busy && !isBlank(text));
  }

  toggle() {
    return this.#turn.take((text) => (this.#standing(text) === "said" ? this.#takeBack() : this.#save(text)));
  }

  #standing(text) {
    return this.marks.standing(this.id(), GOOD, text);
  }

  async #save(story) {
    const asked = this.identify();
    if (!asked) return;
    const { id, settings, model } = asked;
    await saveStory({ settings, story, story_id: id, model });
    this.marks.say(id, GOOD, story);
    this.announcer.state("Saved as a good story.");
  }

  async #takeBack() {
    const id = this.id();
    await forgetStory(id).catch(unlessUnknown);
    this.marks.forget(id);
    this.announcer.state("No longer a good story.");
  }
}
