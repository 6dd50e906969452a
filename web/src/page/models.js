// Who writes: the models of this machine in a dialog, the one in use, and those that can be fetched.

import { byId, make, setText } from "../common/elements.js";
import { models, pullModel } from "../server/api.js";
import { percent, size } from "../text/figures.js";

/** What was learned here can be fetched from nowhere. */
const isOwn = ({ id }) => id.startsWith("embedded/storaiteller");
const ENGINE = { embedded: "In StorAIteller", ollama: "In Ollama" };

export class Models {
  list = [];
  active = null;
  isKnown = false;
  #dialog = byId("models");
  #pulls = new Map();

  /** `chosen()` is the tab's model id or null; `onChoose(id)`, `onFetched(id)` report. */
  constructor({ chosen, announcer, onChoose, onFetched, onChange }) {
    Object.assign(this, { chosen, announcer, onChoose, onFetched, onChange });
    byId("models-close").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("click", ({ target }) => target === this.#dialog && this.#dialog.close());
  }

  /** The id of the model that will write next. */
  get current() {
    return this.chosen() ?? this.active;
  }

  name(id) {
    return this.list.find((model) => model.id === id)?.name ?? id?.split("/").at(-1) ?? "No model";
  }

  /** The one to fetch when the model `id` is missing. */
  wanted(id) {
    const missing = this.list.filter((model) => !model.installed && !isOwn(model));
    return missing.find((model) => model.id === id) ?? missing[0];
  }

  isPulling(id) {
    return this.#pulls.has(id);
  }

  async refresh() {
    try {
      const { active, models: list } = await models();
      Object.assign(this, { active, list, isKnown: true });
      this.#trouble("");
    } catch (error) {
      this.#trouble(error.message);
    }
    this.#show();
    this.onChange();
  }

  open() {
    this.#dialog.showModal();
    this.refresh();
  }

  /** Fetch a model; progress is shown in its row. */
  async pull(model) {
    if (this.#pulls.has(model.id)) return;
    const stopper = new AbortController();
    const pull = { stopper, note: "Getting it…", done: 0, total: 0 };
    this.#pulls.set(model.id, pull);
    this.#trouble("");
    this.#show();
    try {
      await pullModel(model.id, { signal: stopper.signal, onProgress: (line) => this.#progress(model.id, pull, line) });
      this.announcer.state(`${model.name} is here.`);
      this.onFetched(model.id);
    } catch (error) {
      if (error.name !== "AbortError") this.#trouble(error.message);
    }
    this.#pulls.delete(model.id);
    await this.refresh();
  }

  stopPull(id) {
    this.#pulls.get(id)?.stopper.abort();
  }

  #progress(id, pull, { status, completed, total }) {
    if (total) Object.assign(pull, { done: completed ?? 0, total });
    pull.note = total ? `${percent(pull.done, total)} % of ${size(total)}` : status || pull.note;
    setText(pull.label ?? make("span"), pull.note);
    if (pull.bar && pull.total) pull.bar.value = pull.done / pull.total;
    this.onChange();
  }

  /** What a pull says of itself, for other places on the page. */
  pullNote(id) {
    return this.#pulls.get(id)?.note ?? "";
  }

  #trouble(sentence) {
    setText(byId("models-error"), sentence);
    if (sentence && !this.#dialog.open) this.announcer.error(sentence);
  }

  #show() {
    const focused = document.activeElement?.dataset?.model;
    const engines = [...new Set(this.list.map(({ engine }) => engine))];
    byId("models-list").replaceChildren(...engines.map((engine) => this.#group(engine)));
    const again = focused && byId("models-list").querySelector(`[data-model="${CSS.escape(focused)}"]`);
    again?.focus();
  }

  #group(engine) {
    const title = make("h3", { id: `engine-${engine}` }, ENGINE[engine] ?? engine);
    const rows = this.list.filter((model) => model.engine === engine).map((model) => this.#row(model));
    const list = make("ul", { className: "model-rows" }, ...rows);
    list.setAttribute("aria-labelledby", title.id);
    return make("section", {}, title, list);
  }

  #row(model) {
    const name = make("span", { className: "model-row-name" }, model.name);
    const facts = [model.size_bytes ? size(model.size_bytes) : "", model.detail].filter(Boolean).join(" · ");
    const about = make("span", { className: "model-row-facts" }, facts);
    if (!model.installed) return this.#missingRow(model, name, about);
    const active = model.id === this.current;
    const button = make("button", { type: "button", className: "model-row" }, name, about);
    if (active) button.append(make("span", { className: "model-row-mark" }, "In use"));
    button.dataset.model = model.id;
    button.setAttribute("aria-pressed", String(active));
    button.addEventListener("click", () => (this.onChoose(model.id), this.#dialog.close()));
    return make("li", {}, button);
  }

  #missingRow(model, name, about) {
    const pull = this.#pulls.get(model.id);
    const row = make("li", { className: "model-row is-missing" }, name, about);
    if (isOwn(model)) return row;
    const act = make("button", { type: "button", className: "outlined", textContent: pull ? "Stop" : "Get it" });
    act.setAttribute("aria-label", pull ? `Stop getting ${model.name}` : `Get ${model.name}`);
    act.dataset.model = model.id;
    act.addEventListener("click", () => (pull ? this.stopPull(model.id) : this.pull(model)));
    row.append(act);
    if (pull) {
      pull.bar = make("progress", { max: 1, ...(pull.total ? { value: pull.done / pull.total } : {}) });
      pull.bar.setAttribute("aria-label", `Getting ${model.name}`);
      pull.label = make("span", { className: "pull-note" }, pull.note);
      row.append(pull.bar, pull.label);
    }
    return row;
  }
}
