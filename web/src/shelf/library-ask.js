// What the library's page asks in between: a title and tags, and whether it is meant for ever.

import { byId, setText } from "../common/elements.js";
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

const oneLine = (typed) => typed.replace(/[\p{Cc}\u2028\u2029]/gu, " ").trim();

/** What of `{title, tags}` was typed anew for `story`: a field that was left as it was is not to be saved. */
export function changed(story, { title, tags }) {
  const isRetagged = JSON.stringify(tags) !== JSON.stringify(tagsIn(story.tags.join(",")));
  return { ...(oneLine(title) !== oneLine(story.title) && { title: oneLine(title) }), ...(isRetagged && { tags }) };
}

/** The dialog for a story's title and tags. It stays open, with a sentence, when saving fails. */
export class About {
  #dialog = byId("about");
  #story = null;

  /** `save(story, {title?, tags?})` gets what was changed, and resolves when it is saved; `onClose(story, field)` hears that the dialog is gone. */
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
    const change = changed(this.#story, { title: byId("about-name").value, tags: tagsIn(byId("about-tags").value) });
    setText(byId("about-problem"), "");
    try {
      if (Object.keys(change).length) await this.save(this.#story, change);
      this.#dialog.close();
    } catch ({ message }) {
      setText(byId("about-problem"), message);
    }
  }
}
