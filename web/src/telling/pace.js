// How fast a story is being written, guessed while it streams: tokens are not counted in chunks. Pure.

const TOKENS_A_WORD = 1.3;
const SETTLE_MS = 400;

export class Pace {
  #chunks = 0;
  #characters = 0;
  #first = null;

  hear(text, now) {
    this.#first ??= now;
    this.#chunks += 1;
    this.#characters += text.length;
  }

  /** Tokens a second so far, or null before there is enough to say. */
  at(now) {
    if (this.#first === null || now - this.#first < SETTLE_MS) return null;
    const tokens = Math.max(this.#chunks, (this.#characters / 6) * TOKENS_A_WORD);
    return (1000 * tokens) / (now - this.#first);
  }
}
