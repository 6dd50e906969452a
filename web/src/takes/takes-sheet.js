// All takes side by side, over the page: columns on a wide screen, one swipe apart on a phone. Reports what the writer wants of them.

import { byId, enable, onPress, setText } from "../common/elements.js";
import { MixTable } from "./mix-table.js";
import { TakeColumn } from "./take-column.js";
import { canAccept, isRunning, running } from "./takes.js";

/** As high as the window: a story has so many lines, or more. */
const MANY_LINES = 30;

export class TakesSheet {
  #dialog = byId("takes-sheet");
  #columns = new Map();
  #sight = null;

  /** `on`: accept(id), stop(id), stopAll, again, compare, discard, mix(text), and closed(). */
  constructor(on) {
    this.on = on;
    this.mixing = new MixTable({ onUse: on.mix, onChange: () => this.#draw() });
    onPress(byId("takes-sheet-close"), () => this.#dialog.close());
    onPress(byId("takes-compare"), on.compare);
    onPress(byId("takes-mix"), () => this.#toggleMix());
    onPress(byId("takes-again"), on.again);
    onPress(byId("takes-stop"), on.stopAll);
    onPress(byId("takes-discard"), on.discard);
    this.#dialog.addEventListener("cancel", (event) => this.#escaped(event));
    this.#dialog.addEventListener("close", () => this.#closed());
  }

  get isOpen() {
    return this.#dialog.open;
  }

  open(sight) {
    this.#dialog.showModal();
    this.show(sight);
    byId("takes-columns").scrollLeft = 0;
    if (this.#columns.size) this.focusTake(sight.takes.index);
    else byId("takes-again").focus();
  }

  close() {
    if (this.isOpen) this.#dialog.close();
  }

  show(sight) {
    this.#sight = sight;
    this.#draw();
  }

  /** Bring a take to the eye and the hand. */
  focusTake(index) {
    const column = [...this.#columns.values()][index];
    column?.element.scrollIntoView({ block: "nearest", inline: "nearest" });
    column?.focus();
  }

  #draw() {
    if (!this.#sight) return;
    const { takes, asked, problem, present, isCompared, isWhole, room } = this.#sight;
    this.#dialog.style.setProperty("--lines", isWhole ? MANY_LINES : room);
    const isMixing = this.mixing.isOpen;
    setText(byId("takes-sheet-asked"), asked);
    setText(byId("takes-sheet-problem"), problem);
    byId("takes-compare").setAttribute("aria-pressed", String(isCompared && !isMixing));
    byId("takes-compare").hidden = !present.trim();
    enable(byId("takes-compare"), !isMixing);
    byId("takes-mix").setAttribute("aria-pressed", String(isMixing));
    enable(byId("takes-mix"), isMixing || takes.list.some(canAccept));
    if (!running(takes).length && document.activeElement === byId("takes-stop")) byId("takes-again").focus();
    byId("takes-stop").hidden = running(takes).length === 0;
    setText(byId("takes-stop"), running(takes).length > 1 ? "Stop all" : "Stop");
    this.#drawColumns();
  }

  #drawColumns() {
    const { takes, present, isCompared, isChanged, isGone } = this.#sight;
    const mix = this.mixing.isOpen ? this.mixing : null;
    for (const [id, column] of this.#columns) {
      if (takes.list.some((take) => take.id === id)) continue;
      column.element.remove();
      this.#columns.delete(id);
    }
    for (const [at, take] of takes.list.entries()) {
      const column = this.#columns.get(take.id) ?? this.#add(take.id);
      column.show(take, { number: at + 1, present: isCompared && !mix ? present : null, mix: isRunning(take) ? null : mix, isChanged, isGone });
    }
    this.mixing.showPresent(mix && present.trim() ? present : "");
  }

  #add(id) {
    const column = new TakeColumn({ accept: () => this.on.accept(id), stop: () => this.on.stop(id) });
    this.#columns.set(id, column);
    byId("takes-columns").append(column.element);
    return column;
  }

  #toggleMix() {
    if (this.mixing.isOpen) this.mixing.close();
    else this.mixing.open();
    this.#draw();
  }

  /** Clear the table; returns the mix that lay on it. */
  leaveMix() {
    return this.mixing.leave();
  }

  /** To close the sheet of a whole story ends its takes: what is being written is stopped first, and then looked at. */
  #escaped(event) {
    if (!this.#sight.isWhole || !running(this.#sight.takes).length) return;
    event.preventDefault();
    this.on.stopAll();
  }

  #closed() {
    for (const { element } of this.#columns.values()) element.remove();
    this.#columns.clear();
    this.#sight = null;
    this.on.closed();
  }
}
