import assert from "node:assert/strict";
import { test } from "node:test";
import * as words from "../../web/src/learned/learned-words.js";

const figures = (more = {}) => ({
  held_out_perplexity: 32.5, general_perplexity: 30, distinct_2: 0.8, copied_8grams: 0.004, longest_copied_run: 9,
  settings_kept: 0.88, ends_by_itself: 1, ...more,
});
const metrics = (own = {}, more = {}) => ({
  held_out: { ratio: 0.66, low: 0.63, high: 0.7 }, against: "base",
  models: { base: figures(), active: null, candidate: figures(own) }, ...more,
});
const version = (more = {}) => ({
  name: "v3", status: "promoted", reason: "It wrote better.", created_at: "2026-11-22T12:04:05+00:00", base: { name: "SmolLM2" },
  stories: 31, held_out: 8, taken_back: 0, ollama: null, metrics: metrics({ held_out_perplexity: 21.45 }), ...more,
});

test("the figure that counts is told as less or more surprise than the base model", () => {
  const told = (perplexity) => words.headline(version({ metrics: metrics({ held_out_perplexity: perplexity }) }));
  assert.equal(told(21.45), "Your liked stories surprise it 34 % less than the base model.");
  assert.equal(told(39), "Your liked stories surprise it 20 % more than the base model.");
  assert.equal(told(32.45), "Your liked stories surprise it as much as the base model.");
});

test("the exam is told against the version that was to be beaten, with its interval", () => {
  assert.equal(words.exam(version()), "Against the base model: 34 % less surprise, and with 95 % certainty between 30 % less and 37 % less.");
  const held_out = { ratio: 0.97, low: 0.93, high: 1.02 };
  assert.equal(
    words.exam({ metrics: metrics({}, { held_out, against: "v2" }) }),
    "Against v2: 3 % less surprise, and with 95 % certainty between 2 % more and 7 % less.",
  );
});

test("every other figure is a sentence", () => {
  const told = Object.fromEntries(words.facts(version({ metrics: metrics({ general_perplexity: 30.6, distinct_2: 0.72, settings_kept: 0.905 }) })));
  assert.deepEqual(told, {
    "Other prose": "Prose that is not yours surprises it 2 % more than the base model.",
    Variety: "Its word pairs vary 10 % less than the base model's.",
    Copying: "0.4 % of its runs of eight words stand in your stories too; the longest passage it shares with one is 9 words.",
    "Your wishes": "It keeps 91 % of the names, keywords and lengths it is asked for; the base model, 88 %.",
    Endings: "It ends 100 % of its stories by itself; the base model, 100 %.",
  });
  const clean = words.facts(version({ metrics: metrics({ copied_8grams: 0 }) }));
  assert.equal(Object.fromEntries(clean).Copying, "It copies no eight words in a row from your stories.");
});

test("a version that was not measured, or only half, says nothing it does not know", () => {
  for (const bare of [{}, { models: {} }, { models: { base: figures(), candidate: null } }, { models: { candidate: {} } }, { held_out: null, models: null }]) {
    assert.equal(words.headline({ metrics: bare }), "");
    assert.equal(words.exam({ metrics: bare }), "");
    assert.deepEqual(words.facts({ metrics: bare }), []);
  }
  assert.equal(words.exam({ metrics: { held_out: { ratio: 0.9, low: null, high: 1 } } }), "");
  assert.deepEqual(words.facts({ metrics: { models: { candidate: { ends_by_itself: 0.5 } } } }), [["Endings", "It ends 50 % of its stories by itself."]]);
});

test("what a version was made of is one paragraph", () => {
  const told = words.origin(version({ metrics: { against: "v2" }, ollama: "storaiteller:v3" }));
  assert.match(told, /^Learned from 31 stories on 22 November 2026 at \d\d:04, and 8 more kept for its exam, on top of SmolLM2\. It was tried against v2\. Ollama knows it as storaiteller:v3\.$/);
  assert.match(words.origin(version({ stories: 1, held_out: 0, metrics: {} })), /^Learned from 1 story on [^,]*, on top of SmolLM2\.$/);
  assert.match(words.origin(version()), /It was tried against the base model\.$/);
  assert.match(words.origin(version({ created_at: "yesterday" })), /on a day unknown/);
});

test("stories taken back are counted on the versions that learned from them", () => {
  assert.equal(words.takenBack(version()), "");
  assert.equal(words.takenBack(version({ taken_back: 1 })), "1 of its 31 stories was taken back since; the next run learns without it.");
  assert.equal(words.takenBack(version({ taken_back: 2 })), "2 of its 31 stories were taken back since; the next run learns without them.");
});

test("the one that writes is marked so, whatever came of its exam", () => {
  const mark = (status, active) => words.mark({ name: "v3", status }, { active, waits: "" });
  assert.deepEqual([mark("promoted", "v3"), mark("kept", "v3")], ["Writes now", "Writes now"]);
  assert.deepEqual([mark("promoted", null), mark("kept", "v2"), mark("candidate", null)], ["Promoted", "Kept, not promoted", "Not tried yet"]);
});

test("before anything was learned it says how many stories there are, and how many are missing", () => {
  const text = (likes) => words.beginning({ likes, needed: 20 }).text;
  assert.equal(text(0), "No story is kept as a good one yet. With 20 there is enough to learn from.");
  assert.equal(text(1), "You have kept 1 good story. With 19 more there is enough to learn from.");
  assert.equal(text(19), "You have kept 19 good stories. With 1 more there is enough to learn from.");
  assert.equal(text(20), "You have kept 20 good stories: enough to learn from.");
});

test("who writes and what a press did are said by name", () => {
  assert.equal(words.standing({ active: null, likes: 1 }), "The base model writes now. You have kept 1 good story so far.");
  assert.equal(words.standing({ active: "v3", likes: 1200 }), "v3 writes now. You have kept 1,200 good stories so far.");
  const switched = (active) => words.switched({ active, waits: "" });
  assert.deepEqual([switched(null), switched("v2")], ["The base model writes from the next story on.", "v2 writes from the next story on."]);
  assert.deepEqual([words.back(null), words.back("v2")], ["Back to the base model", "Back to v2"]);
});

test("a version that waits for the model it was learned on is not said to write", () => {
  const told = { active: "v3", waits: "v3 was learned on SmolLM2; llama3.2 writes now.", slider: false, likes: 21 };
  assert.equal(words.standing(told), `${told.waits} You have kept 21 good stories so far.`);
  assert.equal(words.switched(told), told.waits);
  assert.deepEqual(["v3", "v2"].map((name) => words.mark({ name, status: "promoted" }, told)), ["Waits", "Promoted"]);
  assert.equal(words.strengthWhy(told), "v3 waits: there is nothing to weaken or strengthen.");
});

test("the strength has words, and so has the reason why it does nothing", () => {
  assert.deepEqual([0, 0.35, 1, 1.2].map(words.strengthWords), ["the base model", "35 % of what it learned", "as learned", "120 % of what it learned"]);
  assert.match(words.strengthWhy({ active: null, slider: true }), /base model writes now/);
  assert.equal(words.strengthWhy({ active: "v3", slider: false }), "v3 is run by Ollama, which has no such slider.");
  assert.match(words.strengthWhy({ active: "v3", slider: true }), /next story/);
});
