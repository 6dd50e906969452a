// Light, dark, or as the system has it: remembered, and shown on the button.

const KEY = "storaiteller.colours";
const NEXT = { system: "light", light: "dark", dark: "system" };
const NAME = { system: "as the system", light: "light", dark: "dark" };

export class Theme {
  #root = document.documentElement;

  constructor({ button, label, storage }) {
    this.#show(this.#remembered(storage), label);
    button.addEventListener("click", () => {
      const theme = NEXT[this.#root.dataset.theme];
      this.#show(theme, label);
      try {
        storage.setItem(KEY, theme);
      } catch {
        // It then lasts as long as the page.
      }
    });
  }

  #remembered(storage) {
    try {
      const theme = storage.getItem(KEY);
      return theme in NEXT ? theme : "system";
    } catch {
      return "system";
    }
  }

  #show(theme, label) {
    this.#root.dataset.theme = theme;
    label.textContent = `Colours: ${NAME[theme]}`;
    label.parentElement.title = label.textContent;
  }
}
