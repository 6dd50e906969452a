import assert from "node:assert/strict";
import { test } from "node:test";
import { card, manuscript, storyId } from "../../web/src/manuscript/manuscript.js";
import { passage, replacePassage, setPassage } from "../../web/src/manuscript/passage.js";
import { retell } from "../../web/src/manuscript/retelling.js";
import { EditorState, undo } from "./codemirror.mjs";

const TEXT = "Ada ran. 👩‍👩‍👧 fell\r\nהלכה. The end.";

function opened(selected, text = TEXT) {
  const from = text.indexOf(selected);
  const state = EditorState.create({ doc: text, extensions: [manuscript, passage] });
  return state.update({ effects: setPassage.of({ from, to: from + selected.length }) }).state;
}

const edit = (state, from, insert, to = from) => state.update({ changes: { from, to, insert } }).state;

test("accepting is one change; before and after stay what they were", () => {
  const selected = "👩‍👩‍👧 fell\r\nהלכה.";
  let state = opened(selected);
  state = state.update(replacePassage(state, "She e\u0301crit 🌙\r\n.")).state;
  assert.equal(state.sliceDoc(), TEXT.replace(selected, "She e\u0301crit 🌙\r\n."));
  assert.equal(state.field(passage), null);
  undo({ state, dispatch: (tr) => (state = tr.state) });
  assert.equal(state.sliceDoc(), TEXT);
});

test("a change lands where it belongs when the writer typed elsewhere", () => {
  let state = opened("The end.");
  state = edit(state, 0, "Chapter 1. ");
  state = edit(state, state.doc.length, " Fin.");
  assert.equal(state.field(passage).changed, false);
  state = state.update(replacePassage(state, "They lived.")).state;
  assert.equal(state.sliceDoc(), `Chapter 1. ${TEXT.replace("The end.", "They lived.")} Fin.`);
});

test("typing right at its ends stays outside the passage", () => {
  let state = opened("ran.");
  state = edit(state, 4, "quickly ");
  state = edit(state, state.field(passage).to, "!!");
  const { from, to, changed } = state.field(passage);
  assert.equal(state.sliceDoc(from, to), "ran.");
  assert.equal(changed, false);
});

test("a changed passage says so, and no more once the change is undone", () => {
  let state = opened("ran.");
  state = edit(state, 5, "X");
  assert.equal(state.field(passage).changed, true);
  state = edit(state, 5, "", 6);
  assert.equal(state.field(passage).changed, false);
});

test("a passage that was deleted is changed, and can still be written in its place", () => {
  let state = opened("ran.");
  state = edit(state, 2, "", 10);
  assert.equal(state.field(passage).changed, true);
  state = state.update(replacePassage(state, "walked.")).state;
  assert.ok(state.sliceDoc().startsWith("Adwalked."));
});

test("a place between words stays that, and a text goes there as one change", () => {
  let state = EditorState.create({ doc: "Ada ran. The end.", extensions: [manuscript, passage] });
  state = state.update({ effects: setPassage.of({ from: 8, to: 8 }) }).state;
  state = edit(edit(state, 8, "!"), 0, "So: ");
  const { from, to, changed } = state.field(passage);
  assert.deepEqual([from === to, changed], [true, false]);
  state = state.update(replacePassage(state, " Bo sat.")).state;
  assert.equal(state.sliceDoc(), "So: Ada ran.! Bo sat. The end.");
});

test("another telling of the story is one step to undo, and stays the same story of the library", () => {
  let state = EditorState.create({ doc: "Ada ran.", extensions: [manuscript, card.init(() => ({ id: "first" })), storyId.init(() => "s")] });
  state = state.update(retell(state, "Bo sat.", { id: "second" })).state;
  assert.deepEqual([state.sliceDoc(), state.field(card).id, state.field(storyId)], ["Bo sat.", "second", "s"]);
  undo({ state, dispatch: (tr) => (state = tr.state) });
  assert.deepEqual([state.sliceDoc(), state.field(card).id, state.field(storyId)], ["Ada ran.", "first", "s"]);
});
