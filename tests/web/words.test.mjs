import assert from "node:assert/strict";
import { test } from "node:test";
import { inItsPlace, likely, restOfSentence, wordAt } from "../../web/src/bar/words.js";

const TEXT = "Ada’s boat sank. The small door stood.\nBo ran.";
const range = (words, text = TEXT) => ({ from: text.indexOf(words), to: text.indexOf(words) + words.length });
const cursor = (at) => ({ from: at, to: at });
const cut = ({ from, to }) => TEXT.slice(from, to);

test("one word is a word, more or less than one is none", () => {
  assert.deepEqual(wordAt(TEXT, range("small")), range("small"));
  assert.deepEqual(wordAt(TEXT, range("Ada’s")), range("Ada’s"));
  for (const none of ["smal", "small door", "small ", "stood.", ". "]) assert.equal(wordAt(TEXT, range(none)), null, none);
});

test("the cursor is in the word around it, or right before it", () => {
  assert.equal(cut(wordAt(TEXT, cursor(TEXT.indexOf("small") + 2))), "small");
  assert.equal(cut(wordAt(TEXT, cursor(TEXT.indexOf("sank") + 4))), "sank");
  assert.equal(cut(wordAt(TEXT, cursor(TEXT.indexOf("Bo")))), "Bo");
  assert.equal(wordAt("Ada ran. ", cursor(9)), null);
});

test("the rest of a sentence ends where the sentence or its line ends", () => {
  assert.equal(cut(restOfSentence(TEXT, range("boat"))), "boat sank.");
  assert.equal(cut(restOfSentence(TEXT, range("door"))), "door stood.");
  assert.equal(cut(restOfSentence(TEXT, range("ran"))), "ran.");
});

test("a word at the beginning of a sentence has a capital where the old one had", () => {
  assert.equal(inItsPlace("a", TEXT, range("The")), "A");
  assert.equal(inItsPlace("ship", TEXT, range("boat")), "ship");
  assert.equal(inItsPlace("Bo", TEXT, range("door")), "Bo");
  assert.equal(inItsPlace("éa", "“Ada ran.”", range("Ada", "“Ada ran.”")), "Éa");
});

test("a probability is told in hundredths", () => {
  assert.deepEqual([0.314, 0.004, 0, 1].map(likely), ["31 %", "< 1 %", "0 %", "100 %"]);
});
