// What is being written, asked of the server again and again while there is any. Knows no DOM; time passes through `clock`.

const EVERY_MS = 2000;
const AWAY_MS = 5000;

export class WritingWatch {
  /** What is being written, as the server told it last, by the story's id; of two for one story, the later. */
  stories = new Map();
  /** Why it was not told this time, as an ApiError, or null. */
  problem = null;
  #asking = null;
  #timer = null;

  /**
   * `ask()` resolves to what is being written; `isSeen()`: somebody looks at the page. `onTold({isAway})` hears of every answer,
   * and of the first that did not come; `onEnded(stories)` of those that are written no longer.
   */
  constructor({ ask, clock, isSeen, onTold, onEnded }) {
    Object.assign(this, { ask, clock, isSeen, onTold, onEnded });
  }

  /** Ask now; an answer that is on its way already may be older than what is asked about, so that one is asked for after it. */
  async read() {
    await this.#asking;
    return (this.#asking ??= this.#read().finally(() => (this.#asking = null)));
  }

  async #read() {
    this.clock.clear(this.#timer);
    const before = this.stories;
    const hadProblem = this.problem !== null;
    try {
      this.stories = new Map((await this.ask()).map((each) => [each.story, each]));
      this.problem = null;
    } catch (error) {
      this.problem = error;
    }
    const ended = [...before.values()].filter(({ story }) => !this.stories.has(story));
    if (ended.length) await this.onEnded(ended); // their last words are shown before their progress goes
    this.onTold({ isAway: !hadProblem && this.problem !== null });
    if (this.stories.size && this.isSeen()) this.#timer = this.clock.set(() => this.read(), this.problem ? AWAY_MS : EVERY_MS);
  }
}
