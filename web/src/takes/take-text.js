// The words of a take as they are shown: plain while they stream, or beside what stands in the story now.

import { make, setText } from "../common/elements.js";
import { textDiff } from "../text/text-diff.js";
import { isRunning } from "./takes.js";

const TAG = { added: "ins", removed: "del", same: "span" };

export class TakeText {
  #shown = "";

  constructor(properties = {}) {
    this.element = make("div", { className: "take-text", dir: "auto", ...properties });
  }

  /** Show a take, without the space that parts it from its neighbours; with `present` what it changes in that. */
  show(take, present = null) {
    const words = take.text.trimStart();
    const isCompared = present !== null && !isRunning(take) && words !== "";
    const key = JSON.stringify([isCompared ? present : null, words]);
    if (key === this.#shown) return;
    this.#shown = key;
    if (!isCompared) return setText(this.element, words);
    const pieces = textDiff(present, take.text);
    this.element.replaceChildren(...pieces.map(({ kind, text }) => make(TAG[kind], { className: `diff-${kind}` }, text)));
  }

  /** What is shown is drawn by somebody else now. */
  forget() {
    this.#shown = "";
  }
}

const STATE = { waiting: "Waiting…", writing: "Writing…", done: "", stopped: "Stopped", failed: "" };

/** Where a take stands, in a word or two. */
export const stateOf = (take) => (take.status === "writing" && !take.text && take.progress ? take.progress : STATE[take.status]);

export const nameOf = (take, number) => (take.by === "mix" ? "Your mix" : `Take ${number}`);
