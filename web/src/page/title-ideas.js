// Titles that the model thinks of, in a small menu beside the title; the earlier title can be had back.

import { byId, onPress, setText } from "../common/elements.js";
import { Menu, menuItem } from "../common/menu.js";
import { titles } from "../server/protocol.js";
import { put } from "../server/question.js";
import { newId } from "../text/new-id.js";
import { isBlank } from "../text/story.js";

const NONE = "The model had no idea for a title this time.";
const ideasIn = (text) => [...new Set(text.split("\n").map((line) => line.trim()).filter(Boolean))];

export class TitleIdeas {
  #button = byId("title-ideas");
  #undo = byId("title-undo");
  #request = null;
  #text = "";
  #earlier = null;

  /** `title` has `get()` and `set(title)`; `ask()` gives `{settings, model}` or null. */
  constructor({ editor, connection, diagnose, announcer, ask, title }) {
    Object.assign(this, { editor, connection, diagnose, announcer, ask, title });
    this.menu = new Menu({ button: this.#button, menu: byId("ideas"), onOpen: () => this.#ask() });
    byId("ideas").addEventListener("toggle", ({ newState }) => newState === "closed" && this.#end());
    onPress(byId("ideas-again"), () => this.#ask());
    onPress(byId("ideas-stop"), () => this.#request && this.connection.stop(this.#request));
    onPress(this.#undo, () => this.#takeBack());
    byId("title").addEventListener("input", () => this.#forget());
  }

  /** Whether there is a story to be named. */
  show({ isEmpty, isBusy }) {
    this.#button.disabled = isEmpty || isBusy;
    if (this.#earlier && this.#earlier.story !== this.editor.story) this.#forget();
  }

  #ask() {
    const now = this.ask();
    this.#text = "";
    this.#draw();
    if (!now || isBlank(this.editor.text)) return this.#say(now ? "There is no story to be named yet." : "The settings need a look first.");
    const id = newId();
    this.#request = id;
    this.#say("Thinking of titles…");
    this.#draw();
    const ifAsked = (act) => (said) => this.#request === id && act(said);
    put(this, titles(id, now.settings, this.editor.text, { model: now.model }), {
      wrote: ifAsked((text) => ((this.#text += text), this.#draw())),
      ended: ifAsked(() => this.#ended(ideasIn(this.#text).length ? "" : NONE)),
      failed: ifAsked((sentence) => this.#ended(sentence)),
    });
  }

  #ended(sentence) {
    this.#request = null;
    this.#draw();
    this.#say(sentence);
    const { length } = ideasIn(this.#text);
    if (length) this.announcer.state(`${length} ${length === 1 ? "idea" : "ideas"} for a title.`);
    if (this.menu.isOpen && !byId("ideas").contains(document.activeElement)) this.menu.focus();
  }

  /** The menu is closed: nobody waits any longer. */
  #end() {
    if (this.#request) this.connection.stop(this.#request);
    this.#request = null;
  }

  #draw() {
    const isWriting = this.#request !== null;
    const ideas = ideasIn(this.#text);
    const list = byId("ideas-list");
    // The last line may still grow; those before it stay, and keep their focus.
    const whole = isWriting && !this.#text.endsWith("\n") ? ideas.slice(0, -1) : ideas;
    while (list.children.length > whole.length) list.lastElementChild.remove();
    for (const idea of whole.slice(list.children.length)) list.append(menuItem(idea, () => this.#choose(idea)));
    byId("ideas-stop").hidden = !isWriting;
    byId("ideas-again").hidden = isWriting;
  }

  #choose(idea) {
    this.#earlier = { title: this.title.get(), story: this.editor.story };
    this.title.set(idea);
    this.menu.close();
    const { title } = this.#earlier;
    this.#undo.hidden = false;
    this.#undo.setAttribute("aria-label", title ? `Bring back the title “${title}”` : "Take the title out again");
    this.#undo.title = this.#undo.getAttribute("aria-label");
    this.announcer.state(`The title is “${idea}” now. The earlier one can be brought back.`);
    this.#undo.focus();
  }

  #takeBack() {
    this.title.set(this.#earlier.title);
    this.announcer.state("The earlier title is back.");
    this.#forget();
    byId("title").focus();
  }

  #forget() {
    this.#earlier = null;
    this.#undo.hidden = true;
  }

  #say(sentence) {
    setText(byId("ideas-state"), sentence);
  }
}
