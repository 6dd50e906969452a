// Brings the writer's choices among takes to the ledger of preferences, however long it is away. Knows no DOM.

import { SaveLoop } from "../saving/save-loop.js";

export class ChoiceKeeper {
  #pending = [];

  /** `send(choice)` tells the ledger; `onTrouble(error)` hears that it does not want one; `onChange()`: the desk has something to keep. */
  constructor({ send, clock, onTrouble, onChange }) {
    Object.assign(this, { send, onTrouble, onChange });
    this.loop = new SaveLoop({ clock, work: () => this.#push(), onProblem: () => {} });
  }

  /** Begin with what a desk kept. */
  open(pending = []) {
    this.#pending.push(...pending);
    if (pending.length) this.loop.touch();
  }

  /** What the desk has to keep. */
  get kept() {
    return this.#pending;
  }

  keep(choice) {
    this.#pending = [...this.#pending, choice];
    this.onChange();
    return this.loop.now();
  }

  async #push() {
    for (const choice of this.#pending) {
      await this.#send(choice);
      this.#pending = this.#pending.filter((each) => each !== choice);
      this.onChange();
    }
    return false;
  }

  /** What is refused would be refused again: it is said, and gone. */
  async #send(choice) {
    try {
      await this.send(choice);
    } catch (error) {
      if (error.status < 400 || error.status >= 500 || error.status === 401) throw error;
      this.onTrouble(error);
    }
  }
}
