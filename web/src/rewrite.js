// A passage being rewritten: asks the model for tries, and takes the chosen one into the story.

import { newId } from "./desks.js";
import { copyText } from "./elements.js";
import { AWAY, LOST, progressNote } from "./notes.js";
import { rewrite } from "./protocol.js";
import { cutPassage } from "./story.js";
import { append, begin, canAccept, current, fail, finish, isWriting, step, tryAgain } from "./suggestion.js";
import { SuggestionBox } from "./suggestion-box.js";

export class Rewrite {
  #suggestion = null;
  #instruction = "";
  #request = null;
  #progress = "";
  #frame = 0;

  /** `ask()` gives `{settings, model}` for a request, or null when they are not in order; `onAccepted()` hears of a new passage. */
  constructor({ connection, announcer, ask, onAccepted, onChange, diagnose }) {
    Object.assign(this, { connection, announcer, ask, onAccepted, onChange, diagnose });
    this.box = new SuggestionBox({
      accept: () => this.accept(),
      discard: () => this.discard(),
      again: () => this.again(),
      copy: () => this.#copy(),
      stop: () => this.stop(),
      step: (by) => this.#become(step(this.#suggestion, by)),
    });
  }

  get isOpen() {
    return this.#suggestion !== null;
  }

  get isWriting() {
    return this.#request !== null;
  }

  /** Ask for a first try for `range` of the story. */
  start(range, instruction) {
    this.#instruction = instruction;
    this.#suggestion = begin();
    this.editor.openPassage(range);
    this.editor.unselect();
    this.#send();
    this.editor.remeasure();
    requestAnimationFrame(() => this.box.reveal());
  }

  again() {
    if (!this.isOpen || this.isWriting) return;
    this.#suggestion = tryAgain(this.#suggestion);
    this.#send();
    this.box.focus();
  }

  stop = () => this.#request && this.connection.stop(this.#request);

  accept() {
    const { from, to } = this.editor.passage ?? {};
    if (!this.isOpen || from === to || !canAccept(this.#suggestion)) return;
    this.editor.replacePassage(current(this.#suggestion).text);
    this.#close("The new passage is in the story.");
    this.onAccepted();
  }

  discard() {
    if (!this.isOpen) return;
    this.editor.closePassage();
    this.#close("The passage stays as it was.");
  }

  focus = () => this.box.focus();

  /** The text or the passage changed. */
  follow() {
    if (this.isOpen) this.#show();
  }

  #send() {
    const asked = this.ask();
    if (!asked) return this.#become(fail(this.#suggestion, "The settings need a look first."));
    const { text, passage } = this.editor;
    const parts = cutPassage(text, passage);
    if (!parts.selected.trim()) return this.#become(fail(this.#suggestion, "There is nothing left of the passage to rewrite."));
    if (passage.changed) this.editor.openPassage(passage);
    const id = newId();
    this.#request = id;
    this.#progress = "";
    this.announcer.state("Rewriting…");
    const message = rewrite(id, asked.settings, parts, { instruction: this.#instruction }, { model: asked.model });
    this.connection.request(message, (answer) => this.#request === id && this.#hear(answer));
    this.#become(this.#suggestion);
  }

  #hear(answer) {
    if (answer.type === "progress") this.#progress = progressNote(answer);
    if (answer.type === "away") this.announcer.state((this.#progress = AWAY));
    if (answer.type === "chunk") {
      this.#suggestion = append(this.#suggestion, answer.text);
      this.announcer.hear(answer.text);
    }
    if (answer.type === "done") this.#end(finish(this.#suggestion, answer.finish_reason));
    else if (answer.type === "error") this.#end(fail(this.#suggestion, answer.message));
    else if (answer.type === "lost") this.#lost();
    else this.#frame ||= requestAnimationFrame(() => this.#show());
  }

  async #lost() {
    this.#end(fail(this.#suggestion, LOST));
    const why = await this.diagnose();
    if (why && this.isOpen && !this.isWriting) this.#become(fail(this.#suggestion, why));
  }

  #end(suggestion) {
    this.#request = null;
    this.announcer.finish();
    const { message } = suggestion.tries.at(-1);
    if (message) this.announcer.error(message);
    else this.announcer.state("The suggestion is ready.");
    const focused = this.box.hasFocus;
    this.#become(suggestion);
    if (focused) this.box.focus();
  }

  #close(sentence) {
    this.stop();
    this.#request = null;
    this.#suggestion = null;
    this.editor.focus();
    this.announcer.state(sentence);
    this.onChange();
  }

  #become(suggestion) {
    this.#suggestion = suggestion;
    this.#show();
    this.onChange();
  }

  #show() {
    this.#frame = 0;
    if (!this.isOpen) return;
    const { changed = false, from, to } = this.editor.passage ?? {};
    this.box.show(this.#suggestion, { changed, gone: changed && from === to, progress: this.#progress, instruction: this.#instruction });
    this.editor.remeasure();
  }

  async #copy() {
    this.announcer.state(await copyText(current(this.#suggestion).text));
  }
}
