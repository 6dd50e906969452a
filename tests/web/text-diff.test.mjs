import assert from "node:assert/strict";
import { test } from "node:test";
import { growth, reason, summary, when } from "../../web/src/saving/version-words.js";
import { difference } from "../../web/src/text/difference.js";
import { countWords } from "../../web/src/text/story.js";
import { changedPlaces, onlyAdds, textDiff } from "../../web/src/text/text-diff.js";

const without = (pieces, kind) => pieces.filter((each) => each.kind !== kind).map(({ text }) => text).join("");

const PAIRS = [
  ["", ""], ["", "Once."], ["Once.", ""], ["Ada ran home.", "Ada walked home."], ["a\r\nb\n", "a\r\nc\n\n"],
  ["One.\n\nTwo.\n\nThree.", "One.\n\nThree."], ["🌙 and 🎈", "🌙 or 🎈"], ["שלום, Bo", "שלום, Ada"], ["x", "y"], ["The moon lay bare, a small door stood in the end.", "The sand lay bare, and a door no taller than it."],
];

test("what is the same or removed is the old text, what is the same or added the new one", () => {
  for (const [before, after] of PAIRS) {
    const pieces = textDiff(before, after);
    assert.equal(without(pieces, "added"), before);
    assert.equal(without(pieces, "removed"), after);
  }
});

test("a changed word is one word struck out and one added", () => {
  const changed = textDiff("Ada ran home.\nThe end.", "Ada walked home.\nThe end.").filter(({ kind }) => kind !== "same");
  assert.deepEqual(changed, [{ kind: "removed", text: "ran" }, { kind: "added", text: "walked" }]);
});

test("changes that only a little word parts are shown as one", () => {
  const changed = textDiff("Ada saw a cat and a dog at home.", "Ada saw a hen and a pig at home.").filter(({ kind }) => kind !== "same");
  assert.deepEqual(changed.map(({ text }) => text), ["cat and a dog", "hen and a pig"]);
});

test("a story that is another one altogether is shown as replaced, and soon", () => {
  const words = (seed) => Array.from({ length: 5000 }, (_, at) => `${seed}${(at * 7919) % 4999}`).join(" ");
  const pieces = textDiff(words("a"), words("b"));
  assert.deepEqual(pieces.map(({ kind }) => kind), ["removed", "added"]);
});

test("long passages that are the same are left out, at the end of a word", () => {
  const long = "word ".repeat(400);
  const shown = changedPlaces([{ kind: "removed", text: "x" }, { kind: "same", text: long }, { kind: "added", text: "y" }]);
  assert.deepEqual(shown.map(({ kind }) => kind), ["removed", "same", "gap", "same", "added"]);
  assert.ok(shown[1].text.length < 300 && shown[1].text.endsWith("word"));
});

test("the one change between two texts leaves what they share, and cuts no pair", () => {
  for (const [before, after] of [...PAIRS, ["🌙", "🌚"], ["aa", "a"], ["aba", "abba"], ["🌙🌙", "🌙"]]) {
    const { from, to, insert } = difference(before, after);
    assert.equal(before.slice(0, from) + insert + before.slice(to), after);
    assert.ok(insert.isWellFormed() && before.slice(from, to).isWellFormed());
  }
  assert.deepEqual(difference("Ada ran home.", "Ada walked home."), { from: 4, to: 7, insert: "walked" });
});

test("when something was is said as one would", () => {
  const now = new Date(2026, 10, 22, 18, 0);
  assert.equal(when(new Date(2026, 10, 22, 9, 5).toISOString(), now), "today, 09:05");
  assert.equal(when(new Date(2026, 10, 21, 23, 59).toISOString(), now), "yesterday, 23:59");
  assert.match(when(new Date(2026, 10, 1, 8, 0).toISOString(), now), /^Sun,? 1 Nov, 08:00$/);
  assert.match(when(new Date(2025, 4, 1, 8, 0).toISOString(), now), /2025, 08:00$/);
});

test("a version says why it was kept and what it added", () => {
  assert.equal(reason({ reason: "pause" }), "You paused");
  assert.equal(growth({ words: 1 }, undefined), "1 word");
  assert.equal(growth({ words: 1200 }, { words: 100 }), "+1,100 words");
  assert.equal(growth({ words: 99 }, { words: 100 }), "−1 word");
  assert.equal(summary(textDiff("Ada ran.", "Ada ran."), countWords), "The same as the story now.");
  assert.equal(summary(textDiff("Ada ran.", "Ada ran home fast."), countWords), "Since then: 2 words added, 0 removed.");
});

test("a text that only grew, at several places and within words, is told from one that lost some", () => {
  const ours = "Ada ran home to her mother.\n\nThe moon was bare and it wa";
  const grown = ["Once Ada ran home to her dear mother.\n\nThe moon was bare and it was late.", `${ours}s late.`, ours, "Ada 🌙ran home to her momther.\n\n\nThe moon was bare and so it wa"];
  for (const theirs of grown) assert.ok(onlyAdds(ours, theirs), theirs);
  assert.ok(!onlyAdds("I saw you.", "I went home, and saw that she was there, with you."), "words that happen to be there");
  const others = ["Once Ada ran to her mother.\n\nThe moon was bare and it was late.", "", "Ada ran home to her mother, who was bare and late, and so it was that the moon came home to wait."];
  for (const theirs of others) assert.ok(!onlyAdds(ours, theirs), theirs);
});
