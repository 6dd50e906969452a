import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import * as manuscript from "../../web/src/manuscript/manuscript.js";
import { reopened, undermost } from "../../web/src/manuscript/reopening.js";
import { onItsWay, takenUp } from "../../web/src/telling/tale.js";
import { Telling } from "../../web/src/telling/telling.js";
import { EditorState, undo } from "./codemirror.mjs";

globalThis.document = { hidden: false, addEventListener: () => {} };
globalThis.requestAnimationFrame = () => 0; // the ink is put down when the test says so

const SETTINGS = { max_words: 100 };
const ignored = () => {};
const silent = { state: ignored, error: ignored, hear: ignored, finish: ignored };

beforeEach(() => mock.timers.enable({ apis: ["setInterval", "setTimeout"] }));
afterEach(() => mock.timers.reset());

/** The editor without a page. */
class FakeEditor {
  constructor(desk) {
    const { text, card = null, story = null } = undermost(desk);
    const extensions = [manuscript.manuscript, manuscript.card.init(() => card), manuscript.storyId.init(() => story)];
    this.earlier = desk?.earlier ?? null;
    this.state = reopened(EditorState.create({ doc: text, extensions }), desk);
  }
  get text() {
    return this.state.sliceDoc();
  }
  get card() {
    return this.state.field(manuscript.card);
  }
  get story() {
    return this.state.field(manuscript.storyId);
  }
  get pen() {
    return manuscript.penPlace(this.state);
  }
  #dispatch = (...specs) => specs.forEach((spec) => (this.state = this.state.update(spec).state));
  begin(card, { replacing }) {
    if (replacing && this.text.trim()) this.earlier = { text: this.text, card: this.card, story: this.story };
    this.#dispatch(...manuscript.begin(this.state, card, { replacing, id: card.id }));
  }
  write = (text) => this.#dispatch(manuscript.write(this.state, text));
  end = () => this.#dispatch(...manuscript.end(this.state));
  recard = (change) => this.#dispatch(manuscript.recard(this.state, change));
  type = (from, insert, to = from) => this.#dispatch({ changes: { from, to, insert }, userEvent: "input.type" });
  undo = () => undo({ state: this.state, dispatch: (tr) => (this.state = tr.state) });
}

/** A page at a desk; `line` is its connection, and tells what a test wants. */
class Window {
  over = [];
  /** What was on its way whenever that was to be kept at once. */
  kept = [];
  asked = null;
  /** Whether what was told is kept at its end, or a promise of it. */
  safe = true;
  constructor(desk = null) {
    const known = desk && { ...desk, telling: onItsWay(desk) };
    this.editor = new FakeEditor(known);
    const connection = {
      request: (message, listen) => Object.assign(this, { asked: message, listen }),
      resume: (id, seq, listen) => Object.assign(this, { asked: { type: "resume", id, seq }, listen }),
      stop: (id) => (this.stopped = id),
      keep: (id) => (this.keptBy = [id, this.over.length]),
    };
    this.telling = new Telling({
      editor: this.editor, connection, announcer: silent, onChange: ignored, onTrouble: ignored,
      onAsked: () => this.kept.push(this.telling.kept), onOver: (tale) => (this.over.push(tale), this.safe), diagnose: async () => "",
    });
    if (known?.telling) this.telling.resume(known.telling);
  }
  tell(pieces, from = 0) {
    pieces.forEach((text, index) => this.listen({ type: "chunk", id: this.asked.id, seq: from + index, text }));
  }
  done = (reason = "stop") => this.listen({ type: "done", id: this.asked.id, finish_reason: reason, words: 9, tokens_per_second: 1 });

  /** What a desk keeps of it, as a reload finds it. */
  get desk() {
    const { editor, telling } = this;
    telling.flush();
    const { text, card, story, earlier } = editor;
    return JSON.parse(JSON.stringify({ text, card, story, earlier, telling: telling.kept }));
  }
}

const PIECES = ["Once ", "upon ", "", "a 🌙 ", "time."];
const WHOLE = "Once upon a 🌙 time.";

test("a reload anywhere in a story ends in the very same text, one step of Undo after the story before", () => {
  for (let at = 0; at <= PIECES.length; at += 1) {
    const first = new Window({ text: "The old one.", card: { id: "c" }, story: "s".repeat(32) });
    first.telling.write(SETTINGS, "m");
    first.tell(PIECES.slice(0, at));
    const { story } = first.asked;
    const again = new Window(first.desk);
    assert.deepEqual(again.asked, { type: "resume", id: first.asked.id, seq: 0 });
    assert.ok(again.telling.busy);
    again.tell(PIECES);
    again.done();
    assert.equal(again.editor.text, WHOLE, `after ${at}`);
    assert.deepEqual([again.editor.story, again.editor.card.ended, again.telling.kept], [story, "stop", null]);
    assert.ok(again.over[0].isWhole(WHOLE));
    again.editor.undo();
    assert.deepEqual([again.editor.text, again.editor.card.id], ["The old one.", "c"], `after ${at}`);
  }
});

test("what was typed elsewhere stays, before and behind the pen, and before and after the reload", () => {
  const first = new Window();
  first.telling.write(SETTINGS, "m");
  first.tell(PIECES.slice(0, 2));
  first.telling.flush();
  first.editor.type(0, "Chapter 1\n");
  first.editor.type(first.editor.text.length, " Behind.");
  first.tell(PIECES.slice(2, 3), 2);
  const again = new Window(first.desk);
  again.editor.type(0, "# ");
  again.tell(PIECES);
  again.done();
  assert.equal(again.editor.text, `# Chapter 1\n${WHOLE.slice(0, 10)} Behind.${WHOLE.slice(10)}`);
  assert.ok(again.over[0].isWhole(WHOLE), "the server knows nothing of what was typed");
});

test("a story that was continued is told to its end, and Undo takes away what was written on, and no more", () => {
  for (const earlier of [null, { text: "The one before.", card: null, story: "e".repeat(32) }]) {
    const first = new Window({ text: "Ada ran. ", card: { id: "c" }, story: "s".repeat(32), earlier });
    first.telling.continue(SETTINGS, "m");
    assert.equal(first.asked.story, "s".repeat(32));
    first.tell(PIECES.slice(0, 2));
    first.telling.flush();
    first.editor.type(0, "So: ");
    const again = new Window(first.desk);
    again.tell(PIECES);
    again.done();
    assert.equal(again.editor.text, `So: Ada ran. ${WHOLE}`);
    assert.ok(again.over[0].isWhole(`Ada ran. ${WHOLE}`));
    again.editor.undo();
    assert.equal(again.editor.text, "So: Ada ran. ");
    if (earlier) again.editor.undo();
    if (earlier) assert.equal(again.editor.text, "The one before.");
  }
});

test("a story is known to be on its way as soon as it is asked for, and to be over though no word came", async () => {
  const window = new Window({ text: "Ada ran. ", card: null, story: null });
  window.telling.continue(SETTINGS, "m");
  assert.deepEqual([window.kept.length, window.kept[0]?.id, window.kept[0]?.begun], [1, window.asked.id, false]);
  window.telling.stop();
  window.done("cancelled");
  assert.deepEqual([window.over.length, window.over[0].begun, window.telling.kept], [1, false, null]);
  await null;
  assert.deepEqual(window.keptBy, [window.asked.id, 1], "the server is told once the desk knows");
});

test("the server is not told to leave a story alone that neither this browser nor the library has", async () => {
  for (const isSaved of [true, false]) {
    const window = new Window();
    window.telling.write(SETTINGS, "m");
    let save;
    window.safe = new Promise((resolve) => (save = resolve));
    window.tell(PIECES);
    window.done();
    await window.over;
    assert.equal(window.keptBy, undefined, "this browser has no room for it");
    save(isSaved);
    await window.safe;
    await null;
    assert.equal(Boolean(window.keptBy), isSaved);
  }
});

test("a story that was stopped stays stopped over a reload", () => {
  const first = new Window();
  first.telling.write(SETTINGS, "m");
  first.tell(PIECES.slice(0, 2));
  first.telling.stop();
  const again = new Window(first.desk);
  assert.deepEqual([again.stopped, again.telling.state.phase], [first.asked.id, "stopping"]);
  again.tell(PIECES.slice(0, 3));
  again.done("cancelled");
  assert.equal(again.editor.text, PIECES.slice(0, 3).join(""));
  assert.match(again.telling.state.note, /^Stopped at/);
});

test("a line that drops is said quietly, and the story goes on when it is back", () => {
  const window = new Window();
  window.telling.write(SETTINGS, "m");
  window.tell(PIECES.slice(0, 2));
  window.listen({ type: "away", id: window.asked.id });
  assert.deepEqual([window.telling.state.phase, window.telling.state.tone, window.telling.busy], ["away", "", true]);
  assert.match(window.telling.state.note, /dropped/);
  window.tell(PIECES.slice(2), 2);
  assert.equal(window.telling.state.phase, "writing");
  window.done();
  assert.equal(window.editor.text, WHOLE);
});

test("a story that the server knows nothing of any more is interrupted where it stands", () => {
  const first = new Window();
  first.telling.write(SETTINGS, "m");
  first.tell(PIECES.slice(0, 2));
  const again = new Window(first.desk);
  again.listen({ type: "lost", id: again.asked.id });
  assert.match(again.telling.state.note, /interrupted at 2 words/);
  assert.equal(again.telling.state.tone, "");
  assert.deepEqual([again.editor.text, again.editor.pen, again.telling.busy], ["Once upon ", null, false]);
  first.listen({ type: "lost", id: first.asked.id });
  assert.match(first.telling.state.note, /dropped.*continue/);
});

const told = (before, generated, more = {}) => ({ id: "g", story: "s".repeat(32), before, generated, settings: SETTINGS, model: "m", ...more });

test("a story that is being written is taken up wherever its text was cut, and Undo takes away no more than was written", () => {
  for (const [before, kind] of [["", "new"], ["Ada ran. ", "continued"]]) {
    for (let at = 0; at <= WHOLE.length; at += 1) {
      const text = before + WHOLE.slice(0, at);
      const telling = takenUp(told(before, WHOLE.slice(0, at + 3)), text);
      const window = new Window({ text, story: "s".repeat(32), card: null, telling });
      window.tell(PIECES);
      window.done();
      assert.equal(window.editor.text, before + WHOLE, `${kind}, after ${at}`);
      assert.ok(window.over[0].isWhole(before + WHOLE));
      window.editor.undo();
      assert.equal(window.editor.text, before, `${kind}, after ${at}`);
    }
  }
});

test("a story that the library does not have yet begins where the last one lay", () => {
  const telling = takenUp(told("", "Once "), null);
  const window = new Window({ text: "", story: null, card: null, telling });
  window.tell(PIECES);
  window.done();
  assert.deepEqual([window.editor.text, window.editor.story], [WHOLE, "s".repeat(32)]);
});

test("a text that is no beginning of it is not written on", () => {
  for (const text of ["Ada ran", "", "Bo ran. ", "Ada ran. Once more", "# Ada ran. Once", "Ada ran. Once upon a time. The end."]) {
    assert.equal(takenUp(told("Ada ran. ", "Once upon a time."), text), null, text);
  }
  assert.equal(takenUp(told("Ada ran. ", "Once "), null), null, "the library lost what it went on from");
});

test("a desk that tells no sense of a story on its way is one without it", () => {
  const telling = { id: "g", settings: SETTINGS, taken: 4, begun: true, pen: { from: 0, at: 4 } };
  assert.deepEqual(onItsWay({ text: "Once", telling }), telling);
  assert.deepEqual(onItsWay({ text: "", telling: { ...telling, begun: false, pen: null } })?.begun, false);
  for (const wrong of [null, {}, { ...telling, pen: null }, { ...telling, pen: { from: 0, at: 5 } }, { ...telling, taken: "1" }, { ...telling, pen: { from: 3, at: 2 } }]) {
    assert.equal(onItsWay({ text: "Once", telling: wrong }), null);
  }
  assert.equal(onItsWay(null), null);
});
