// The takes of a passage on the page: opened, looked at, and decided on. Every one of them is kept in the library.

import { copyText } from "../common/elements.js";
import { storyId } from "../manuscript/manuscript.js";
import { choiceOf } from "./choice.js";
import { howMany } from "./errand.js";
import { toLeft } from "./left-takes.js";
import { newPassage, OpenTakes } from "./open-takes.js";
import { TakesView } from "./takes-view.js";
import { canAccept, find } from "./takes.js";

export class Taking {
  #open = null;

  /**
   * `model` has what OpenTakes asks with: connection, diagnose, announcer, ask. `prefer(choice)` hears which take was chosen over which;
   * `onAccepted({isWhole})` hears of new words in the story, and resolves when they are saved; `onText()`: a take has more words.
   * `keeper` is given later.
   */
  constructor({ model, prefer, onAccepted, onText, onChange }) {
    Object.assign(this, { model, announcer: model.announcer, prefer, onAccepted, onText, onChange });
    const on = {
      accept: (id) => this.accept(id),
      discard: () => this.discard(),
      keep: () => this.keep(),
      again: () => this.again(),
      stop: (id = this.#open.current?.id) => this.#open.stop(id),
      stopAll: () => this.stop(),
      step: (by) => this.step(by),
      compare: () => this.#change((open) => (open.isCompared = !open.isCompared)),
      sideBySide: () => this.view.openSheet(),
      closed: () => this.#sheetClosed(),
      mix: (text) => this.accept(this.#open.add(text)),
      copy: async () => this.announcer.state(await copyText(this.#open.current.text)),
    };
    this.view = new TakesView({ on, sight: () => this.#open?.sight ?? null });
  }

  get isOpen() {
    return this.#open !== null;
  }

  get isWriting() {
    return this.#open?.isWriting ?? false;
  }

  /** What a reload needs of takes that are open, or null; see left-takes.js. */
  get kept() {
    const left = this.#open && toLeft(this.#open);
    return left?.record.takes.length ? left : null;
  }

  /** Ask for `count` first takes of what is at `place`. */
  start(errand, place, count) {
    this.#begin({ ...newPassage(errand, place), place });
    this.#change((open) => open.more(howMany(errand, count)));
  }

  /** Bring takes `{about, takes}` back to their place; `unheard` of them were on their way when the page went. */
  reopen({ about, takes, unheard = [] }, place) {
    this.#begin({ about, takes, place });
    this.announcer.state("The takes are open again.");
    this.#change((open) => open.resume(unheard));
  }

  again() {
    this.#change((open) => open.more(1));
    this.view.focus();
  }

  stop() {
    this.#open?.stop();
  }

  step(by) {
    this.#change((open) => open.look(open.takes.index + by));
    this.view.turn();
  }

  accept(id = this.#open?.current?.id) {
    const open = this.#open;
    const take = open && find(open.takes, id);
    if (!canAccept(take) || open.place.isGone) return;
    this.#gather();
    open.decide(id);
    this.#open = null; // what follows changes the story, and is the takes' own doing
    open.place.take(take, open);
    const { isWhole } = open.place;
    this.#close(isWhole ? "The take is your story now." : "The new passage is in the story.");
    const saved = this.onAccepted({ isWhole });
    const { story } = this.view.editor;
    this.keeper.keep(open.record, story);
    this.#weigh(choiceOf(open, take, story), saved);
  }

  discard() {
    this.#putAway((open) => open.decide(), "The passage stays as it was. Its takes stay in the list of takes.");
  }

  /** Close without deciding: the takes stay with the passage. */
  keep() {
    const { isWhole } = this.#open.place;
    this.#putAway((open) => open.end(), `The takes are kept with the ${isWhole ? "story" : "passage"}.`);
  }

  /** The library has this of a passage of `story`; what other windows made of it is shown beside our own. */
  hear(story, record) {
    const open = this.#open;
    if (open?.about.id !== record.id || open.story !== story) return;
    const count = open.join(record);
    if (count) this.announcer.state(`${count === 1 ? "1 take" : `${count} takes`} from another window.`);
    if (count) this.#change();
  }

  /** The editor changed. If its story only got another name the takes are of that; if it shows another story they stay with theirs. */
  follow({ docChanged, startState, state }) {
    if (!this.isOpen) return;
    const story = state.field(storyId);
    if (story === startState.field(storyId)) return docChanged && this.view.draw();
    if (docChanged) this.keep();
    else this.#open.story = story;
  }

  #begin(opened) {
    this.#open = new OpenTakes({
      ...this.model,
      ...opened,
      onText: () => (this.view.touch(), this.onText()),
      onChange: () => (this.#keep(this.#open), this.#change()),
    });
    this.#open.story = this.view.editor.story;
    opened.place.open();
    this.view.begin();
    this.onChange();
  }

  #change(how = () => {}) {
    how(this.#open);
    this.view.draw();
    this.onChange();
  }

  /** A mixture that the writer began is kept as a take. Returns whether there was one. */
  #gather() {
    const text = this.view.leaveMix();
    if (text) this.#open.add(text);
    return text !== "";
  }

  #keep({ record, story }) {
    this.keeper.keep(record, story);
  }

  /** Say which was chosen over which, once the story is saved that it belongs to. */
  async #weigh(choice, saved) {
    await saved;
    if (choice) this.prefer(choice);
  }

  #sheetClosed() {
    if (!this.isOpen) return;
    if (this.#open.place.isWhole) return this.keep();
    if (this.#gather()) this.#keep(this.#open);
    this.view.reveal();
  }

  #putAway(how, sentence) {
    const open = this.#open;
    this.#gather();
    how(open);
    open.place.close();
    this.#close(sentence);
    this.#keep(open);
  }

  #close(sentence) {
    this.#open = null;
    this.view.close();
    this.announcer.state(sentence);
    this.onChange();
  }
}
