// Stories from files: chosen with a button, or dropped anywhere on the page; and what became of them.

import { byId, make, setText } from "../common/elements.js";
import { importFiles } from "../server/library-api.js";
import { importOutcome } from "./shelf-words.js";

const isFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files") ?? false;

export class Files {
  #input = byId("import");
  #isBusy = false;

  /** `say(sentence, {tone})` tells, `onTaken()` hears that there are new stories. */
  constructor({ say, onTaken }) {
    Object.assign(this, { say, onTaken });
    this.#input.addEventListener("change", () => this.take([...this.#input.files]));
    byId("outcome-close").addEventListener("click", () => this.#putAway());
    document.addEventListener("dragover", (event) => this.#over(event));
    document.addEventListener("dragleave", (event) => event.relatedTarget || this.#dragging(false));
    document.addEventListener("drop", (event) => this.#drop(event));
  }

  async take(files) {
    if (!files.length || this.#isBusy) return;
    this.#isBusy = true;
    this.say(files.length === 1 ? `Reading ${files[0].name}…` : `Reading ${files.length} files…`);
    try {
      const told = await importFiles(files);
      this.#show(told);
      this.onTaken(told);
    } catch ({ message }) {
      this.say(message, { tone: "error" });
    }
    this.#isBusy = false;
    this.#input.value = "";
  }

  #show(told) {
    const sentence = importOutcome(told);
    const isRefused = told.refused.length > 0;
    byId("outcome").hidden = !isRefused;
    this.say(isRefused ? sentence.replace(/:$/, ".") : sentence);
    if (!isRefused) return;
    setText(byId("outcome-words"), sentence);
    const rows = told.refused.map(({ name, why }) => make("li", {}, make("strong", { dir: "auto" }, name), ` ${why}`));
    byId("refused").replaceChildren(...rows);
    byId("outcome").focus();
  }

  #putAway() {
    byId("outcome").hidden = true;
    this.#input.focus();
  }

  #over(event) {
    if (!isFiles(event) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    this.#dragging(true);
  }

  #drop(event) {
    if (!isFiles(event)) return;
    event.preventDefault();
    this.#dragging(false);
    this.take([...event.dataTransfer.files]);
  }

  #dragging(isOver) {
    byId("dropping").hidden = !isOver;
  }
}
