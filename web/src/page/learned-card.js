// The quiet line of the morning after: what the last learning run came to, until it is put away.

import { byId, onPress, setText } from "../common/elements.js";
import { learning } from "../server/api.js";

const KEY = "storaiteller.learned.seen";

/** A run that failed may go on and end well: that is news of the same run. */
export const markOf = ({ run_id: run, at }) => `${run} ${at}`;

/** Whether `card` (or null) tells of what the writer has not put away. */
export const isNews = (card, seen) => card !== null && markOf(card) !== seen;

export class LearnedCard {
  #card = null;
  #seen;

  /** `focusTo` has the focus when the line goes away under it. */
  constructor({ storage, focusTo }) {
    Object.assign(this, { storage, focusTo });
    this.#seen = this.#remembered();
    onPress(byId("news-close"), () => this.#putAway());
    byId("news-link").addEventListener("click", () => this.#remember());
    window.addEventListener("storage", ({ key, newValue }) => key === KEY && this.#see(newValue));
    document.addEventListener("visibilitychange", () => document.hidden || this.check());
  }

  /** Ask whether there is news. No answer is no news: the page has its own ways to say what is wrong. */
  async check() {
    const told = await learning().catch(() => null);
    if (!told) return;
    this.#card = told.card;
    this.#show();
  }

  #show() {
    const news = isNews(this.#card, this.#seen);
    if (news) setText(byId("news-text"), this.#card.sentence);
    byId("news").hidden = !news;
  }

  #putAway() {
    this.#remember();
    this.#show();
    this.focusTo.focus({ preventScroll: true });
  }

  #remember() {
    this.#seen = markOf(this.#card);
    try {
      this.storage.setItem(KEY, this.#seen);
    } catch {
      // It then stays away as long as the page is open.
    }
  }

  #see(run) {
    this.#seen = run;
    this.#show();
  }

  #remembered() {
    try {
      return this.storage.getItem(KEY);
    } catch {
      return null;
    }
  }
}
