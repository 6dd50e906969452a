import assert from "node:assert/strict";
import { test } from "node:test";
import { BarRange } from "../../web/src/bar-range.js";
import { readCount } from "../../web/src/takes-count.js";

function made(from, to) {
  const editor = { text: "Ada ran. Bo sat.", selection: { from, to } };
  let isAllowed = true;
  const range = new BarRange({ editor, allowed: () => isAllowed });
  return { range, editor, forbid: () => (isAllowed = false) };
}

test("a bar is wanted for whole selected words, while there may be takes", () => {
  const { range, editor, forbid } = made(4, 9);
  assert.deepEqual(range.wanted, { from: 4, to: 8 });
  editor.selection = { from: 3, to: 3 };
  assert.equal(range.wanted, null);
  editor.selection = { from: 0, to: 3 };
  forbid();
  assert.equal(range.wanted, null);
});

test("a bar that was put away comes back for another selection, or when it is called", () => {
  const { range, editor } = made(0, 3);
  range.dismiss();
  assert.equal(range.wanted, null);
  editor.selection = { from: 9, to: 11 };
  assert.deepEqual(range.wanted, { from: 9, to: 11 });
  editor.selection = { from: 0, to: 3 };
  range.recall();
  assert.deepEqual(range.wanted, { from: 0, to: 3 });
});

test("a place between words is wanted until the cursor goes elsewhere", () => {
  const { range, editor } = made(8, 8);
  range.insert();
  assert.deepEqual(range.wanted, { from: 8, to: 8 });
  editor.selection = { from: 9, to: 9 };
  assert.equal(range.wanted, null);
  editor.selection = { from: 8, to: 8 };
  assert.equal(range.wanted, null);
});

test("how many takes are asked for is remembered, within reason", () => {
  const storage = (value) => ({ getItem: () => value });
  assert.deepEqual(["3", "0", "9", "x", null].map((value) => readCount(storage(value))), [3, 1, 1, 1, 1]);
  assert.equal(readCount({ getItem: () => { throw new Error("closed"); } }), 1);
});
