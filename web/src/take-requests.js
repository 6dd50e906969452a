// The takes that the model is asked for: as many requests as takes, each heard and stopped by itself. Knows no DOM.

import { put } from "./question.js";

export class TakeRequests {
  #running = new Set();

  /** `on`, each with the take's id first: `began(id, progress)`, `wrote(id, text)`, `ended(id, reason)`, `failed(id, sentence)`. */
  constructor({ connection, diagnose, on }) {
    Object.assign(this, { connection, diagnose, on });
  }

  get busy() {
    return this.#running.size > 0;
  }

  send(messages) {
    for (const message of messages) this.#send(message);
  }

  /** Have one ended, or all; each still says its last word. */
  stop(id = null) {
    for (const each of this.#running) if (id === null || each === id) this.connection.stop(each);
  }

  /** Have all ended, and hear nothing more of them. */
  drop() {
    this.stop();
    this.#running.clear();
  }

  #send(message) {
    const { id } = message;
    this.#running.add(id);
    const ifRunning = (act) => (said) => this.#running.has(id) && act(id, said);
    const last = (act) => (said) => this.#running.delete(id) && act(id, said);
    let isLost = false;
    put(this, message, {
      began: ifRunning(this.on.began),
      wrote: ifRunning(this.on.wrote),
      ended: last(this.on.ended),
      failed: (sentence) => {
        if (isLost || this.#running.delete(id)) this.on.failed(id, sentence);
        isLost = true;
      },
    });
  }
}
