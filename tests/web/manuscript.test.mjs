import assert from "node:assert/strict";
import { test } from "node:test";
import { begin, card, end, isWriting, manuscript, nameStory, recard, restore, storyId, takeOver, write } from "../../web/src/manuscript/manuscript.js";
import { EditorState, redo, redoDepth, undo, undoDepth } from "./codemirror.mjs";

/** An editor without a page: the state, and what the view does with transactions. */
class Desk {
  constructor(doc = "") {
    this.state = EditorState.create({ doc, extensions: manuscript });
  }
  get text() {
    return this.state.sliceDoc();
  }
  dispatch(...specs) {
    for (const spec of specs) this.state = this.state.update(spec).state;
  }
  command = (run) => run({ state: this.state, dispatch: (tr) => (this.state = tr.state) });
  type(from, insert, to = from) {
    this.dispatch({ changes: { from, to, insert }, userEvent: "input.type" });
  }
  tell(pieces, { replacing = true, id = "new" } = {}) {
    this.dispatch(...begin(this.state, { id }, { replacing }));
    for (const piece of pieces) this.dispatch(write(this.state, piece));
    this.dispatch(...end(this.state));
  }
}

test("a generation is one step: undo brings the earlier story back exactly, redo the new one", () => {
  const desk = new Desk("The old story.\r\n🌙");
  desk.tell(["Once ", "upon ", "a time."]);
  assert.equal(desk.text, "Once upon a time.");
  assert.equal(undoDepth(desk.state), 1);
  desk.command(undo);
  assert.equal(desk.text, "The old story.\r\n🌙");
  desk.command(redo);
  assert.equal(desk.text, "Once upon a time.");
});

test("what was typed before a generation can still be undone after it", () => {
  const desk = new Desk();
  desk.type(0, "Mine.");
  desk.tell(["New."]);
  desk.command(undo);
  desk.command(undo);
  assert.equal(desk.text, "");
  desk.command(redo);
  desk.command(redo);
  assert.equal(desk.text, "New.");
});

test("one step it stays when the writer edits meanwhile, and every word lands in its place", () => {
  const desk = new Desk("Old.");
  desk.dispatch(...begin(desk.state, { id: "n" }, { replacing: true }));
  desk.dispatch(write(desk.state, "Once upon "));
  desk.type(0, "Chapter 1\n");
  desk.dispatch(write(desk.state, "a time."));
  desk.dispatch({ selection: { anchor: 3 } });
  desk.type(10, "", 15);
  desk.dispatch(write(desk.state, " The end."));
  desk.dispatch(...end(desk.state));
  assert.equal(desk.text, "Chapter 1\nupon a time. The end.");
  desk.command(undo);
  assert.equal(desk.text, "Old.");
  assert.equal(undoDepth(desk.state), 0);
  desk.command(redo);
  assert.equal(desk.text, "Chapter 1\nupon a time. The end.");
});

test("while it is written, undo takes back only what the writer typed", () => {
  const desk = new Desk("Old.");
  desk.dispatch(...begin(desk.state, { id: "n" }, { replacing: true }));
  desk.dispatch(write(desk.state, "Once "));
  assert.equal(undoDepth(desk.state), 0);
  desk.type(0, "X");
  desk.dispatch(write(desk.state, "upon"));
  desk.command(undo);
  assert.equal(desk.text, "Once upon");
});

test("writing on is one step too, after what was there", () => {
  const desk = new Desk("Once upon");
  desk.tell([" a", " time"], { replacing: false });
  assert.equal(desk.text, "Once upon a time");
  desk.command(undo);
  assert.equal(desk.text, "Once upon");
});

test("typing right after a generation is a step of its own", () => {
  const desk = new Desk();
  desk.tell(["Once."]);
  desk.type(5, "!");
  desk.command(undo);
  assert.equal(desk.text, "Once.");
});

test("several generations are several steps", () => {
  const desk = new Desk();
  for (const story of ["One.", "Two.", "Three."]) desk.tell([story], { id: story });
  const seen = [];
  while (undoDepth(desk.state)) seen.push((desk.command(undo), desk.text));
  assert.deepEqual(seen, ["Two.", "One.", ""]);
  assert.equal(redoDepth(desk.state), 3);
});

test("undo brings back the earlier story's card, redo the later one's", () => {
  const desk = new Desk();
  desk.tell(["One."], { id: "one" });
  desk.dispatch(recard(desk.state, { ended: "stop" }));
  desk.tell(["Two."], { id: "two" });
  desk.dispatch(recard(desk.state, { ended: "cancelled" }));
  desk.command(undo);
  assert.deepEqual(desk.state.field(card), { id: "one", ended: "stop" });
  desk.command(redo);
  assert.deepEqual(desk.state.field(card), { id: "two", ended: "cancelled" });
});

test("a page that was cleared carries no story; undo brings story and card back", () => {
  const desk = new Desk();
  desk.tell(["One."], { id: "one" });
  desk.type(0, " ", 4);
  assert.equal(desk.state.field(card), null);
  desk.command(undo);
  assert.deepEqual([desk.text, desk.state.field(card)], ["One.", { id: "one" }]);
});

test("carriage returns come back as they went in", () => {
  for (const text of ["a\r\nb", "a\rb\nc\r\nd", "\r\n\r\n"]) {
    const desk = new Desk(text);
    assert.equal(desk.text, text);
    desk.type(0, "x\r\ny");
    assert.equal(desk.text, `x\r\ny${text}`);
    desk.tell([" and\r\non"], { replacing: false });
    assert.equal(desk.text, `x\r\ny${text} and\r\non`);
  }
});

test("the pen is down only from begin to end", () => {
  const desk = new Desk();
  assert.ok(!isWriting(desk.state));
  desk.dispatch(...begin(desk.state, null, { replacing: true }));
  assert.ok(isWriting(desk.state));
  desk.dispatch(...end(desk.state));
  assert.ok(!isWriting(desk.state));
});

test("a generation is another story of the library, and undo brings the earlier one's id back", () => {
  const desk = new Desk();
  desk.type(0, "Mine.");
  desk.dispatch(nameStory(desk.state, "first"));
  desk.dispatch(...begin(desk.state, { id: "new" }, { replacing: true, id: "second" }));
  desk.dispatch(write(desk.state, "New."));
  desk.dispatch(...end(desk.state));
  assert.equal(desk.state.field(storyId), "second");
  desk.command(undo);
  assert.deepEqual([desk.text, desk.state.field(storyId)], ["Mine.", "first"]);
  desk.command(redo);
  assert.deepEqual([desk.text, desk.state.field(storyId)], ["New.", "second"]);
});

test("writing on stays in the same story", () => {
  const desk = new Desk("Once");
  desk.dispatch(nameStory(desk.state, "first"));
  desk.tell([" more"], { replacing: false });
  assert.equal(desk.state.field(storyId), "first");
});

test("a page that was cleared leaves its story; undo comes back to it", () => {
  const desk = new Desk("Once.");
  desk.dispatch(nameStory(desk.state, "first"));
  desk.type(0, "", 5);
  assert.equal(desk.state.field(storyId), null);
  desk.command(undo);
  assert.equal(desk.state.field(storyId), "first");
});

/** Two stories on one page, A and then B, as `[text, id]` shows them. */
function twoStories() {
  const desk = new Desk("Mine.");
  desk.dispatch(nameStory(desk.state, "a"));
  desk.dispatch(...begin(desk.state, { id: "b" }, { replacing: true, id: "b" }));
  desk.dispatch(write(desk.state, "New."));
  desk.dispatch(...end(desk.state));
  return Object.assign(desk, { shown: () => [desk.text, desk.state.field(storyId)], after: (run) => (desk.command(run), desk.shown()) });
}

test("what another window wrote is a step of its own, apart from what is typed before and after", () => {
  const desk = new Desk("Once.");
  desk.type(0, "Mine. ");
  desk.dispatch(takeOver(desk.state, "Mine. Once. Theirs."));
  desk.type(0, "I: ");
  const seen = [];
  while (undoDepth(desk.state)) seen.push((desk.command(undo), desk.text));
  assert.deepEqual(seen, ["Mine. Once. Theirs.", "Mine. Once.", "Once."]);
});

test("words that another window put into a story never come into another one, by Undo or Redo", () => {
  const desk = twoStories();
  desk.dispatch(takeOver(desk.state, "New. Theirs."));
  const undone = [["New.", "b"], ["Mine.", "a"]];
  for (const shown of undone) assert.deepEqual(desk.after(undo), shown);
  assert.equal(undoDepth(desk.state), 0);
  for (const shown of [["New.", "b"], ["New. Theirs.", "b"]]) assert.deepEqual(desk.after(redo), shown);
  for (const shown of undone) assert.deepEqual(desk.after(undo), shown);
});

test("nor do words that came while the story was undone", () => {
  const desk = twoStories();
  desk.command(undo);
  desk.dispatch(takeOver(desk.state, "Mine. Theirs."));
  assert.deepEqual(desk.after(redo), ["Mine. Theirs.", "a"]);
  assert.deepEqual(desk.after(undo), ["Mine.", "a"]);
  assert.deepEqual(desk.after(redo), ["Mine. Theirs.", "a"]);
  assert.equal(redoDepth(desk.state), 0);
});

test("a version that is brought back is one step to undo", () => {
  const desk = new Desk("Now.");
  desk.dispatch(restore(desk.state, "Then.\r\n"));
  assert.equal(desk.text, "Then.\r\n");
  desk.command(undo);
  assert.equal(desk.text, "Now.");
});

test("a version that is there already is no step to undo", () => {
  const desk = new Desk("Now.");
  desk.type(4, " And on.");
  desk.dispatch(restore(desk.state, "Now. And on."));
  desk.command(undo);
  assert.equal(desk.text, "Now.");
});

test("a story that parts from another is another one to learn from, under its own name", () => {
  const desk = new Desk();
  desk.tell(["Once."], { id: "told" });
  desk.dispatch(nameStory(desk.state, "one"));
  assert.equal(desk.state.field(card).id, "told");
  desk.dispatch(nameStory(desk.state, "other"));
  assert.deepEqual([desk.state.field(card).id, desk.state.field(storyId), undoDepth(desk.state)], ["other", "other", 1]);
});
