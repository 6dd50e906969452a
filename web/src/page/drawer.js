// The settings' drawer: beside an empty page, over a written one, a whole sheet on a phone.

import { byId } from "../common/elements.js";

const wide = matchMedia("(min-width: 68.75rem)");

export class Drawer {
  #drawer = byId("settings");
  #button = byId("settings-button");

  constructor({ onChange }) {
    this.onChange = onChange;
    this.#button.addEventListener("click", () => (this.isOpen ? this.close() : this.open({ focus: true })));
    byId("describe").addEventListener("click", () => this.open({ focus: true }));
    byId("settings-close").addEventListener("click", () => this.close());
    wide.addEventListener("change", () => this.#cover());
  }

  get isOpen() {
    return !this.#drawer.inert;
  }

  /** There is room for the drawer beside the page. */
  get hasRoom() {
    return wide.matches;
  }

  open({ focus = false } = {}) {
    this.#set(true);
    if (focus) byId("characters").focus({ preventScroll: true });
  }

  /** Close; a focus that was inside goes to `focusTo`, or back to the button. */
  close(focusTo = this.#button) {
    const focused = this.#drawer.contains(document.activeElement);
    this.#set(false);
    if (focused) focusTo.focus({ preventScroll: true });
  }

  #set(open) {
    this.#drawer.inert = !open;
    this.#button.setAttribute("aria-expanded", String(open));
    document.documentElement.classList.toggle("drawer-open", open);
    this.#cover();
    this.onChange();
  }

  /** What the drawer covers cannot be reached: the tools above it, and under a sheet the page. */
  #cover() {
    document.querySelector(".masthead-tools").inert = this.isOpen;
    byId("page").inert = this.isOpen && matchMedia("(max-width: 44rem)").matches;
  }
}
