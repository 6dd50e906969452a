import assert from "node:assert/strict";
import { test } from "node:test";
import { progress, stopped } from "../../web/src/shelf/shelf-words.js";
import { WritingWatch } from "../../web/src/shelf/writing-watch.js";
import { FakeClock, settled } from "./fake-library.mjs";

/** A watch over what a test says is being written; `said` is all that was heard of it. */
function watching(stories = []) {
  const server = { stories, asked: 0, gate: null, isSeen: true, said: [] };
  const clock = new FakeClock();
  const watch = new WritingWatch({
    ask: async () => {
      server.asked += 1;
      const told = server.stories;
      await server.gate;
      if (!told) throw Object.assign(new Error("No answer."), { code: "offline" });
      return told;
    },
    clock,
    isSeen: () => server.isSeen,
    onTold: ({ isAway }) => server.said.push(isAway ? "away" : watch.stories.size),
    onEnded: async (ended) => server.said.push(["ended", ...ended.map(({ story }) => story)]),
  });
  return { server, clock, watch };
}

const at = (story, words) => ({ story, words });

test("it is asked for again while anything is written, and while somebody looks", async () => {
  const { server, clock, watch } = watching();
  await watch.read();
  await clock.pass(60_000);
  assert.equal(server.asked, 1, "where nothing is written, nothing is asked");
  server.stories = [at("a", 1)];
  await watch.read();
  await clock.pass(10_000);
  assert.equal(server.asked, 7);
  server.isSeen = false;
  await clock.pass(60_000);
  assert.equal(server.asked, 8);
});

test("what is written no longer is told once, before its progress goes", async () => {
  const { server, clock, watch } = watching([at("a", 1), at("b", 2)]);
  await watch.read();
  server.stories = [at("b", 3)];
  await clock.pass(2000);
  server.stories = [];
  await clock.pass(20_000);
  assert.deepEqual(server.said, [2, ["ended", "a"], 1, ["ended", "b"], 0]);
});

test("a server that goes is said once, ends nothing, and is asked again", async () => {
  const { server, clock, watch } = watching([at("a", 1)]);
  await watch.read();
  server.stories = null;
  await clock.pass(2000);
  assert.deepEqual([watch.problem.code, watch.stories.size], ["offline", 1]);
  await clock.pass(20_000);
  server.stories = [at("a", 9)];
  await clock.pass(5000);
  assert.deepEqual([watch.problem, watch.stories.get("a").words], [null, 9]);
  assert.equal(server.said.filter((said) => said === "away").length, 1);
});

test("an answer that was on its way already is older than what is asked about", async () => {
  const { server, watch } = watching([at("a", 1)]);
  let answer;
  server.gate = new Promise((resolve) => (answer = resolve));
  watch.read();
  await settled();
  server.stories = []; // it was stopped meanwhile
  const after = [watch.read(), watch.read()];
  answer();
  await Promise.all(after);
  assert.deepEqual([watch.stories.size, server.asked], [0, 2]);
});

test("how far a story is can be told at every stage of it", () => {
  const told = { words: 1200, over: false };
  assert.equal(progress(told), "Being written · 1,200 words");
  assert.equal(progress({ ...told, words: 0 }), "Being written · no words yet");
  assert.equal(progress(told, { isStopping: true }), "Stopping…");
  assert.equal(progress({ ...told, over: true }, { isStopping: true }), "Saving the end · 1,200 words");
  assert.equal(progress(told, { problem: new Error() }), "No answer now · 1,200 words");
  assert.equal(stopped({ title: "The tide" }, { words: 0 }), "“The tide” is stopped.");
});
