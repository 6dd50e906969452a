import assert from "node:assert/strict";
import { test } from "node:test";
import { BarRange } from "../../web/src/bar/bar-range.js";
import { readCount } from "../../web/src/takes/takes-count.js";

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

test("a place inside of a word is its end, before what ends the sentence", () => {
  const place = (text, cursor) => {
    const { range, editor } = made(cursor, cursor);
    editor.text = text;
    range.insert();
    assert.deepEqual(range.wanted.from, range.wanted.to);
    return range.wanted.to;
  };
  assert.deepEqual([8, 9, 10].map((at) => place("Ada ran. Bo sat.", at)), [8, 9, 11]);
  assert.equal(place("Ada ran.", 6), 7);
  assert.equal(place("She don’t.", 7), 9);
  assert.equal(place("Она ушла.", 6), 8);
  assert.equal(place("नमस्ते दुनिया", 3), 6);
  assert.equal(place("바다가 조용하다.", 1), 3);
  assert.equal(place("猫和灯塔。", 2), 2);
  assert.equal(place("コーヒー。", 2), 2);
  assert.equal(place("cafe\u0301s", 4), 6);
  assert.equal(place("🌙🌙", 2), 2);
});

test("how many takes are asked for is remembered, within reason", () => {
  const storage = (value) => ({ getItem: () => value });
  assert.deepEqual(["3", "0", "9", "x", null].map((value) => readCount(storage(value))), [3, 1, 1, 1, 1]);
  assert.equal(readCount({ getItem: () => { throw new Error("closed"); } }), 1);
});
