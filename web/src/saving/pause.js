// Notices when a text that was changed has rested for a minute. Pure but for the clock it is given.

const PAUSE_MS = 60_000;

export class Pause {
  #timer = null;
  #text = null;

  constructor({ clock, onPause }) {
    Object.assign(this, { clock, onPause });
  }

  /** This is the text now. The first one is no change. */
  see(text) {
    if (this.#text === text) return;
    const isFirst = this.#text === null;
    this.#text = text;
    this.clock.clear(this.#timer);
    if (!isFirst) this.#timer = this.clock.set(this.onPause, PAUSE_MS);
  }

  /** This text comes from elsewhere, and is no change of ours. */
  know(text) {
    this.#text = text;
  }
}
