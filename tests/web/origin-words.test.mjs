import assert from "node:assert/strict";
import { test } from "node:test";
import { legend, sentence } from "../../web/src/origin-words.js";

const plain = (text) => text.replaceAll("\u00a0", " ");

test("the three marks are always explained, and what nobody knows if there is some", () => {
  const told = (shares) => legend(shares).map(({ text }) => plain(text));
  assert.deepEqual(told({ model: 62, edited: 9, writer: 29, unknown: 0 }), ["62 % the model’s", "9 % edited by you", "29 % yours"]);
  assert.deepEqual(told({ model: 0, edited: 0, writer: 0, unknown: 100 }).at(-1), "100 % not known");
});

test("what is read out names only what there is", () => {
  assert.equal(plain(sentence({ model: 62, edited: 0, writer: 38, unknown: 0 })), "62 % the model’s, 38 % yours.");
  assert.equal(sentence({ model: 0, edited: 0, writer: 0, unknown: 0 }), "Nothing is written yet.");
});
