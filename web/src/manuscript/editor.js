// The page: CodeMirror as plain text, with what the app does to it. Everything goes out as strings.

import { historyKeymap, redo, redoDepth, standardKeymap, undo, undoDepth } from "@codemirror/commands";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { ariaKeys } from "../common/keys.js";
import { lifting } from "../origins/lifted.js";
import { originMarks } from "../origins/origin-marks.js";
import { kept, origins } from "../origins/origins.js";
import { toUnits } from "../text/runs.js";
import { isBlank } from "../text/story.js";
import { directions } from "./directions.js";
import { lineEnds } from "./line-ends.js";
import * as manuscript from "./manuscript.js";
import { marks, setPicked } from "./marks.js";
import { passage, replacePassage, setPassage } from "./passage.js";
import { reopened, undermost } from "./reopening.js";

const STORY_KEYS = ["write", "rewrite", "insert", "words", "good"].map(ariaKeys).join(" ");
const NEAR_END = 48;
const paper = document.scrollingElement;
const atEnd = () => window.innerHeight + window.scrollY >= paper.scrollHeight - NEAR_END;

const lift = (_, view) => view.dispatch(lifting(view.state, view.state.field(origins)));

export class Editor {
  /** `onUpdate(update)` after every change of text, selection or marks. */
  constructor({ parent, nonce, box, desk, onUpdate }) {
    /** The story that the last one replaced, `{text, card, story, origins}` or null: Undo brings it back, after a reload too. */
    this.earlier = desk?.earlier ?? null;
    const first = undermost(desk);
    const state = EditorState.create({
      doc: first.text,
      extensions: [
        manuscript.manuscript,
        manuscript.card.init(() => first.card),
        manuscript.storyId.init(() => first.story ?? null),
        origins.init(() => toUnits(first.text, first.origins)),
        passage,
        lineEnds,
        marks(box),
        originMarks,
        EditorView.domEventHandlers({ copy: lift, cut: lift }),
        keymap.of([...historyKeymap, ...standardKeymap]),
        placeholder("Once upon a time…"),
        EditorView.cspNonce.of(nonce),
        EditorView.contentAttributes.of({
          "aria-label": "Story", "aria-keyshortcuts": STORY_KEYS, spellcheck: "true", autocorrect: "on", autocapitalize: "sentences",
        }),
        directions,
        EditorView.updateListener.of(onUpdate),
      ],
    });
    this.view = new EditorView({ parent, state: reopened(state, desk) });
  }

  get text() {
    return this.view.state.doc.toString();
  }

  /** The text as a value that is another one after every change. */
  get doc() {
    return this.view.state.doc;
  }

  get card() {
    return this.view.state.field(manuscript.card);
  }

  get isWriting() {
    return manuscript.isWriting(this.view.state);
  }

  /** Where the pen was put down, and where it is: `{from, at}`, or null. */
  get pen() {
    return manuscript.penPlace(this.view.state);
  }

  /** The id that the story has in the library, or null. */
  get story() {
    return this.view.state.field(manuscript.storyId);
  }

  /** Who wrote what, as it is kept. */
  get origins() {
    return kept(this.view.state);
  }

  get passage() {
    return this.view.state.field(passage);
  }

  get selection() {
    const { from, to } = this.view.state.selection.main;
    return { from, to };
  }

  get canUndo() {
    return undoDepth(this.view.state) > 0;
  }

  get canRedo() {
    return redoDepth(this.view.state) > 0;
  }

  undo = () => undo(this.view);
  redo = () => redo(this.view);
  focus = () => this.view.focus();

  /** Start to write a story (`replacing` the one that is there) or to write on. */
  begin(card, { replacing }) {
    if (replacing && !isBlank(this.text)) this.earlier = { text: this.text, card: this.card, story: this.story, origins: this.origins };
    for (const spec of manuscript.begin(this.view.state, card, { replacing, id: card.id })) this.view.dispatch(spec);
    if (replacing) window.scrollTo(0, 0);
  }

  /** Write on; the page follows only if its end was in sight. */
  write(text) {
    const follow = atEnd();
    this.view.dispatch(manuscript.write(this.view.state, text));
    if (follow) window.scrollTo(0, paper.scrollHeight);
  }

  end() {
    for (const spec of manuscript.end(this.view.state)) this.view.dispatch(spec);
  }

  /** Note something about the story: how it ended, under which id it is kept. */
  recard = (change) => this.change(manuscript.recard, change);

  /** Dispatch what the manuscript makes of the state and `values`: `change(manuscript.takeOver, text)`. */
  change(make, ...values) {
    this.view.dispatch(make(this.view.state, ...values));
  }

  pick(range) {
    this.view.dispatch({ effects: setPicked.of(range) });
  }

  openPassage(range) {
    this.view.dispatch({ effects: [setPicked.of(null), setPassage.of(range)] });
  }

  /** Let go of the selection: what was picked has been taken up. */
  unselect() {
    this.view.dispatch({ selection: { anchor: this.selection.to } });
    document.getSelection()?.removeAllRanges();
  }

  /** Select a range, as the writer would. */
  select({ from, to }) {
    this.view.dispatch({ selection: { anchor: from, head: to }, userEvent: "select" });
  }

  /** Put words down in place of the selection: one step to undo. */
  insert(text) {
    const { from, to } = this.selection;
    this.view.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from + text.length }, userEvent: "input.insert", scrollIntoView: true });
  }

  closePassage() {
    this.view.dispatch({ effects: setPassage.of(null) });
  }

  replacePassage = (text, runs) => this.change(replacePassage, text, runs);

  /** The suggestion's box changed its height. */
  remeasure() {
    this.view.requestMeasure();
  }

  /** Where a range stands in the window: its top, bottom, and the middle of its first line. */
  place({ from, to }) {
    const [start, end] = [this.view.coordsAtPos(from, 1), this.view.coordsAtPos(to, -1)];
    return start && end ? { top: start.top, bottom: end.bottom, left: start.left, right: end.right } : null;
  }
}
