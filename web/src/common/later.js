// Does something once a wish has settled: after the last of several, or at once if the page goes. Pure but for the clock.

export class Later {
  #timer = null;

  constructor(milliseconds, act) {
    Object.assign(this, { milliseconds, act });
  }

  get isDue() {
    return this.#timer !== null;
  }

  soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.now(), this.milliseconds);
  }

  /** Do it now if it is due. */
  now() {
    if (!this.isDue) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.act();
  }
}
