// What is said of takes that the library does not keep, and when that is over. Pure.

const STAY = "The takes themselves stay in this browser.";
const inFull = ({ message, code }) => ({ message: `${message} ${STAY}`, code });

export class TakesTrouble {
  #refused = new Set();
  #isFailing = false;

  /** `onTrouble({message, code})` says it; `onTrouble(null)`: nothing of it holds any more. */
  constructor(onTrouble) {
    Object.assign(this, { onTrouble });
  }

  /** The library refused the takes of a passage. */
  refused(id, error) {
    this.#refused.add(id);
    this.onTrouble(inFull(error));
  }

  /** It has the takes of a passage, or nobody wants them any more. */
  over(id) {
    if (this.#refused.delete(id)) this.#relieve();
  }

  /** It could not keep anything, and is asked again: `problem`, or null. That it cannot be reached is said of the story. */
  failed(problem) {
    const isFailing = problem?.status >= 500;
    if (isFailing) this.onTrouble(inFull(problem));
    const wasFailing = this.#isFailing;
    this.#isFailing = isFailing;
    if (wasFailing && !isFailing) this.#relieve();
  }

  #relieve() {
    if (!this.#refused.size && !this.#isFailing) this.onTrouble(null);
  }
}
