import assert from "node:assert/strict";
import { test } from "node:test";
import { danger, keptApart } from "../../web/src/saving/library-words.js";

const offline = { code: "offline", message: "StorAIteller does not answer. Your text stays on this page." };
const restarted = { code: "unauthorized", message: "Open the address: your story comes with it." };
const damaged = { code: "library_failed", message: "The library is damaged." };
const well = { problem: null, isFull: false, isAway: false, isDirty: false, isKept: true };

test("words that are neither in this browser nor in the library are never called safe", () => {
  for (const problem of [offline, restarted, damaged]) {
    const { note, tone } = danger({ ...well, problem, isFull: true });
    assert.match(note, /^Not saved, .* copy your text somewhere safe/);
    assert.equal(tone, "error");
  }
  assert.match(danger({ ...well, isFull: true, isAway: true, isDirty: true }).note, /^Not saved/);
  assert.equal(danger({ ...well, isFull: true, isAway: true }), null, "what the library holds is safe");
});

test("a story that only a full browser has is no secret", () => {
  assert.match(danger({ ...well, isFull: true, isKept: false }).note, /no room left to keep your story/);
  assert.equal(danger({ ...well, isKept: false }), null);
});

test("words that this browser keeps meanwhile are no error", () => {
  assert.deepEqual(danger({ ...well, problem: restarted }), { note: restarted.message, tone: "" });
  assert.match(danger({ ...well, problem: damaged }).note, /damaged.*safe in this browser/);
  assert.equal(danger(well), null);
});

test("a story kept apart is called by its name", () => {
  assert.match(keptApart({ title: "Tide" }, { title: "Tide (another window)" }), /“Tide” .* kept as “Tide \(another window\)”/);
});
