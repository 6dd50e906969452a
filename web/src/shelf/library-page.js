// What can be done on the library's page: find, open, rename, tag, put away, bring back, bring in.

import { byId, onPress } from "../common/elements.js";
import { Later } from "../common/later.js";
import { ToldBar } from "../common/told-bar.js";
import * as api from "../server/library-api.js";
import { About, askSure } from "./library-ask.js";
import { Files } from "./library-files.js";
import { ShelfRows } from "./shelf-rows.js";
import { AWAY, deleted, emptied, putBack, saved, sureToDelete, sureToEmpty, trashed } from "./shelf-words.js";
import { Shelf } from "./shelf.js";
import { WritingDesk } from "./writing-desk.js";

const TYPED_MS = 150;
const HEARD_MS = 400;
const MOST = 1000;

export class LibraryPage {
  #bar = new ToldBar({ onPutAway: () => byId("library-title").focus({ preventScroll: true }) });
  #typed = new Later(TYPED_MS, () => this.#find());
  #heard = new Later(HEARD_MS, () => this.#read());
  #about = new About({
    save: (story, change) => this.#save(story, change),
    onClose: ({ id }, field) => this.shelf.focus(id, field === "name" ? "rename" : "tag"),
  });

  constructor({ channel }) {
    this.channel = channel;
    const on = {
      filter: (tag) => this.#filter(tag),
      rename: (story) => this.#about.open(story, "name"),
      tag: (story) => this.#about.open(story, "tags"),
      trash: (story) => this.#trash(story),
      untrash: (story) => this.#untrash(story),
      destroy: (story) => this.#destroy(story),
    };
    this.writing = new WritingDesk({ bar: this.#bar, attempt: (act) => this.#do(act) });
    this.shelf = new Shelf({ rows: new ShelfRows({ on, writing: this.writing.rows }), onFilter: on.filter });
    this.writing.shelf = this.shelf;
    this.files = new Files({ say: (...told) => this.#bar.say(...told), onTaken: () => this.shelf.read() });
    byId("query").addEventListener("input", () => this.#typed.soon());
    byId("sort").addEventListener("change", () => this.#find());
    byId("finding").addEventListener("submit", (event) => (event.preventDefault(), this.#find()));
    window.addEventListener("hashchange", () => this.#turn());
    document.addEventListener("visibilitychange", () => document.hidden || this.#read());
    channel?.addEventListener("message", () => this.#heard.soon());
    onPress(byId("again"), () => this.#read());
    onPress(byId("more"), () => this.shelf.more());
    onPress(byId("empty-trash"), () => this.#empty());
  }

  /** Show what the address asks for: the shelf or the trash. */
  async open() {
    const asked = { isTrash: location.hash === "#trash", query: byId("query").value, sort: byId("sort").value };
    await Promise.all([this.shelf.ask(asked), this.writing.read()]);
    byId("page-foot").hidden = false;
  }

  #read() {
    this.writing.read();
    return this.shelf.read();
  }

  #turn() {
    byId("query").value = "";
    this.shelf.ask({ isTrash: location.hash === "#trash", query: "", tag: "" });
    byId("library-title").focus();
  }

  #find() {
    this.shelf.ask({ query: byId("query").value.trim(), sort: byId("sort").value });
  }

  #filter(tag) {
    this.shelf.ask({ tag: this.shelf.asked.tag === tag ? "" : tag });
  }

  /** Save a title or tags over whatever a writing window saved meanwhile. Throws ApiError. */
  async #save(story, change) {
    const { id, revision } = story;
    const told = await api.saveStory(id, { revision, ...change }).catch(async (error) => {
      if (error.status !== 409) throw error;
      return api.saveStory(id, { revision: (await api.readStory(id)).revision, ...change });
    });
    this.channel?.postMessage({ id, revision: told.revision });
    await this.shelf.read();
    this.#bar.say(saved({ ...story, ...this.shelf.find(id), ...change }));
  }

  #trash(story) {
    return this.#do(async () => {
      await this.writing.end(story);
      await api.trashStory(story.id);
      this.channel?.postMessage({ id: story.id, isTrashed: true });
      await this.shelf.drop(story.id);
      this.#bar.say(trashed(story), { undo: () => this.#untrash(story) });
    });
  }

  #untrash(story) {
    return this.#do(async () => {
      await api.untrashStory(story.id);
      this.channel?.postMessage({ id: story.id, isTrashed: false });
      if (this.shelf.asked.isTrash) await this.shelf.drop(story.id);
      else await this.shelf.read();
      this.#bar.say(putBack(story));
      this.shelf.focus(story.id);
    });
  }

  #destroy(story) {
    return this.#do(async () => {
      if (!(await askSure(sureToDelete(story)))) return;
      await api.deleteStory(story.id);
      this.channel?.postMessage({ id: story.id, isTrashed: true });
      await this.shelf.drop(story.id);
      this.#bar.say(deleted(story));
    });
  }

  #empty() {
    return this.#do(async () => {
      const { stories, total } = await api.listStories({ trash: true, limit: MOST });
      if (!(await askSure(sureToEmpty(total)))) return;
      const { deleted: number } = await api.emptyTrash();
      for (const { id } of stories) this.channel?.postMessage({ id, isTrashed: true });
      await this.shelf.read();
      this.#bar.say(emptied(number));
      byId("library-title").focus();
    });
  }

  async #do(act) {
    try {
      await act();
    } catch (error) {
      this.#bar.say(error.code === "offline" ? AWAY : error.message, { tone: "error" });
      if (error.status === 404) this.shelf.read();
    }
  }
}
