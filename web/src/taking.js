// The takes of a passage on the page: opened, looked at, and decided on. Every one of them is kept in the library.

import { copyText } from "./elements.js";
import { howMany } from "./errand.js";
import { newPassage, OpenTakes } from "./open-takes.js";
import { canAccept, find, rivals } from "./takes.js";
import { fromRecord } from "./takes-record.js";
import { TakesView } from "./takes-view.js";

export class Taking {
  #open = null;

  /**
   * `model` has what OpenTakes asks with: connection, diagnose, announcer, ask. `prefer(choice)` hears which take was chosen over which;
   * `onAccepted({isWhole})` hears of new words in the story, and resolves when they are saved. `keeper` is given later.
   */
  constructor({ model, prefer, onAccepted, onChange }) {
    Object.assign(this, { model, announcer: model.announcer, prefer, onAccepted, onChange });
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

  /** What a reload needs of takes that are open: `{story, record}`, or null. */
  get kept() {
    const record = this.#open?.record;
    return record ? { story: this.keeper.story, record } : null;
  }

  /** Ask for `count` first takes of what is at `place`. */
  start(errand, place, count) {
    this.#begin({ ...newPassage(errand, place), place });
    this.#change((open) => open.more(howMany(errand, count)));
  }

  /** Bring kept takes back to their place. */
  reopen(record, place) {
    this.#begin({ ...fromRecord(record), place });
    this.announcer.state("The takes are open again.");
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
    open.place.take(take, open.about);
    const { isWhole } = open.place;
    this.#close(isWhole ? "The take is your story now." : "The new passage is in the story.");
    const saved = this.onAccepted({ isWhole });
    this.keeper.keep(open.record);
    this.#weigh(open, take, saved);
  }

  discard() {
    this.#putAway((open) => open.decide(), "The passage stays as it was. Its takes stay in the list of takes.");
  }

  /** Close without deciding: the takes stay with the passage. */
  keep() {
    this.#putAway((open) => open.end(), "The takes are kept with the passage.");
  }

  /** The text or the passage changed. */
  follow() {
    this.view.draw();
  }

  #begin(opened) {
    this.#open = new OpenTakes({
      ...this.model,
      ...opened,
      onText: () => this.view.touch(),
      onChange: () => (this.keeper.keep(this.#open.record), this.#change()),
    });
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

  /** Say which was chosen over which, once the story is saved that it belongs to. */
  async #weigh({ about, takes }, take, saved) {
    const { asked, rejected } = rivals(takes, take);
    if (!asked || !rejected.length) return;
    await saved;
    this.prefer({ id: take.id, kind: about.errand.kind, asked, chosen: take.text, rejected, reason: "", story: this.keeper.story });
  }

  #sheetClosed() {
    if (!this.isOpen) return;
    if (this.#open.place.isWhole) return this.keep();
    if (this.#gather()) this.keeper.keep(this.#open.record);
    this.view.reveal();
  }

  #putAway(how, sentence) {
    const open = this.#open;
    this.#gather();
    how(open);
    open.place.close();
    this.#close(sentence);
    this.keeper.keep(open.record);
  }

  #close(sentence) {
    this.#open = null;
    this.view.close();
    this.announcer.state(sentence);
    this.onChange();
  }
}
