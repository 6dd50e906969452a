import assert from "node:assert/strict";
import { test } from "node:test";
import { WAITING, called, counts, heading, idle, kindOf, sides, standing, storyHref, struck } from "../../web/src/choices/choices-words.js";

const pair = { kind: "passage", chosen: "She ran.", struck_out: false, counts: true, not_for_me: false, story: "a".repeat(32), created_at: "2026-05-03T19:40:00.000+00:00" };

test("how many pairs there are and how many of them count", () => {
  assert.equal(standing({ total: 0, counting: 0 }), "");
  assert.equal(standing({ total: 1, counting: 1 }), "1 pair. It counts.");
  assert.equal(standing({ total: 1, counting: 0 }), "1 pair. It does not count.");
  assert.equal(standing({ total: 3, counting: 3 }), "3 pairs. All of them count.");
  assert.equal(standing({ total: 3, counting: 1 }), "3 pairs. 1 of them counts.");
  assert.equal(standing({ total: 1200, counting: 1100 }), "1,200 pairs. 1,100 of them count.");
  assert.equal(standing({ total: 3, counting: 0 }), "3 pairs. None of them count.");
});

test("a pair says what it is, when it was made, and why it does not count", () => {
  assert.match(heading(pair, new Date("2026-05-20T12:00:00Z")), /^A passage, Sun, 3 May|^A passage, Sun 3 May/);
  assert.equal(called({ ...pair, rejected: "She sat.\nAnd sat." }), "A passage, “She sat.”");
  assert.equal(kindOf({ kind: "insertion" }), "A new passage");
  assert.equal(kindOf({ kind: "sonnet" }), "A text");
  assert.equal(idle(pair), "");
  assert.equal(idle({ ...pair, struck_out: true }), "Struck out");
  assert.equal(idle({ ...pair, chosen: "" }), "Does not count yet");
  assert.equal(sides({ ...pair, not_for_me: true }).rejected, "Not for you");
  assert.equal(struck(pair), "A passage is struck out: it counts no longer.");
  assert.equal(counts(pair), "A passage counts again.");
  assert.ok(counts({ ...pair, counts: false }).endsWith(WAITING));
});

test("only a story that the library may have is linked", () => {
  assert.equal(storyHref(pair), `/?story=${"a".repeat(32)}`);
  assert.equal(storyHref({ story: "" }), null);
  assert.equal(storyHref({ story: "first-0123" }), null);
});
