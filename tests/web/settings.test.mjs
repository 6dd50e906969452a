import assert from "node:assert/strict";
import { test } from "node:test";
import { addNames, formField, parseWords, problems, splitList, wordsProblem } from "../../web/src/settings/settings.js";

const settings = (change = {}) => ({ characters: [], keywords: [], genre: "War", register: "Formal", child_friendly: false,
  max_words: 300, final_twist: false, ...change });

test("a comma list is split and trimmed", () => {
  assert.deepEqual(splitList(" Ada, Bo ,,\n Cleo、月 "), ["Ada", "Bo", "Cleo", "月"]);
  assert.deepEqual(splitList(" , "), []);
});

test("a pasted list becomes chips, each name once", () => {
  assert.deepEqual(addNames("characters", ["Ada"], "Bo, Ada, Cleo"), { names: ["Ada", "Bo", "Cleo"], left: "", error: "" });
});

test("names are data: braces and quotes are kept as they are", () => {
  assert.deepEqual(addNames("characters", [], "{{ 7*7 }}").names, ["{{ 7*7 }}"]);
});

test("a name that is too long stays in the field with a sentence", () => {
  const long = "🌙".repeat(81);
  const { names, left, error } = addNames("characters", [], `Ada, ${long}`);
  assert.deepEqual(names, ["Ada"]);
  assert.equal(left, long);
  assert.match(error, /80 characters/);
  assert.equal(addNames("characters", [], "🌙".repeat(80)).error, "");
});

test("control characters are refused", () => {
  assert.match(addNames("keywords", [], "a\0b").error, /one line/);
});

test("there is room for 20 names and 40 keywords", () => {
  const list = Array.from({ length: 41 }, (_, index) => `n${index}`).join(",");
  assert.equal(addNames("characters", [], list).names.length, 20);
  assert.equal(addNames("keywords", [], list).names.length, 40);
  assert.match(addNames("keywords", [], list).error, /Keywords: 40/);
});

test("the maximum is a whole number from 20 to 5,000", () => {
  for (const typed of ["20", "5000", " 300 "]) assert.equal(wordsProblem(parseWords(typed)), "", typed);
  for (const typed of ["", "0", "-5", "19", "5001", "ten", "1e3", "12.5", "1000000000000"]) {
    assert.match(wordsProblem(parseWords(typed)), /from 20 to 5,000/, typed);
  }
});

test("good settings have no problems, bad ones name the field", () => {
  assert.deepEqual(problems(settings()), {});
  assert.deepEqual(Object.keys(problems(settings({ max_words: 0, keywords: ["x".repeat(81)] }))), ["keywords", "max_words"]);
});

test("a server's field finds its form field", () => {
  assert.equal(formField("settings.max_words"), "max_words");
  assert.equal(formField("max_words"), "max_words");
  assert.equal(formField("settings.characters.0"), "characters");
  assert.equal(formField("body.settings.genre"), "genre");
  assert.equal(formField("instruction"), null);
  assert.equal(formField(null), null);
});
