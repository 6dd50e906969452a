// The takes of one passage while they are open: asks the model for them and hears them to their end. Knows no DOM.

import { newId } from "../text/new-id.js";
import { asked, isSmall, messageFor, room } from "./errand.js";
import { finished } from "./mix.js";
import { TakeRequests } from "./take-requests.js";
import { beside, fromRecord, MOST, toRecord } from "./takes-record.js";
import * as set from "./takes.js";

const NO_SETTINGS = "The settings need a look first.";
const ENOUGH = `As many takes as are kept with a passage: ${MOST}. Accept one or keep them, and ask for it anew: then a new list begins.`;
const NOTHING_LEFT = "There is nothing left of the passage to rewrite.";

/** A passage without a take yet: `{about, takes}`, about being what stays the same while takes come and go. */
export const newPassage = (errand, { parts }) => ({
  about: { id: newId(), errand, original: parts.selected, ...beside(parts), settings: null, model: null },
  takes: set.noTakes,
});

export class OpenTakes {
  /** The library's id of the story that they belong to; null on a page that has none yet. */
  story = null;
  #problem = "";
  #requests;

  /**
   * `about` and `takes` as newPassage or fromRecord give them. `ask()` gives `{settings, model}`, or null when they are not in order;
   * `onText()`: there are more words; `onChange()`: a take has come to its end.
   */
  constructor({ about, takes, place, connection, diagnose, announcer, ask, onText, onChange }) {
    Object.assign(this, { about, takes, place, announcer, ask, onText, onChange });
    this.isCompared = isSmall(about.errand);
    const on = {
      began: (id, progress) => this.#heard(set.begin(this.takes, id, progress)),
      wrote: (id, text) => (this.#say(text), this.#heard(set.append(this.takes, id, text))),
      ended: (id, reason) => this.#ended(id, set.finish(this.takes, id, reason)),
      failed: (id, sentence) => this.#ended(id, set.fail(this.takes, id, sentence)),
    };
    this.#requests = new TakeRequests({ connection, diagnose, on });
  }

  get isWriting() {
    return this.#requests.busy;
  }

  get current() {
    return set.current(this.takes);
  }

  /** What the library keeps of it, or null while there are no words. */
  get record() {
    return toRecord(this.about, this.takes);
  }

  /** `{id, next}` of the takes that are not whole; see TakeRequests. */
  get unheard() {
    return this.#requests.unheard;
  }

  /** All that is to be seen of it. */
  get sight() {
    const { about, takes, place, isCompared } = this;
    const { isWhole, isChanged, isGone, parts } = place;
    const problem = this.#problem === NOTHING_LEFT && parts.selected.trim() ? "" : this.#problem;
    const shared = { id: about.id, takes, isCompared, problem, asked: asked(about.errand), room: room(about.errand, about.original) };
    return { ...shared, present: parts.selected, isWhole, isChanged, isGone };
  }

  /** Ask for `count` takes more. */
  more(count) {
    const now = this.ask();
    const { errand } = this.about;
    const { isChanged, parts } = this.place;
    const selected = isChanged ? parts.selected : this.about.original;
    const isEnough = this.takes.list.length + count > MOST;
    this.#problem = !now ? NO_SETTINGS : isEnough ? ENOUGH : errand.kind === "passage" && !selected.trim() ? NOTHING_LEFT : "";
    if (this.#problem) return this.announcer.error(this.#problem);
    if (isChanged) this.#renew(parts);
    this.about = { ...this.about, ...now };
    const messages = Array.from({ length: count }, () => messageFor(newId(), errand, now, { ...this.place.parts, selected }));
    this.announcer.state(count > 1 ? `Writing ${count} takes…` : "Writing…");
    this.takes = set.ask(this.takes, messages);
    this.#requests.send(messages);
  }

  /** Hear on from takes that were on their way when the page went. */
  resume(unheard) {
    this.#requests.resume(unheard);
  }

  stop(id = null) {
    this.#requests.stop(id);
  }

  look(index) {
    this.takes = set.look(this.takes, index);
  }

  /** A text that the writer put together is one take more. Returns its id. */
  add(text) {
    const id = newId();
    const like = this.takes.list.find(({ by }) => by === "model")?.text;
    this.takes = set.mixed(this.takes, id, finished(text, like));
    return id;
  }

  /** The library has this of the passage, from other windows too. Returns how many takes are new here. */
  join(record) {
    const before = this.takes.list.length;
    this.takes = set.join(this.takes, fromRecord(record).takes.list);
    return this.takes.list.length - before;
  }

  /** The writer has decided for the take `id`, or (null) against all. */
  decide(id = null) {
    this.end();
    this.takes = set.decide(this.takes, id);
  }

  /** Have all that is still written ended; what it came to stays. */
  end() {
    this.#requests.drop();
    this.takes = set.halt(this.takes);
  }

  /** The writer changed the passage: the next takes are for what it is now. */
  #renew(parts) {
    this.about = { ...this.about, original: parts.selected, ...beside(parts) };
    this.place.renew();
  }

  #heard(takes) {
    this.takes = takes;
    this.onText();
  }

  /** One voice can be followed by ear; of several only the end is said. */
  #say(text) {
    if (this.takes.list.length === 1) this.announcer.hear(text);
  }

  #ended(id, takes) {
    this.takes = takes;
    this.announcer.finish();
    const { message, status } = set.find(takes, id) ?? {};
    const name = set.ordinal(takes, id);
    if (message) this.announcer.error(takes.list.length > 1 ? `${name}: ${message}` : message);
    else this.announcer.state(`${name} ${status === "stopped" ? "was stopped" : "is ready"}.`);
    this.onChange();
  }
}
