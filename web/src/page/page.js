// What the writer can do here. Knows every part of the page by its name.

import { UNANSWERED, restoredNote } from "../server/notes.js";
import { countWords, isBlank } from "../text/story.js";
import { Scene } from "./scene.js";

const TAKES_FIRST = "Accept or discard the suggestion first, or keep it for later.";
const ASIDE = "The settings are this story's now. You can bring yours back.";

export class Page {
  #scene = new Scene();
  #frame = 0;
  #trouble = "";
  #seen = null;
  model = null;
  isFull = false;

  /** Take the parts, once they are all made, and show what was on the desk. */
  open(parts, { model = null, problem = null, isAside = false } = {}) {
    Object.assign(this, parts, { model });
    const { text, card } = this.editor;
    this.telling.state.note = restoredNote(card, countWords(text));
    if (isAside) this.telling.say(ASIDE);
    if (problem) this.telling.say(problem.message, "error");
    if (isBlank(text) && this.drawer.hasRoom) this.drawer.open();
    this.show();
  }

  /** The next thing to do: write, stop, or write another. */
  next() {
    if (this.telling.busy) return this.telling.stop();
    if (this.taking.isOpen) return this.takesFirst();
    const settings = this.#formSettings();
    if (!settings) return;
    this.aside.drop();
    this.drawer.close(this.editor.view.contentDOM);
    this.library.dismiss();
    this.library.sync.look();
    this.telling.write(settings, this.model);
  }

  continue() {
    if (this.telling.busy) return;
    if (this.taking.isOpen) return this.takesFirst();
    const settings = this.#formSettings();
    if (!settings) return;
    this.aside.drop();
    this.library.sync.look();
    this.telling.continue(settings, this.model);
  }

  /** Takes are open: they come first. */
  takesFirst() {
    this.telling.say(TAKES_FIRST);
    this.taking.view.focus();
  }

  /** Esc: put away the toolbar, stop what is being written, or close what the hands are on, or the drawer. */
  escape() {
    const { bar, taking, telling, drawer } = this;
    if (bar.isOpen) bar.dismiss();
    else if (taking.isWriting) taking.stop();
    else if (telling.busy) telling.stop();
    else if (taking.view.hasFocus) taking.keep();
    else if (drawer.isOpen) drawer.close();
    else if (this.library.notice) this.library.dismiss();
    else return false;
    return true;
  }

  choose(model) {
    this.model = model;
    this.changed();
  }

  /** The empty page's own offer: fetch the model that is missing, or stop fetching it. */
  getModel() {
    const wanted = this.models.wanted(this.health.now.model);
    if (!wanted) return;
    if (this.models.isPulling(wanted.id)) this.models.stopPull(wanted.id);
    else this.models.pull(wanted);
  }

  /** What a request about the story needs: its own settings or the form's; null if those are wrong. */
  asked() {
    const settings = this.editor.card?.settings ?? this.#formSettings();
    return settings && { settings, model: this.model };
  }

  /** Something that has no place of its own went wrong. */
  trouble({ message, code }) {
    this.#trouble = message;
    this.telling.say(message, "error");
    if (code === "offline" || code === "unauthorized") this.health.check();
  }

  /** What went wrong is over: nothing more is said of it. */
  relieve() {
    if (this.isTroubled) this.telling.forget();
    this.#trouble = "";
    this.show();
  }

  /** Whether what is said is of something else than the story. */
  get isTroubled() {
    const { note } = this.telling.state;
    return note !== "" && [this.#trouble, UNANSWERED].includes(note);
  }

  /** Whether the writer has gone on after the error that is said. */
  get isErrorSeen() {
    return this.#seen === this.telling.state;
  }

  /** Keep what is here for the last time. Returns whether words would be lost all the same. */
  leave() {
    this.telling.flush();
    this.keeper.keep();
    return this.isFull && this.library.isUnsaved;
  }

  /** The server answers again, or differently: what waited to be saved is tried at once. */
  answered() {
    if (this.library?.sync.problem && this.health.now.code !== "offline") this.library.sync.settle();
    this.show();
  }

  /** A story's request was refused or failed; its note says so already. */
  complain({ field, message, code }) {
    if (this.settings.complain(field, message)) this.drawer.open({ focus: true });
    if (code === "model_missing" || code === "engine_unavailable") this.health.check();
  }

  /** The editor changed: its text, its selection, or what stands in it. */
  updated(update) {
    if (!this.editor) return;
    if (update.docChanged) this.#edited(update.transactions);
    this.library.follow(update);
    this.aside.follow(update);
    this.who.follow(update);
    if (update.docChanged || update.selectionSet) this.bar.follow();
    this.taking.follow(update);
    this.changed();
  }

  /** Something that is kept on the desk, or in the library, changed. */
  changed() {
    if (!this.editor) return;
    this.library.sync.touch();
    this.#outlive();
    this.keeper.touch();
    this.show();
  }

  /** The library has something to be kept on the desk, or to be said. */
  shelved() {
    if (!this.editor) return;
    this.takesKeeper.touch();
    if (this.bar.isOpen) this.bar.follow();
    this.keeper.touch();
    this.show();
  }

  kept({ isFull }) {
    this.isFull = isFull;
    this.show();
  }

  /** Draw what changed, once a frame. */
  show() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.editor) this.#scene.draw(this);
    });
  }

  #formSettings() {
    const settings = this.settings.check();
    if (settings) return settings;
    this.drawer.open();
    return this.settings.check();
  }

  /** What is said goes when it has become of no use: the takes are put away, the settings are back, or other takes are asked for after an error. */
  #outlive() {
    const { aside, taking, telling } = this;
    const { note } = telling.state;
    if ((note === TAKES_FIRST && !taking.isOpen) || (note === ASIDE && !aside.kept)) telling.state.note = "";
    else if (taking.isWriting && this.isErrorSeen) telling.forget();
  }

  /** What was said of a story is no longer true once it is edited, or is another one. */
  #edited(transactions) {
    if (this.telling.busy) return;
    const by = (event) => transactions.some((tr) => tr.isUserEvent(event));
    if (by("undo") || by("redo")) this.telling.forget(restoredNote(this.editor.card, countWords(this.editor.text)));
    else if (!by("input") && !by("delete")) return;
    else if (this.telling.state.tone === "error") this.#seen = this.telling.state;
    else this.telling.state.note = "";
  }
}
