// The rows of the shelf. One that says what it said before stays as it is, so that no press, no focus and no open list is lost.

import { byId } from "../common/elements.js";
import { when } from "../saving/version-words.js";
import { storyRow } from "./library-row.js";

export class ShelfRows {
  #list = byId("shelf");
  /** Of each row that is shown, by its story: what it says, and the element. */
  #known = new Map();

  /** `on` hears what is wanted of a story, see `storyRow`; `writing` is a ShelfWriting. */
  constructor({ on, writing }) {
    Object.assign(this, { on, writing });
  }

  /** Show these stories, below what is being written and has no row among them, if `isWhole`. */
  draw(stories, { query, isTrash, isWhole }) {
    const focused = document.activeElement;
    const [story, act] = [focused?.closest("[data-story]")?.dataset.story, focused?.dataset?.act];
    const open = this.#list.querySelector("details[open]")?.closest("[data-story]").dataset.story;
    const known = this.#known;
    this.#known = new Map();
    const keep = (id, says, make) => {
      const row = known.get(id)?.says === says ? known.get(id).row : make();
      this.#known.set(id, { says, row });
      return row;
    };
    const unshelved = isWhole ? this.writing.besides(stories) : [];
    this.#place([
      ...unshelved.map((told) => keep(told.story, "", () => this.writing.row(told))),
      ...stories.map((each) => keep(each.id, this.#says(each, query, isTrash), () => storyRow(each, { query, isTrash, on: this.on }))),
    ]);
    this.writing.show((id) => this.#known.get(id)?.row);
    this.#list.querySelector(`[data-story="${open}"] details`)?.setAttribute("open", "");
    if (story && document.activeElement !== focused) this.focus(story, act);
  }

  /** Put the focus on a story's title or a button of it, if it has that; on the heading if the story is not here. */
  focus(id, act = "open") {
    const parts = [...(this.#known.get(id)?.row.querySelectorAll("[data-act]") ?? [])];
    const find = (wanted) => parts.find(({ dataset }) => dataset.act === wanted);
    (find(act) ?? find("open") ?? byId("library-title")).focus();
  }

  /** All that a row shows; of a story that is being written, the words and the time are told by its progress. */
  #says({ id, title, excerpt, words, tags, updated_at, trashed_at }, query, isTrash) {
    const facts = this.writing.has(id) ? "being written" : [words, when(isTrash ? trashed_at : updated_at)];
    return JSON.stringify([title, excerpt, tags, query, isTrash, facts]);
  }

  #place(rows) {
    const { children } = this.#list;
    rows.forEach((row, at) => children[at] === row || this.#list.insertBefore(row, children[at] ?? null));
    while (children.length > rows.length) this.#list.lastElementChild.remove();
  }
}
