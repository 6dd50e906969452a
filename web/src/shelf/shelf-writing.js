// What is being written, on the rows of the shelf: told in place, so that nothing jumps.

import { enable, make, onPress, setText } from "../common/elements.js";
import { nameOf } from "../saving/library-words.js";
import { storyRow } from "./library-row.js";
import { progress } from "./shelf-words.js";

const NAME_LENGTH = 60;

export class ShelfWriting {
  /** Ids of those that were asked to end. */
  stopping = new Set();

  /** `watch` knows what is being written; `onStop(told)`: the writer wants no more of it. */
  constructor({ watch, onStop }) {
    Object.assign(this, { watch, onStop });
  }

  has(story) {
    return this.watch.stories.has(story);
  }

  /** What is being written and is none of these stories: the library does not have it yet, or shows it further down. The last that was begun comes first. */
  besides(stories) {
    const shown = new Set(stories.map(({ id }) => id));
    return [...this.watch.stories.values()].filter(({ story }) => !shown.has(story)).reverse();
  }

  /** A row for it, with nothing to be done but to open and to stop it. */
  row({ story: id, excerpt, words }) {
    const about = { id, title: "", excerpt, words, tags: [], updated_at: new Date().toISOString() };
    const row = storyRow(about, { query: "", isTrash: false, on: {} });
    row.classList.add("is-unshelved");
    for (const part of row.querySelectorAll(".book-more, .book-excerpt")) part.remove();
    return row;
  }

  /** Tell how far it is on the rows that there are: `rowOf(id)` gives a story's. */
  show(rowOf) {
    for (const told of this.watch.stories.values()) {
      const row = rowOf(told.story);
      if (row) this.#tell(row, told);
    }
  }

  #tell(row, told) {
    const title = row.querySelector("[data-act=open]");
    if (row.classList.contains("is-unshelved")) setText(title, nameOf(told, NAME_LENGTH));
    const facts = row.querySelector(".book-facts");
    const stop = facts.querySelector("[data-act=stop]") ?? this.#stop(facts, told.story);
    const isStopping = this.stopping.has(told.story);
    facts.firstElementChild.classList.add("book-progress");
    setText(facts.firstElementChild, progress(told, { problem: this.watch.problem, isStopping }));
    enable(stop, !isStopping && !told.over);
    const label = `Stop writing: ${title.textContent}`;
    if (stop.getAttribute("aria-label") !== label) stop.setAttribute("aria-label", label);
  }

  #stop(facts, story) {
    const button = make("button", { type: "button", className: "quiet", textContent: "Stop" });
    button.dataset.act = "stop";
    onPress(button, () => this.has(story) && this.onStop(this.watch.stories.get(story)));
    facts.firstElementChild.after(button);
    return button;
  }
}
