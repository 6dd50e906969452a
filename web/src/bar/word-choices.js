// Other words for one: those that the model thought of there, each with its probability, to choose from.

import { byId, make, setText } from "../common/elements.js";
import { wordsAfter } from "../server/protocol.js";
import { put } from "../server/question.js";
import { newId } from "../text/new-id.js";
import { inItsPlace, likely } from "./words.js";

const NONE = "The model had no other word in mind here.";

export class WordChoices {
  #list = byId("word-choices");
  #request = null;

  /** `ask()` gives `{settings, model}` or null; `onChoose(choice, word)` hears the one to go on from, in whose place; `onChange()`: the list is another size. */
  constructor({ editor, connection, diagnose, announcer, ask, onChoose, onChange }) {
    Object.assign(this, { editor, connection, diagnose, announcer, ask, onChoose, onChange });
    this.#list.addEventListener("keydown", (event) => this.#step(event));
  }

  get isOpen() {
    return !byId("bar-words").hidden;
  }

  /** Ask for words in the place of the one at `word` `{from, to}`. */
  open(word) {
    const now = this.ask();
    byId("bar-words").hidden = false;
    this.#list.replaceChildren();
    this.#say(now ? "Looking for other words…" : "The settings need a look first.");
    if (!now) return;
    const { text } = this.editor;
    const id = newId();
    this.#request = id;
    const ifAsked = (act) => (said) => this.#request === id && (act(said), this.onChange());
    const failed = ifAsked((sentence) => this.#say(sentence));
    put(this, wordsAfter(id, now.settings, text.slice(0, word.from), { model: now.model }), {
      words: ifAsked((words) => this.#show(words, text, word)),
      failed,
      ended: ifAsked(() => this.#list.children.length || this.#say(NONE)),
    });
  }

  close() {
    if (this.#request) this.connection.stop(this.#request);
    this.#request = null;
    byId("bar-words").hidden = true;
  }

  #show(words, text, word) {
    const old = text.slice(word.from, word.to);
    const others = words.map(({ text: each, probability }) => ({ word: inItsPlace(each, text, word), probability }));
    this.#say(others.length ? "" : NONE);
    if (others.length) this.announcer.state(`${others.length} words to choose from.`);
    const most = Math.max(...others.map(({ probability }) => probability), 0.01);
    this.#list.replaceChildren(...others.map((choice) => this.#row(choice, { most, isNow: choice.word === old, range: word })));
    this.#list.querySelector("button")?.focus({ preventScroll: true });
  }

  #row({ word, probability }, { most, isNow, range }) {
    const bar = make("span", { className: "word-bar" });
    bar.style.setProperty("--part", `${Math.max(1, Math.round((probability / most) * 100))}%`);
    bar.setAttribute("aria-hidden", "true");
    const figure = make("span", { className: "word-figure" }, likely(probability));
    const name = make("span", { className: "word-name", dir: "auto" }, word);
    if (isNow) name.append(make("span", { className: "soft" }, " (as it is)"));
    const button = make("button", { type: "button", className: "word-choice" }, name, bar, figure);
    button.addEventListener("click", () => this.onChoose(word, range));
    return make("li", {}, button);
  }

  #step(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const buttons = [...this.#list.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement) + by;
    buttons[(at + buttons.length) % buttons.length]?.focus();
  }

  #say(sentence) {
    setText(byId("words-state"), sentence);
  }
}
