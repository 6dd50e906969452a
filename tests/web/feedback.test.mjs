import assert from "node:assert/strict";
import { test } from "node:test";
import { standing, withMark, withoutMark } from "../../web/src/feedback.js";

test("a saved story is saved until its text changes, and again when the change is undone", () => {
  const saved = { one: "Once." };
  assert.equal(standing(saved, "one", "Once."), "saved");
  assert.equal(standing(saved, "one", "Once!"), "changed");
  assert.equal(standing(saved, "two", "Once."), "off");
  assert.equal(standing(saved, undefined, "Once."), "off");
  assert.equal(standing(saved, "constructor", "Once."), "off");
});

test("the marks of thirty stories are kept, the last one last", () => {
  let marks = {};
  for (let number = 0; number < 40; number += 1) marks = withMark(marks, `s${number}`, number);
  marks = withMark(marks, "s20", "again");
  assert.equal(Object.keys(marks).length, 30);
  assert.equal(Object.keys(marks).at(-1), "s20");
  assert.equal(marks.s20, "again");
  assert.deepEqual(withoutMark({ one: 1, two: 2 }, "one"), { two: 2 });
});
