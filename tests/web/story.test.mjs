import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { countWords, cutPassage, isBlank, passageRange } from "../../web/src/text/story.js";

// The same cases as tests/test_story.py holds Python's count_words to.
const WORDS = JSON.parse(readFileSync(new URL("../word_examples.json", import.meta.url)));

test("words are counted as the server counts them", () => {
  for (const [text, expected] of WORDS) assert.equal(countWords(text), expected, JSON.stringify(text));
});

test("only white space is blank", () => {
  assert.ok(isBlank(" \u3000\n"));
  assert.ok(!isBlank(" .\n"));
});

test("the three parts are the whole, whatever the text", () => {
  const texts = ["Ada 🌙 ran.\r\nהלכה 👩‍👧 e\u0301nd", "👩‍👩‍👧‍👦", "a\u0301\u0302 \r\n\r b", "\u202eمرحبا\u202c 🇮🇹"];
  for (const text of texts) {
    for (let from = 0; from <= text.length; from += 1) {
      for (let to = from; to <= text.length; to += 1) {
        const range = passageRange(text, from, to);
        if (!range) continue;
        const { before, selected, after } = cutPassage(text, range);
        assert.equal(before + selected + after, text);
        for (const part of [before, selected, after]) assert.ok(part.isWellFormed?.() ?? true, JSON.stringify(part));
        assert.equal(selected, selected.trim());
      }
    }
  }
});

test("white space at the ends of a selection stays outside the passage", () => {
  assert.deepEqual(passageRange("One. Two. \nThree.", 4, 11), { from: 5, to: 9 });
  assert.equal(passageRange("One.  \n Two.", 4, 8), null);
});

test("a selection inside a word means the whole word", () => {
  assert.deepEqual(passageRange("The gulls flew.", 4, 6), { from: 4, to: 9 });
  assert.deepEqual(passageRange("The gulls flew.", 6, 12), { from: 4, to: 14 });
  assert.deepEqual(passageRange("cafe\u0301s", 2, 4), { from: 0, to: 6 });
  assert.deepEqual(passageRange("月は美しい", 1, 2), { from: 1, to: 2 });
});
