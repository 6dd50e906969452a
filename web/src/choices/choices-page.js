// What can be done on the page "Your choices": look through them, strike out, put back.

import { byId, make, onPress, setText } from "../common/elements.js";
import { ToldBar } from "../common/told-bar.js";
import { listPairs, putBack, strikeOut } from "../server/preferences-api.js";
import { choiceRow } from "./choice-row.js";
import { counts, standing, struck } from "./choices-words.js";

const PAGE = 20;
const MOST = 1000;
const UNREAD = "Your choices could not be read.";

export class ChoicesPage {
  #told = null;
  #asked = 0;
  #list = byId("pairs");
  #bar = new ToldBar({ onPutAway: () => byId("choices-title").focus({ preventScroll: true }) });

  constructor() {
    onPress(byId("again"), () => this.read());
    onPress(byId("more"), () => this.more());
    document.addEventListener("visibilitychange", () => document.hidden || this.read());
  }

  /** Ask again for what is shown. */
  async read() {
    const shown = this.#told?.pairs.length ?? 0;
    const told = await this.#get({ offset: 0, limit: Math.min(Math.max(PAGE, shown), MOST) });
    byId("page-foot").hidden = false;
    if (!told || JSON.stringify(told) === JSON.stringify(this.#told)) return;
    this.#told = told;
    this.#draw();
  }

  async more() {
    const told = await this.#get({ offset: this.#told.pairs.length, limit: PAGE });
    if (!told) return;
    const known = new Set(this.#told.pairs.map(({ id }) => id));
    const more = told.pairs.filter(({ id }) => !known.has(id));
    this.#told = { ...told, pairs: [...this.#told.pairs, ...more] };
    this.#list.append(...more.map((pair) => this.#row(pair)));
    this.#drawAround();
    if (more.length) this.#find(more[0].id).querySelector("h2").focus();
  }

  /** Strike a pair out, or put it back; the other is offered at once. */
  async #toggle({ id, struck_out: isStruck }) {
    try {
      const pair = await (isStruck ? putBack(id) : strikeOut(id));
      this.#replace(pair);
      this.#bar.say(isStruck ? counts(pair) : struck(pair), { undo: () => this.#toggle(pair) });
      if (isStruck) this.read(); // its opposite counts no longer
    } catch (error) {
      this.#bar.say(error.message, { tone: "error" });
      if (error.status === 404) this.read();
    }
  }

  #replace(pair) {
    const was = this.#told.pairs.find(({ id }) => id === pair.id);
    if (!was) return void this.read(); // it is further down by now
    const pairs = this.#told.pairs.map((each) => (each.id === pair.id ? pair : each));
    this.#told = { ...this.#told, pairs, counting: this.#told.counting + Number(pair.counts) - Number(was.counts) };
    this.#redraw(pair);
    this.#drawAround();
  }

  /** One row anew, with its fold as it was and the focus where it was. */
  #redraw(pair) {
    const [old, row] = [this.#find(pair.id), this.#row(pair)];
    const hadFocus = old.contains(document.activeElement);
    row.querySelector("details").open = old.querySelector("details").open;
    old.replaceWith(row);
    if (hadFocus) row.querySelector(".pair-toggle").focus();
  }

  async #get(part) {
    const turn = (this.#asked += 1);
    byId("choices").setAttribute("aria-busy", "true");
    try {
      const told = await listPairs(part);
      if (turn !== this.#asked) return null;
      byId("failed").hidden = true;
      return told;
    } catch ({ message }) {
      this.#fail(message);
      return null;
    } finally {
      if (turn === this.#asked) byId("choices").setAttribute("aria-busy", "false");
    }
  }

  #draw() {
    const focused = document.activeElement?.closest("[data-pair]")?.dataset.pair;
    const open = new Set([...this.#list.querySelectorAll("details[open]")].map((fold) => fold.closest("[data-pair]").dataset.pair));
    this.#list.replaceChildren(...this.#told.pairs.map((pair) => this.#row(pair)));
    for (const id of open) this.#find(id)?.querySelector("details").setAttribute("open", "");
    this.#drawAround();
    if (focused) (this.#find(focused)?.querySelector(".pair-toggle") ?? byId("choices-title")).focus();
  }

  #drawAround() {
    const { total, pairs } = this.#told;
    setText(byId("standing"), standing(this.#told));
    byId("none").hidden = total > 0;
    byId("lead").hidden = !total;
    byId("more").hidden = pairs.length >= total;
  }

  #row(pair) {
    return choiceRow(pair, (wanted) => this.#toggle(wanted));
  }

  #find(id) {
    return this.#list.querySelector(`[data-pair="${id}"]`);
  }

  #fail(sentence) {
    if (!this.#told) setText(byId("standing"), UNREAD);
    setText(byId("failed-why"), sentence);
    byId("failed").hidden = false;
    byId("announce-error").replaceChildren(make("p", {}, sentence));
  }
}
