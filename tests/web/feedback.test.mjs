import assert from "node:assert/strict";
import { test } from "node:test";
import { standing } from "../../web/src/feedback.js";

test("a saved story is saved until its text changes, and again when the change is undone", () => {
  const saved = { one: "Once." };
  assert.equal(standing(saved, "one", "Once."), "saved");
  assert.equal(standing(saved, "one", "Once!"), "changed");
  assert.equal(standing(saved, "two", "Once."), "off");
  assert.equal(standing(saved, undefined, "Once."), "off");
  assert.equal(standing(saved, "constructor", "Once."), "off");
});
