// The takes that the model is asked for: as many requests as takes, each heard and stopped by itself. Knows no DOM.

import { hearOn, put } from "../server/question.js";

export class TakeRequests {
  /** Those that are not whole yet: id → the number of chunks that were heard. */
  #running = new Map();

  /** `on`, each with the take's id first: `began(id, progress)`, `wrote(id, text)`, `ended(id, reason)`, `failed(id, sentence)`. */
  constructor({ connection, diagnose, on }) {
    Object.assign(this, { connection, diagnose, on });
  }

  get busy() {
    return this.#running.size > 0;
  }

  /** What a reload has to hear on from: `{id, next}` of each that is not whole. */
  get unheard() {
    return Array.from(this.#running, ([id, next]) => ({ id, next }));
  }

  send(messages) {
    for (const message of messages) put(this, message, this.#hears(message.id, 0));
  }

  /** Hear on, where an earlier life of this page stopped hearing. */
  resume(unheard) {
    for (const { id, next } of unheard) {
      const hears = this.#hears(id, next);
      hearOn(this, { id, next }, { ...hears, lost: () => hears.ended("cancelled") });
    }
  }

  /** Have one ended, or all; each still says its last word. */
  stop(id = null) {
    for (const each of this.#running.keys()) if (id === null || each === id) this.connection.stop(each);
  }

  /** Have all ended, and hear nothing more of them. */
  drop() {
    this.stop();
    this.#running.clear();
  }

  #hears(id, next) {
    this.#running.set(id, next);
    const ifRunning = (act) => (said) => this.#running.has(id) && act(id, said);
    const last = (act) => (said) => this.#running.delete(id) && act(id, said);
    let isLost = false;
    return {
      began: ifRunning(this.on.began),
      wrote: ifRunning((_, text) => (this.#running.set(id, this.#running.get(id) + 1), this.on.wrote(id, text))),
      ended: last(this.on.ended),
      failed: (sentence) => {
        if (isLost || this.#running.delete(id)) this.on.failed(id, sentence);
        isLost = true;
      },
    };
  }
}
