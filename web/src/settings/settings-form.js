// The settings as a form: reads them, shows them, and says next to a field what is wrong with it.

import { byId, setText } from "../common/elements.js";
import { Chips } from "./chips.js";
import { formField, parseWords, problems } from "./settings.js";

const CHECKS = ["child_friendly", "final_twist"];
const CHOICES = ["genre", "register"];

export class SettingsForm {
  #form = byId("settings-form");
  #words = byId("max_words");
  #prompt = byId("prompt");
  #promptText = byId("prompt-text");
  #promptFor = null;
  #chips = {};

  /** `onChange()` when the writer changes something; `readPrompt(settings)` resolves to its text. */
  constructor({ onChange, readPrompt }) {
    this.onChange = onChange;
    this.readPrompt = readPrompt;
    for (const field of ["characters", "keywords"]) {
      this.#chips[field] = new Chips(field, {
        list: byId(`${field}-chips`).querySelector("ul"),
        input: byId(field),
        onChange: () => this.#changed(),
        onProblem: (sentence) => this.#problem(field, sentence),
      });
    }
    this.limits = { minWords: Number(this.#words.min), maxWords: Number(this.#words.max) };
    this.defaults = this.value;
    this.#words.addEventListener("input", () => {
      this.#problem("max_words", "");
      this.#changed();
    });
    this.#form.addEventListener("change", () => this.#changed());
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    byId("reset").addEventListener("click", () => this.reset());
    this.#prompt.addEventListener("toggle", () => this.#prompt.open && this.showPrompt());
  }

  /** Whether the number of words is one that can be. */
  get hasWords() {
    return !("max_words" in problems(this.value, this.limits));
  }

  get value() {
    const value = { characters: this.#chips.characters.names, keywords: this.#chips.keywords.names };
    for (const field of CHOICES) value[field] = byId(field).value;
    value.max_words = parseWords(this.#words.value);
    for (const field of CHECKS) value[field] = byId(field).checked;
    return value;
  }

  set value(settings) {
    for (const field of ["characters", "keywords"]) this.#chips[field].names = settings[field] ?? [];
    for (const field of CHOICES) {
      const options = Array.from(byId(field).options, (option) => option.value);
      byId(field).value = options.includes(settings[field]) ? settings[field] : options[0];
    }
    this.#words.value = settings.max_words ?? "";
    for (const field of CHECKS) byId(field).checked = Boolean(settings[field]);
  }

  /** The settings, or null when something is wrong with them; then the first such field has the focus. */
  check() {
    const typed = Object.values(this.#chips).map((chips) => chips.commit());
    const found = problems(this.value, this.limits);
    for (const [field, sentence] of Object.entries(found)) this.#problem(field, sentence);
    const stuck = Object.keys(this.#chips).find((_, index) => !typed[index]);
    const wrong = stuck ?? Object.keys(found)[0];
    if (!wrong) return this.value;
    byId(wrong).focus();
    return null;
  }

  /** Show the server's complaint at its field; false when it names none of ours. */
  complain(serverField, sentence) {
    const field = formField(serverField);
    if (field) this.#problem(field, sentence);
    return Boolean(field);
  }

  reset() {
    this.#prompt.open = false;
    this.show(this.defaults);
  }

  /** Show other settings in the place of what is there. */
  show(settings) {
    this.value = settings;
    for (const field of ["characters", "keywords"]) byId(field).value = "";
    for (const field of ["characters", "keywords", "genre", "register", "max_words"]) this.#problem(field, "");
    this.#changed();
  }

  /** Fetch the prompt for the settings as they are, and show it. */
  async showPrompt() {
    const settings = this.check();
    if (!settings) return void (this.#prompt.open = false);
    const asked = JSON.stringify(settings);
    this.#promptFor = asked;
    this.#prompt.open = true;
    const text = await this.readPrompt(settings).catch((error) => {
      this.complain(error.field, error.message);
      return error.message;
    });
    if (this.#promptFor === asked) setText(this.#promptText, text);
  }

  #submit(event) {
    event.preventDefault();
    if (this.#prompt.open) this.showPrompt();
    else if (this.check()) this.#prompt.open = true;
  }

  #changed() {
    if (this.#prompt.open && !Object.keys(problems(this.value, this.limits)).length) this.showPrompt();
    this.onChange();
  }

  #problem(field, sentence) {
    setText(byId(`${field}-error`) ?? this.#promptText, sentence);
    byId(field).toggleAttribute("aria-invalid", Boolean(sentence));
    if (sentence) byId(field).setAttribute("aria-invalid", "true");
  }
}
