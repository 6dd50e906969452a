import assert from "node:assert/strict";
import { test } from "node:test";
import { lineEnds } from "../../web/src/manuscript/line-ends.js";
import { manuscript } from "../../web/src/manuscript/manuscript.js";
import { deleteCharBackward, EditorState } from "./codemirror.mjs";

const open = (doc, anchor) => EditorState.create({ doc, selection: { anchor }, extensions: [manuscript, lineEnds] });
const select = (state, anchor) => state.update({ selection: { anchor } }).state.selection.main.head;

test("the cursor never stands inside a pair of line ends", () => {
  const state = open("ab\r\ncd", 0);
  assert.equal(select(state, 3), 2);
  assert.equal(select(open("ab\r\ncd", 2), 3), 4, "onwards from its start");
  assert.equal(select(open("ab\r\ncd", 4), 3), 2, "back from its end");
});

test("deleting takes both characters of a pair, and only of a pair", () => {
  const deleted = (doc, at) => {
    let state = open(doc, at);
    deleteCharBackward({ state, dispatch: (tr) => (state = tr.state) });
    return state.sliceDoc();
  };
  assert.equal(deleted("ab\r\ncd", 4), "abcd");
  assert.equal(deleted("ab\ncd", 3), "abcd");
});
