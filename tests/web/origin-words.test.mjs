import assert from "node:assert/strict";
import { test } from "node:test";
import { legend, sentence } from "../../web/src/origins/origin-words.js";

const plain = (text) => text.replaceAll("\u00a0", " ");
const told = (shares) => legend(shares).map(({ who, text }) => [who, plain(text)]);

test("the marks that are there are explained, and no others", () => {
  const shares = { model: 62, edited: 9, writer: 29, unknown: 0 };
  assert.deepEqual(told(shares), [["model", "62 % the model’s"], ["edited", "9 % edited"], ["writer", "29 % yours"]]);
  assert.deepEqual(told({ model: 0, edited: 0, writer: 0, unknown: 100 }), [["unknown", "100 % not known"]]);
});

test("what is read out is the same as a sentence", () => {
  assert.equal(plain(sentence({ model: 62, edited: 0, writer: 38, unknown: 0 })), "62 % the model’s, 38 % yours.");
  assert.equal(sentence({ model: 0, edited: 0, writer: 0, unknown: 0 }), "Nothing is written yet.");
});
