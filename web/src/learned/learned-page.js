// What can be done on the page: read, promote, roll back, take that back, change the strength.

import { byId, enable, make, onPress, setText } from "../common/elements.js";
import { ToldBar } from "../common/told-bar.js";
import { activateVersion, learning, setStrength } from "../server/api.js";
import { Strength } from "./learned-strength.js";
import { BaseView, VersionView } from "./learned-version.js";
import { back, beginning, standing, strengthWords, switched } from "./learned-words.js";

const DAMAGED = "Its list of versions needs mending.";
const PURPOSE = "Keep the stories you like, and it learns to write more like them.";
const UNREAD = "What it has learned could not be read.";

export class LearnedPage {
  #told = null;
  #isBusy = false;
  #bar = new ToldBar({ onPutAway: () => byId("versions").querySelector(".is-active h3")?.focus({ preventScroll: true }) });
  #last = Promise.resolve();
  #views = new Map();
  #base = new BaseView((name) => this.activate(name));
  #strength = new Strength((value) => this.#strengthen(value));

  constructor() {
    onPress(byId("again"), () => this.read());
    document.addEventListener("visibilitychange", () => document.hidden || this.#isBusy || this.read());
  }

  /** Ask the server, and show what it says. */
  async read() {
    enable(byId("again"), false);
    try {
      this.#show(await learning());
    } catch ({ message }) {
      if (!this.#told) this.#fail(message);
    }
    enable(byId("again"), true);
    byId("page-foot").hidden = false;
  }

  /** Let a version write, or (null) the base model; the one before is offered at once. */
  async activate(name) {
    const before = this.#told.active;
    await this.#change(() => activateVersion(name), switched, before);
    if (this.#told.active === name) (this.#views.get(name) ?? this.#base).focus();
  }

  #strengthen(value) {
    return this.#change(() => setStrength(value), () => `You hear ${strengthWords(value)} from the next story on.`);
  }

  /** Ask for a change, one at a time; say what `sentence` makes of what holds then, and offer to go back to `undo` if that is given. */
  #change(ask, sentence, undo) {
    this.#last = this.#last.then(() => this.#asked(ask, sentence, undo));
    return this.#last;
  }

  async #asked(ask, sentence, undo) {
    this.#isBusy = true;
    this.#draw();
    const outcome = await ask().then((told) => ({ told }), (error) => ({ error }));
    this.#isBusy = false;
    this.#told = outcome.told ?? this.#told;
    this.#draw();
    if (outcome.error) this.#bar.say(outcome.error.message, { tone: "error" });
    else this.#bar.say(sentence(this.#told), undo === undefined ? {} : { undo: () => this.activate(undo), label: back(undo) });
  }

  #show(told) {
    if (JSON.stringify(told) === JSON.stringify(this.#told)) return;
    this.#told = told;
    this.#draw();
  }

  #draw() {
    const told = this.#told;
    const isBare = !told.problem && !told.versions.length;
    byId("failed").hidden = !told.problem;
    byId("none").hidden = !isBare;
    byId("told").hidden = !told.versions.length;
    byId("learned").setAttribute("aria-busy", String(this.#isBusy));
    setText(byId("failed-why"), told.problem);
    setText(byId("standing"), told.problem ? DAMAGED : isBare ? PURPOSE : standing(told));
    if (isBare) this.#drawBeginning(told);
    if (told.versions.length) this.#drawVersions(told);
  }

  #drawBeginning(told) {
    const { title, text, now } = beginning(told);
    setText(byId("none-title"), title);
    setText(byId("none-text"), text);
    byId("none-progress").hidden = told.likes >= told.needed;
    byId("none-progress").value = told.likes;
    setText(byId("none-now"), now);
  }

  /** Versions that are shown stay as they are, open folds and all, unless a new one came. */
  #drawVersions(told) {
    const list = byId("versions");
    for (const version of told.versions) {
      const key = JSON.stringify([version.status, version.reason, version.metrics, version.has_report]);
      const known = this.#views.get(version.name);
      const view = known?.key === key ? known : Object.assign(new VersionView(version, (name) => this.activate(name)), { key });
      this.#views.set(version.name, view);
      view.show(version, told, this.#isBusy);
    }
    this.#base.show(told, this.#isBusy);
    this.#strength.show(told);
    const views = [...told.versions.map(({ name }) => this.#views.get(name)), this.#base];
    const wanted = views.map(({ element }) => element);
    const isSame = wanted.length === list.children.length && wanted.every((element, at) => list.children[at] === element);
    if (!isSame) list.replaceChildren(...wanted);
  }

  #fail(sentence) {
    setText(byId("standing"), UNREAD);
    setText(byId("failed-why"), sentence);
    byId("failed").hidden = false;
    byId("learned").setAttribute("aria-busy", "false");
    byId("announce-error").replaceChildren(make("p", {}, sentence));
  }
}
