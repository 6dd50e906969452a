import assert from "node:assert/strict";
import { test } from "node:test";
import { finished, isUsed, put, sentences } from "../../web/src/takes/mix.js";

test("sentences of a take are put together with one space between them", () => {
  const [first, second] = sentences("Ada ran. Bo sat. ");
  const one = put("", 0, second);
  assert.deepEqual(one, { text: "Bo sat.", at: 7 });
  assert.deepEqual(put(one.text, one.at, first), { text: "Bo sat. Ada ran.", at: 16 });
});

test("a sentence goes where the cursor is, and touches no word", () => {
  const { text, at } = put("Ada ran. Bo sat.", 8, "It rained. ");
  assert.equal(text, "Ada ran. It rained. Bo sat.");
  assert.equal(text.slice(0, at), "Ada ran. It rained.");
  assert.equal(put("Ada ran.", 0, "It rained.").text, "It rained. Ada ran.");
});

test("the end of a paragraph comes along", () => {
  const [first, second] = sentences("Ada ran.\n\nBo sat.");
  const mixed = put("", 0, first);
  assert.equal(put(mixed.text, mixed.at, second).text, "Ada ran.\nBo sat.");
});

test("blank pieces are no sentences, and a used sentence is known", () => {
  assert.deepEqual(sentences("\n\nAda ran.").map((each) => each.trim()), ["Ada ran."]);
  assert.ok(isUsed("So: Ada ran. Now.", " Ada ran. "));
  assert.ok(!isUsed("", "Ada ran."));
});

test("a mix has the space around it that the takes it stands for have", () => {
  assert.equal(finished(" Ada ran. "), "Ada ran.");
  assert.equal(finished("Ada ran.", "\n\nBo sat. "), "\n\nAda ran. ");
});
