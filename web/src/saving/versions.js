// The story's timeline: its versions in a dialog, one of them looked at beside the present, named, or brought back.

import { byId, enable, make, onPress, setText } from "../common/elements.js";
import { restore } from "../manuscript/manuscript.js";
import { nameVersion, readVersion, restoreVersion, versions } from "../server/library-api.js";
import { countWords } from "../text/story.js";
import { changedPlaces, textDiff } from "../text/text-diff.js";
import { growth, reason, summary, when } from "./version-words.js";

const EMPTY = "No versions yet. One is kept each time the model has written, a rewrite is accepted, or you pause for a minute.";
const UNSAVED = "The story could not be saved just now, so its versions are left as they are. The words stay on the page.";
const BUSY = "Let what is being written come to its end first, or stop it.";
const BACK = "The version is back in the story. Undo takes it out again.";
const BACK_WITH_SETTINGS = "The version is back, with its settings. Undo takes it out again.";
const TAG = { added: "ins", removed: "del", same: "span", gap: "span" };

export class Versions {
  #dialog = byId("versions");
  #list = byId("versions-list");
  #name = byId("version-name");
  #versions = [];
  #looked = null;

  /** `say(sentence)` says something on the page; `isBusy()` says whether the model is at work on the text; `onSettings(settings)` shows those of a version that is back, and returns whether others made room. */
  constructor({ editor, sync, say, isBusy, onSettings }) {
    Object.assign(this, { editor, sync, say, isBusy, onSettings });
    byId("versions-close").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("click", ({ target }) => target === this.#dialog && this.#dialog.close());
    byId("version-form").addEventListener("submit", (event) => (event.preventDefault(), this.#rename()));
    onPress(byId("restore"), () => this.#restore());
  }

  async open() {
    this.#looked = null;
    this.#drawLooked([]);
    setText(byId("versions-state"), "Reading the versions…");
    this.#list.replaceChildren();
    this.#dialog.showModal();
    await this.#try(async () => {
      await this.sync.settle();
      await this.#read();
      if (!this.#versions.length) return;
      await this.#look(this.#versions[0].number);
      this.#list.querySelector("button").focus();
    });
  }

  get #story() {
    return this.editor.story;
  }

  async #read() {
    this.#versions = await versions(this.#story);
    setText(byId("versions-state"), this.#versions.length ? "" : EMPTY);
    const focused = document.activeElement?.dataset?.version;
    this.#list.replaceChildren(...this.#versions.map((version, at) => this.#row(version, this.#versions[at + 1])));
    if (focused) this.#list.querySelector(`[data-version="${focused}"]`)?.focus();
  }

  #row(version, earlier) {
    const name = make("span", { className: "version-row-name", dir: "auto" }, version.name || reason(version));
    const facts = [when(version.at), ...(version.name ? [reason(version)] : []), growth(version, earlier)].join(" · ");
    const button = make("button", { type: "button", className: "version-row" }, name, make("span", { className: "version-row-facts" }, facts));
    button.dataset.version = version.number;
    button.setAttribute("aria-pressed", String(version.number === this.#looked?.number));
    button.addEventListener("click", () => this.#try(() => this.#look(version.number)));
    return make("li", {}, button);
  }

  async #look(number) {
    this.#looked = await readVersion(this.#story, number);
    for (const button of this.#list.querySelectorAll("button")) button.setAttribute("aria-pressed", String(Number(button.dataset.version) === number));
    this.#drawLooked(textDiff(this.#looked.text, this.editor.text));
  }

  #drawLooked(pieces) {
    const looked = this.#looked;
    byId("version").hidden = !looked;
    if (!looked) return;
    const isSame = pieces.every(({ kind }) => kind === "same");
    setText(byId("version-summary"), summary(pieces, countWords));
    byId("diff").replaceChildren(...changedPlaces(pieces).map(({ kind, text }) => make(TAG[kind], { className: `diff-${kind}` }, text)));
    byId("diff").scrollTop = 0;
    this.#name.value = looked.name ?? "";
    enable(byId("restore"), !isSame);
  }

  #rename() {
    return this.#try(async () => {
      this.#looked = { ...this.#looked, ...(await nameVersion(this.#story, this.#looked.number, this.#name.value.trim() || null)) };
      await this.#read();
      setText(byId("versions-state"), "Named.");
    });
  }

  #restore() {
    return this.#try(async () => {
      if (this.isBusy()) return setText(byId("versions-error"), BUSY);
      if (!(await this.sync.settle())) return setText(byId("versions-error"), UNSAVED);
      let isOther = false;
      await this.sync.change(async ({ id, revision }) => {
        const told = await restoreVersion(id, this.#looked.number, revision);
        isOther = this.onSettings(told.settings);
        this.editor.change(restore, told.text, told.origins, told.settings);
        return told;
      });
      this.#dialog.close();
      this.editor.focus();
      this.say(isOther ? BACK_WITH_SETTINGS : BACK);
    });
  }

  async #try(act) {
    setText(byId("versions-error"), "");
    try {
      await act();
    } catch ({ message }) {
      setText(byId("versions-state"), "");
      setText(byId("versions-error"), message);
    }
  }
}
