// The stories that are looked at: asked of the server, drawn, more of them at the foot.

import { byId, make, onPress, setText } from "../common/elements.js";
import { listStories } from "../server/library-api.js";
import { AWAY, standing } from "./shelf-words.js";

const PAGE = 50;
const MOST = 1000;

export class Shelf {
  /** What is looked for. */
  asked = { query: "", tag: "", sort: "updated", isTrash: false };
  #told = null;
  #request = null;

  /** `rows` is a ShelfRows; `onFilter(tag)`: a tag was pressed. */
  constructor({ rows, onFilter }) {
    Object.assign(this, { rows, onFilter });
  }

  /** Look for something else; what is not named stays. */
  ask(change) {
    this.asked = { ...this.asked, ...change };
    return this.read({ shown: PAGE });
  }

  /** Ask again for what is shown. */
  async read({ shown = this.#told?.stories.length ?? PAGE } = {}) {
    const told = await this.#get({ offset: 0, limit: Math.max(PAGE, Math.min(shown, MOST)) });
    if (!told) return;
    this.#told = told;
    this.#draw();
  }

  async more() {
    const first = this.#told.stories.length;
    const told = await this.#get({ offset: first, limit: PAGE });
    if (!told) return;
    const known = new Set(this.#told.stories.map(({ id }) => id));
    const more = told.stories.filter(({ id }) => !known.has(id));
    this.#told = { ...told, stories: [...this.#told.stories, ...more] };
    this.#draw();
    if (more.length) this.focus(more[0].id);
  }

  find(id) {
    return this.#told?.stories.find((story) => story.id === id);
  }

  /** A story is here no longer: the focus goes to the one that takes its place. */
  async drop(id) {
    const at = this.#told.stories.findIndex((story) => story.id === id);
    await this.read();
    const next = this.#told.stories[at] ?? this.#told.stories[at - 1];
    this.focus(next?.id);
  }

  /** Put the focus on a story's title or a button of it. */
  focus(...where) {
    this.rows.focus(...where);
  }

  /** Show the stories that are known, and what is being written. */
  drawRows() {
    if (!this.#told) return;
    const { query, tag, isTrash } = this.asked;
    const isWhole = !query && !tag && !isTrash;
    this.rows.draw(this.#told.stories, { query, isTrash, isWhole });
    byId("none").hidden = !isWhole || this.#told.total > 0 || byId("shelf").children.length > 0;
  }

  async #get(part) {
    this.#request?.abort();
    const request = (this.#request = new AbortController());
    const { query, tag, sort, isTrash } = this.asked;
    byId("library").setAttribute("aria-busy", "true");
    try {
      const told = await listStories({ query, tag, sort, trash: isTrash, ...part }, request);
      byId("failed").hidden = true;
      return told;
    } catch (error) {
      if (error.name !== "AbortError") this.#fail(error);
      return null;
    } finally {
      if (this.#request === request) byId("library").setAttribute("aria-busy", "false");
    }
  }

  #draw() {
    const { stories, total, tags } = this.#told;
    const { query, tag, isTrash } = this.asked;
    const isBare = !total && !query && !tag && !isTrash;
    this.drawRows();
    setText(byId("standing"), standing({ total, query, tag, isTrash }));
    setText(byId("library-title"), isTrash ? "Trash" : "Library");
    byId("finding").hidden = isBare || (isTrash && !total && !query);
    byId("more").hidden = stories.length >= total;
    byId("library-tools").hidden = isTrash;
    byId("trash-tools").hidden = !isTrash;
    byId("empty-trash").hidden = !total;
    this.#drawTags(isTrash ? [] : tags, tag);
  }

  #drawTags(tags, chosen) {
    const focused = document.activeElement?.dataset?.tag;
    const known = chosen && !tags.some(({ name }) => name === chosen) ? [...tags, { name: chosen, stories: 0 }] : tags;
    byId("tags").hidden = !known.length;
    byId("tags").replaceChildren(...known.map(({ name, stories }) => make("li", {}, this.#tag(name, stories, name === chosen))));
    if (focused !== undefined) byId("tags").querySelector(`[data-tag="${CSS.escape(focused)}"]`)?.focus();
  }

  #tag(name, stories, isChosen) {
    const button = make("button", { type: "button", className: "tag", dir: "auto" }, name, make("span", { className: "tag-number" }, String(stories)));
    button.dataset.tag = name;
    button.setAttribute("aria-pressed", String(isChosen));
    onPress(button, () => this.onFilter(name));
    return button;
  }

  #fail({ code, message }) {
    setText(byId("standing"), "");
    setText(byId("failed-why"), code === "offline" ? AWAY : message);
    byId("failed").hidden = false;
    byId("announce-error").replaceChildren(make("p", {}, byId("failed-why").textContent));
  }
}
