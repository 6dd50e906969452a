// The takes of a story, passage by passage: a dialog from which they are opened again where the passage is now.

import { byId, copyText, enable, make, onPress, setText } from "../common/elements.js";
import { icon } from "../common/icons.js";
import { nameOf as firstWords } from "../saving/library-words.js";
import { when } from "../saving/version-words.js";
import { asked, errand } from "./errand.js";
import { findPassage } from "./passage-finder.js";
import { nameOf } from "./take-text.js";
import { became, countTakes } from "./takes-record.js";

const EMPTY = "No takes yet. Select a passage and have it rewritten: every take is kept here, whatever you decide.";
const GONE = "This passage is no longer in the story. Its takes are:";
const BUSY = "Let what is being written come to its end first, or stop it.";

export class TakesList {
  #dialog = byId("takes-list");
  #rows = byId("takes-rows");

  /** `onReopen(record, range)` opens takes where they belong; `onInsert(text)` puts one at the cursor; `isBusy()`: the model is at work on the text. */
  constructor({ editor, keeper, isBusy, onReopen, onInsert }) {
    Object.assign(this, { editor, keeper, isBusy, onReopen, onInsert });
    onPress(byId("takes-list-close"), () => this.#dialog.close());
    this.#dialog.addEventListener("click", ({ target }) => target === this.#dialog && this.#dialog.close());
  }

  async open() {
    this.#say("Reading the takes…");
    this.#rows.replaceChildren();
    this.#dialog.showModal();
    try {
      const records = await this.keeper.list();
      this.#say(records.length ? "" : EMPTY);
      this.#show(records);
    } catch ({ message }) {
      this.#say("", message);
      this.#show(this.keeper.kept.map(({ record }) => record));
    }
  }

  #show(records) {
    this.#rows.replaceChildren(...records.map((record) => this.#row(record)));
    this.#rows.querySelector("button")?.focus();
  }

  #row(record) {
    const name = make("span", { className: "version-row-name", dir: "auto" }, firstWords({ text: wordsOf(record) }, 64));
    const facts = [asked(errand(record.kind, record)) || "Rewritten", countTakes(record), became(record), ...(record.updated_at ? [when(record.updated_at)] : [])];
    const button = make("button", { type: "button", className: "version-row" }, name, make("span", { className: "version-row-facts" }, facts.join(" · ")));
    const remove = make("button", { type: "button", className: "quiet icon-button", title: `Delete ${this.#itsTakes(record)}` }, icon("cross"));
    remove.setAttribute("aria-label", `Delete ${this.#itsTakes(record)}: ${name.textContent}`);
    const row = make("li", { className: "takes-row" }, button, remove);
    onPress(button, () => this.#choose(record, row));
    onPress(remove, () => this.#delete(record, row));
    return row;
  }

  /** One press deletes, and one brings back as long as the list is open. */
  async #delete(record, row) {
    const { story } = this.keeper;
    try {
      await this.keeper.delete(record.id);
    } catch ({ message }) {
      return this.#say("", message);
    }
    const undo = make("button", { type: "button", className: "link" }, "Bring back");
    const told = make("span", { className: "soft", id: `deleted-${record.id}` }, record.takes.length === 1 ? "Its take is deleted." : `Its ${record.takes.length} takes are deleted.`);
    const gone = make("li", { className: "takes-row is-deleted" }, told, undo);
    undo.setAttribute("aria-describedby", told.id);
    onPress(undo, () => {
      this.keeper.keep(record, story);
      const again = this.#row(record);
      gone.replaceWith(again);
      again.querySelector("button").focus();
    });
    row.replaceWith(gone);
    undo.focus();
    this.#say("");
  }

  #itsTakes = ({ takes: { length } }) => (length === 1 ? "its take" : `its ${length} takes`);

  #choose(record, row) {
    if (this.isBusy()) return this.#say("", BUSY);
    const range = findPassage(this.editor.text, record);
    if (!range) return this.#showTexts(record, row);
    this.#dialog.close();
    this.onReopen(record, range);
  }

  /** The passage is gone, and its takes are to be had all the same. */
  #showTexts(record, row) {
    if (row.querySelector(".kept-takes")) return;
    const state = make("p", { className: "soft" }, GONE);
    const list = make("ol", { className: "kept-takes" }, ...record.takes.map((take, at) => this.#text(take, at + 1)));
    row.append(state, list);
    list.querySelector("button").focus();
  }

  #text(take, number) {
    const copy = make("button", { type: "button", className: "outlined" }, "Copy");
    const insert = make("button", { type: "button", className: "outlined" }, "Insert at the cursor");
    copy.setAttribute("aria-label", `Copy: ${nameOf(take, number)}`);
    onPress(copy, async () => this.#say(await copyText(take.text)));
    onPress(insert, () => (this.#dialog.close(), this.onInsert(take.text)));
    enable(insert, !this.isBusy());
    return make("li", {}, make("p", { className: "kept-take", dir: "auto" }, take.text), make("div", { className: "card-actions" }, copy, insert));
  }

  #say(state, error = "") {
    setText(byId("takes-list-state"), state);
    setText(byId("takes-list-error"), error);
  }
}

const wordsOf = ({ original, takes }) => (original.trim() ? original : takes[0]?.text ?? "");
