// When to save: soon after a change, about once a second at most, one at a time, and again with patience after a failure.
// Pure but for the clock it is given.

const SOON_MS = 300;
const BETWEEN_MS = 1000;
const PATIENCE_MS = 15_000;

export class SaveLoop {
  /** Why the last try failed, as an error, or null. */
  problem = null;
  #timer = null;
  #working = null;
  #began = -Infinity;
  #failures = 0;

  /** `work()` saves, and resolves to whether there is more to do; `onProblem()` hears that `problem` is another one. */
  constructor({ clock, work, onProblem }) {
    Object.assign(this, { clock, work, onProblem });
  }

  /** Something changed. */
  touch() {
    if (this.#timer === null) this.#schedule(Math.max(SOON_MS, this.#began + BETWEEN_MS - this.clock.now()));
  }

  /** What is being done now, if anything is. */
  get working() {
    return this.#working;
  }

  /** Work now, after what is being done already. */
  async now() {
    await this.#working;
    await this.#work();
  }

  /** Have `act` at work in the place of saving, which follows; resolves, or fails, as it does. */
  async instead(act) {
    while (this.#working) await this.#working;
    const acting = act();
    this.#working = acting.catch(() => {}).finally(() => {
      this.#working = null;
      this.touch(); // what was due meanwhile found somebody at work
    });
    return acting;
  }

  #schedule(milliseconds) {
    this.clock.clear(this.#timer);
    this.#timer = this.clock.set(() => this.#work(), milliseconds);
  }

  #work() {
    this.clock.clear(this.#timer);
    this.#timer = null;
    this.#working ??= this.#try().finally(() => (this.#working = null));
    return this.#working;
  }

  async #try() {
    this.#began = this.clock.now();
    try {
      const more = await this.work();
      this.#failures = 0;
      this.#solve(null);
      if (more) this.#schedule(Math.max(0, this.#began + BETWEEN_MS - this.clock.now()));
    } catch (error) {
      this.#failures += 1;
      this.#solve(error);
      this.#schedule(Math.min(PATIENCE_MS, BETWEEN_MS * 2 ** (this.#failures - 1)));
    }
  }

  #solve(problem) {
    const isNews = this.problem?.message !== problem?.message;
    this.problem = problem;
    if (isNews) this.onProblem();
  }
}
