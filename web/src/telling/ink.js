// Streamed text on its way to the page: collected, and put down once a frame.

const HIDDEN_PAUSE = 250;

export class Ink {
  #text = "";
  #waiting = false;

  /** `put(text)` gets all that came since the last frame. */
  constructor(put) {
    this.put = put;
    document.addEventListener("visibilitychange", () => this.flush());
  }

  add(text) {
    this.#text += text;
    if (this.#waiting) return;
    this.#waiting = true;
    const flush = () => this.flush();
    if (document.hidden) setTimeout(flush, HIDDEN_PAUSE);
    else requestAnimationFrame(flush);
  }

  flush() {
    this.#waiting = false;
    const text = this.#text;
    this.#text = "";
    if (text) this.put(text);
  }
}
