// Whether there is somebody to write: asks the server until the model is ready, and when the line drops.

import { health } from "./api.js";

const SOON = 1000;
const LATER = 5000;

export class Health {
  /** The last answer, or null before the first. Offline is `{ready: false, code: "offline", detail}`. */
  now = null;
  #timer = null;

  constructor(onChange) {
    this.onChange = onChange;
  }

  /** Ask now, and go on asking until the answer is good. Resolves to the answer. */
  async check() {
    clearTimeout(this.#timer);
    const before = JSON.stringify(this.now);
    this.now = await health().catch(({ code, message }) => ({ ready: false, code, detail: message, model: null }));
    if (!this.now.ready) this.#timer = setTimeout(() => this.check(), this.now.code === "loading" ? SOON : this.#pause());
    if (JSON.stringify(this.now) !== before) this.onChange();
    return this.now;
  }

  /** Why the line dropped, as a sentence, or nothing when the server is well. */
  async diagnose() {
    const { ready, detail } = await this.check();
    return ready ? "" : detail;
  }

  #pause() {
    return this.now.code === "offline" || this.now.code === "unauthorized" ? LATER : SOON;
  }
}
