// What can be done for the story as a whole, and at the cursor: one small menu over the text.

import { byId } from "../common/elements.js";
import { KEYS } from "../common/keys.js";
import { Menu, menuItem } from "../common/menu.js";

const hint = (name) => KEYS.find((key) => key.name === name).keys.join(" ");

export class StoryMenu {
  /** `can()` says what there is: `{isEmpty, isBusy, takes}`; `on`: insert, takes, others, summary, keys. */
  constructor({ can, on }) {
    Object.assign(this, { can, on });
    this.menu = new Menu({ button: byId("story-menu-button"), menu: byId("story-menu"), onOpen: () => this.#fill() });
  }

  #fill() {
    const { isEmpty, isBusy, takes } = this.can();
    const items = [
      !isEmpty && !isBusy && ["Write at the cursor", "insert", hint("insert")],
      !isBusy && [`${isEmpty ? "Several takes of a new story" : "Other takes of the whole story"} ×${takes}`, "others"],
      ["Takes of this story", "takes", hint("takes")],
      !isEmpty && ["Summary", "summary"],
      ["Keys", "keys", hint("keys")],
    ].filter(Boolean);
    const choose = (name) => () => (this.menu.close(), this.on[name]());
    byId("story-menu-list").replaceChildren(...items.map(([label, name, keys]) => menuItem(label, choose(name), keys)));
  }
}
