import assert from "node:assert/strict";
import { test } from "node:test";
import { canContinue, endNote, progressNote, restoredNote } from "../../web/src/server/notes.js";
import { Pace } from "../../web/src/telling/pace.js";

test("before the first word the page says what is being done", () => {
  assert.equal(progressNote({ stage: "loading", done: 0, total: 98_362_432 }), "Loading the model…");
  assert.equal(progressNote({ stage: "reading", done: 128, total: 320 }), "Reading your story… 40 %");
  assert.equal(progressNote({ stage: "reading", done: 0, total: 0 }), "Reading your story…");
});

test("the end says asked and delivered", () => {
  const end = (change) => endNote({ reason: "stop", asked: 120, total: 118, delivered: 118, ...change });
  assert.equal(end({}), "Done: 118 words of at most 120.");
  assert.equal(end({ reason: "length" }), "Ended at a sentence within your 120 words.");
  assert.equal(end({ reason: "cancelled", total: 53 }), "Stopped at 53 words.");
  assert.equal(end({ reason: "cancelled", delivered: 0 }), "Stopped before the first word.");
  assert.match(end({ delivered: 0 }), /nothing to add/);
});

test("a story whose writing broke off says so when its tab comes back", () => {
  assert.match(restoredNote({ ended: null }, 80), /interrupted at 80 words/);
  assert.equal(restoredNote({ ended: "cancelled" }, 80), "Stopped at 80 words.");
  assert.equal(restoredNote({ ended: "stop" }, 80), "");
  assert.equal(restoredNote(null, 80), "");
});

test("what is unfinished can be continued, within the maximum", () => {
  const can = (ended, total, asked = 120) => canContinue({ card: ended && { ended }, asked, total });
  assert.ok(can("cancelled", 50));
  assert.ok(can("failed", 50));
  assert.ok(can(null, 50), "what the writer began by hand");
  assert.ok(!can("stop", 50));
  assert.ok(!can("length", 118));
  assert.ok(can("length", 118, 300), "a larger maximum makes room");
  assert.ok(!can("cancelled", 0));
  assert.ok(!can("cancelled", 50, null));
});

test("the pace is a guess only once there is something to go by", () => {
  const pace = new Pace();
  assert.equal(pace.at(0), null);
  for (let token = 0; token < 100; token += 1) pace.hear("word ", token * 10);
  assert.equal(pace.at(100), null);
  assert.ok(Math.abs(pace.at(1000) - 108) < 10, "a token a chunk, or what its letters make likely");
});
