// The library page's part in what is being written: asks, shows, says it aloud, and stops it.

import { clock } from "../common/clock.js";
import { byId, make } from "../common/elements.js";
import { Later } from "../common/later.js";
import { stopWriting, writing } from "../server/writing-api.js";
import { AWAY, begun, ended, stopped, stopping } from "./shelf-words.js";
import { ShelfWriting } from "./shelf-writing.js";
import { WritingWatch } from "./writing-watch.js";

/** A page that hears a story saves the end of it by itself. */
const SAVED_MS = 1500;

export class WritingDesk {
  /** The Shelf, once it is made. */
  shelf = null;
  /** What was shown at the last answer, by its id; null before the first: what is there already needs no announcement. */
  #known = null;
  #later = new Later(SAVED_MS, () => this.shelf.read());

  /** `bar` is the ToldBar; `attempt(act)` does something, and says what goes wrong with it. */
  constructor({ bar, attempt }) {
    Object.assign(this, { bar, attempt });
    this.watch = new WritingWatch({
      ask: writing,
      clock,
      isSeen: () => !document.hidden,
      onTold: (told) => this.#told(told),
      onEnded: (stories) => this.#ended(stories),
    });
    this.rows = new ShelfWriting({ watch: this.watch, onStop: (told) => this.#stop(told) });
  }

  /** Ask now. */
  read() {
    return this.watch.read();
  }

  #told({ isAway }) {
    this.shelf.drawRows();
    const { stories } = this.watch;
    const news = this.#known && [...stories.values()].filter(({ story }) => !this.#known.has(story));
    if (isAway && stories.size) this.bar.say(AWAY, { tone: "error" });
    else if (news?.length) this.#say(begun(this.#named(news[0])));
    if (!this.watch.problem) this.#known = new Set(stories.keys());
  }

  async #ended(stories) {
    await this.shelf.read();
    this.#later.soon();
    const isStopped = ({ story }) => this.rows.stopping.delete(story);
    for (const told of stories) if (!isStopped(told)) this.#say(ended(this.#named(told)));
  }

  /** Have no more written of a story that is to be put away: each new word that is saved would bring it back. Throws ApiError. */
  async end({ id }) {
    await this.read(); // it may have been begun since
    if (!this.rows.has(id)) return;
    await this.#end(id);
    await new Promise((resolve) => clock.set(resolve, SAVED_MS));
  }

  #stop(told) {
    return this.attempt(async () => {
      const { status } = await this.#end(told.story);
      const name = this.#named(told);
      await this.read();
      this.bar.say(status === 202 ? stopping(name) : stopped(name, told));
    });
  }

  async #end(story) {
    this.rows.stopping.add(story);
    this.shelf.drawRows();
    try {
      return await stopWriting(story);
    } catch (error) {
      this.rows.stopping.delete(story);
      this.shelf.drawRows();
      throw error;
    }
  }

  #named(told) {
    return this.shelf.find(told.story) ?? told;
  }

  #say(sentence) {
    byId("announce-state").replaceChildren(make("p", {}, sentence));
  }
}
