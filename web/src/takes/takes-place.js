// Where takes go: a passage in the text, or the whole story. Both know what stands there now, and how to put a take in its place.

import { attribute } from "../manuscript/manuscript.js";
import { retell } from "../manuscript/retelling.js";
import { newId } from "../text/new-id.js";
import { slice, toPoints, toUnits } from "../text/runs.js";
import { cutPassage, isBlank } from "../text/story.js";
import { mixedOrigins } from "./mix-origins.js";

/** A passage, or a place between words; the suggestion stands right behind it. */
export class InText {
  isWhole = false;

  constructor(editor, range) {
    Object.assign(this, { editor, range });
  }

  open() {
    this.editor.openPassage(this.range);
    this.editor.unselect();
  }

  close() {
    this.editor.closePassage();
  }

  /** `{before, selected, after}` as they are now. */
  get parts() {
    return cutPassage(this.editor.text, this.editor.passage ?? this.range);
  }

  /** The writer changed the words since. */
  get isChanged() {
    return this.editor.passage?.changed ?? false;
  }

  /** There were words, and the writer took them all away. */
  get isGone() {
    const { from, to } = this.editor.passage ?? {};
    return this.isChanged && from === to;
  }

  /** What stands there now is what the next takes are for. */
  renew() {
    this.editor.openPassage(this.editor.passage);
  }

  take(take, { takes }) {
    this.editor.replacePassage(take.text, whose(take, takes, this.editor, this.editor.passage));
  }
}

/** Runs over the letters of a mix; null for what the model wrote as it is. */
function whose({ by, text }, { list }, editor, { from, to }) {
  if (by !== "mix") return null;
  const present = editor.text.slice(from, to);
  const takes = list.filter((other) => other.by === "model").map((other) => other.text);
  return mixedOrigins(text, { takes, present, runs: slice(toUnits(editor.text, editor.origins), from, to) });
}

/** All that is on the page. */
export class WholeStory {
  isWhole = true;
  isChanged = false;
  isGone = false;

  constructor(editor) {
    this.editor = editor;
  }

  open() {}
  close() {}
  renew() {}

  get parts() {
    return { before: "", selected: this.editor.text, after: "" };
  }

  /** One step to undo; words that were there stay this story's, and its versions. */
  take(take, { about: { settings, model }, takes }) {
    const { editor } = this;
    const { text, finish } = take;
    const runs = whose(take, takes, editor, { from: 0, to: editor.text.length });
    const card = { id: newId(), settings, model, ended: finish };
    if (isBlank(editor.text)) {
      editor.begin(card, { replacing: true });
      editor.write(text);
      if (runs) editor.change(attribute, toPoints(text, runs));
      editor.end();
    } else editor.change(retell, text, card, runs);
    window.scrollTo(0, 0);
  }
}
