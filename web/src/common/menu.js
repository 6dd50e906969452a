// A small menu that a button opens: arrows go through it, Escape and a press elsewhere close it. Knows nothing of what it offers.

import { make } from "./elements.js";

const EDGE = 12;
const GAP = 6;

export class Menu {
  #button;
  #menu;

  /** `onOpen()` fills the menu, before it is shown. */
  constructor({ button, menu, onOpen = () => {} }) {
    this.#button = button;
    this.#menu = menu;
    this.#menu.popover = "auto";
    this.#menu.addEventListener("toggle", ({ newState }) => button.setAttribute("aria-expanded", String(newState === "open")));
    this.#menu.addEventListener("keydown", (event) => this.#step(event));
    button.popoverTargetElement = menu;
    menu.addEventListener("beforetoggle", ({ newState }) => newState === "open" && onOpen());
    menu.addEventListener("toggle", ({ newState }) => newState === "open" && (this.place(), this.focus()));
  }

  get isOpen() {
    return this.#menu.matches(":popover-open");
  }

  close() {
    if (!this.isOpen) return;
    this.#menu.hidePopover();
    this.#button.focus({ preventScroll: true });
  }

  focus() {
    this.#items[0]?.focus({ preventScroll: true });
  }

  /** Below its button, within the window. */
  place() {
    const { bottom, right } = this.#button.getBoundingClientRect();
    const width = this.#menu.offsetWidth;
    const left = Math.max(EDGE, Math.min(right - width, document.documentElement.clientWidth - width - EDGE));
    this.#menu.style.left = `${Math.round(left)}px`;
    this.#menu.style.top = `${Math.round(bottom + GAP)}px`;
  }

  get #items() {
    return [...this.#menu.querySelectorAll("button")].filter((button) => button.checkVisibility());
  }

  #step(event) {
    const items = this.#items;
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined || !items.length) return;
    event.preventDefault();
    items.at(to % items.length).focus();
  }
}

/** One thing to choose in a menu. */
export function menuItem(label, act, hint = "") {
  const item = make("button", { type: "button", className: "menu-item" }, make("span", { dir: "auto" }, label));
  if (hint) item.append(make("span", { className: "menu-hint" }, hint));
  item.addEventListener("click", act);
  return make("li", {}, item);
}
