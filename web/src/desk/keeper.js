// Keeps the tab's desk: soon after every change, at least once a second while writing, and on leaving.

const SOON_MS = 300;
const AT_LEAST_MS = 1000;

export class Keeper {
  #timer = null;
  #kept = 0;
  #failed = false;

  /** `collect()` gives what lies on the desk; `onFull(full)` says when the storage has no room, or has again. */
  constructor({ desks, id, collect, beforeLeaving, onFull }) {
    Object.assign(this, { desks, id, collect, onFull });
    const leave = () => {
      beforeLeaving();
      this.keep();
    };
    window.addEventListener("pagehide", leave);
    document.addEventListener("visibilitychange", () => document.hidden && leave());
  }

  /** Something changed. */
  touch() {
    if (performance.now() - this.#kept > AT_LEAST_MS && this.#timer) return this.keep();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.keep(), SOON_MS);
  }

  /** Returns whether there was room. */
  keep() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#kept = performance.now();
    const failed = !this.desks.keep(this.id, this.collect());
    if (failed !== this.#failed) this.onFull(failed);
    this.#failed = failed;
    return !failed;
  }
}
