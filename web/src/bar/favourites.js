// The instructions that the writer uses again and again, kept in the library.

import { byId, make, onPress, setText } from "../common/elements.js";
import { icon } from "../common/icons.js";

export class Favourites {
  #list = byId("favourites");
  #star = byId("favourite");
  #kept = [];
  #isRead = false;

  /** `api`: favourites, addFavourite, deleteFavourite; `typed()` is the instruction as it stands; `onUse(text)` asks with one; `onChange()`: the list is another size. */
  constructor({ api, announcer, typed, onUse, onChange }) {
    Object.assign(this, { api, announcer, typed, onUse, onChange });
    onPress(this.#star, () => this.#try(() => this.#toggle()));
  }

  /** Read them, once. */
  read() {
    if (this.#isRead) return;
    this.#isRead = true;
    this.#try(async () => (this.#kept = await this.api.favourites())).then((isDone) => (this.#isRead = isDone));
  }

  /** Show the star as the typed instruction is. */
  follow() {
    const text = this.typed();
    const isKept = this.#find(text) !== undefined;
    this.#star.hidden = text === "";
    this.#star.setAttribute("aria-pressed", String(isKept));
    this.#star.title = isKept ? "Keep this instruction no longer" : "Keep this instruction";
  }

  #find(text) {
    return this.#kept.find((each) => each.text === text);
  }

  async #toggle() {
    const found = this.#find(this.typed());
    if (found) return this.#remove(found);
    const made = await this.api.addFavourite(this.typed());
    this.#kept = [made, ...this.#kept.filter(({ id }) => id !== made.id)];
    this.announcer.state("The instruction is kept.");
  }

  async #remove({ id }) {
    await this.api.deleteFavourite(id).catch((error) => error.status === 404 || Promise.reject(error));
    this.#kept = this.#kept.filter((each) => each.id !== id);
    this.announcer.state("The instruction is kept no longer.");
  }

  async #try(act) {
    setText(byId("favourites-error"), "");
    try {
      await act();
      this.#draw();
      return true;
    } catch ({ message }) {
      setText(byId("favourites-error"), message);
      return false;
    }
  }

  #draw() {
    const hadFocus = this.#list.contains(document.activeElement);
    this.#list.replaceChildren(...this.#kept.map((each) => this.#row(each)));
    byId("favourites-part").hidden = this.#kept.length === 0;
    this.follow();
    this.onChange();
    if (hadFocus) (this.#list.querySelector("button") ?? byId("instruction")).focus();
  }

  #row(favourite) {
    const use = make("button", { type: "button", className: "outlined favourite", dir: "auto" }, favourite.text);
    const remove = make("button", { type: "button", className: "quiet icon-button" }, icon("cross"));
    remove.setAttribute("aria-label", `Keep no longer: ${favourite.text}`);
    onPress(use, () => this.onUse(favourite.text));
    onPress(remove, () => this.#try(() => this.#remove(favourite)));
    return make("li", {}, use, remove);
  }
}
