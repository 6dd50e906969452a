import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { mergeTakes } from "../../web/src/takes/takes-merge.js";
import { join } from "../../web/src/takes/takes.js";

// The same cases as tests/library/test_takes.py holds the library to.
const EXAMPLES = JSON.parse(readFileSync(new URL("../take_examples.json", import.meta.url)));
const take = ([id, text, outcome, finish]) => ({ id, text, outcome, finish });

for (const { says, there, given, both } of EXAMPLES) {
  test(`as in the library: ${says}`, () => assert.deepEqual(mergeTakes(there.map(take), given.map(take)), both.map(take)));
}

test("letters are counted as the library counts them", () => {
  const [kept] = mergeTakes([take(["a", "abc", "open", null])], [take(["a", "🌙🌙", "open", null])]);
  assert.equal(kept.text, "abc");
});

test("takes of another window come last, and what is still being written goes on", () => {
  const ours = (id, text, more) => ({ id, text, outcome: "open", finish: null, status: "done", asked: { id }, ...more });
  const theirs = (id, text, more) => ({ ...ours(id, text, more), asked: null });
  const list = [ours("a", "On", { status: "writing" }), ours("b", "Two", { finish: "stop" }), ours("c", "", { status: "failed" })];
  const joined = join({ list, index: 1 }, [theirs("x", "New"), theirs("a", "One and more"), theirs("b", "Two", { finish: "stop", outcome: "discarded" })]);
  assert.deepEqual(joined.list.map(({ id, text, outcome, asked }) => [id, text, outcome, asked?.id]), [
    ["a", "On", "open", "a"], ["b", "Two", "discarded", "b"], ["c", "", "open", "c"], ["x", "New", "open", undefined],
  ]);
  assert.equal(joined.index, 1);
});
