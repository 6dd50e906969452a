// What the library's page asks in between: a title and tags, and whether it is meant for ever.

import { byId, setText } from "./elements.js";
import { tagsIn } from "./shelf-words.js";

/** Ask once; resolves to true for yes. */
export function askSure({ title, words, yes }) {
  const dialog = byId("sure");
  setText(byId("sure-title"), title);
  setText(byId("sure-words"), words);
  setText(byId("sure-yes"), yes);
  dialog.returnValue = "";
  dialog.showModal();
  dialog.querySelector("button[value='']").focus();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

/** The dialog for a story's title and tags. It stays open, with a sentence, when saving fails. */
export class About {
  #dialog = byId("about");
  #story = null;

  /** `save(story, {title, tags})` resolves when it is saved; `onClose(story, field)` hears that the dialog is gone. */
  constructor({ save, onClose }) {
    Object.assign(this, { save, onClose, field: "name" });
    this.#dialog.addEventListener("close", () => this.onClose(this.#story, this.field));
    byId("about-form").addEventListener("submit", (event) => (event.preventDefault(), this.#submit()));
    byId("about-cancel").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("click", ({ target }) => target === this.#dialog && this.#dialog.close());
  }

  /** Open for `story`, with the focus in `field`: name or tags. */
  open(story, field) {
    Object.assign(this, { field });
    this.#story = story;
    byId("about-name").value = story.title;
    byId("about-tags").value = story.tags.join(", ");
    setText(byId("about-problem"), "");
    this.#dialog.showModal();
    byId(`about-${field}`).focus();
  }

  async #submit() {
    const title = byId("about-name").value.replace(/[\p{Cc}\u2028\u2029]/gu, " ").trim();
    setText(byId("about-problem"), "");
    try {
      await this.save(this.#story, { title, tags: tagsIn(byId("about-tags").value) });
      this.#dialog.close();
    } catch ({ message }) {
      setText(byId("about-problem"), message);
    }
  }
}
