import assert from "node:assert/strict";
import { test } from "node:test";
import * as suggestion from "../../web/src/suggestion.js";

const { append, begin, canAccept, current, fail, finish, isWriting, position, step, tryAgain } = suggestion;
const written = (text) => finish(append(begin(), text), "stop");

test("a suggestion is written, then can be accepted", () => {
  const writing = append(append(begin(), "She "), "fell.");
  assert.ok(isWriting(writing));
  assert.ok(!canAccept(writing));
  assert.ok(canAccept(finish(writing, "stop")));
  assert.equal(current(finish(writing, "stop")).text, "She fell.");
});

test("earlier tries stay at hand, and text goes to the newest", () => {
  const second = append(tryAgain(written("One")), "Tw");
  assert.equal(position(second), "2/2");
  const back = append(step(second, -1), "o");
  assert.equal(current(back).text, "One");
  assert.ok(canAccept(back));
  assert.equal(current(step(back, 1)).text, "Two");
  assert.equal(position(step(back, -9)), "1/2");
});

test("a stopped try keeps what it wrote", () => {
  const stopped = finish(append(begin(), "She"), "cancelled");
  assert.equal(current(stopped).status, "stopped");
  assert.ok(canAccept(stopped));
});

test("a failed try says so, and an empty one makes room for the next", () => {
  const failed = fail(begin(), "Ollama went away.");
  assert.equal(current(failed).message, "Ollama went away.");
  assert.ok(!canAccept(failed));
  assert.equal(position(tryAgain(failed)), "1/1");
  assert.equal(position(tryAgain(fail(append(begin(), "She"), "Gone."))), "2/2");
});

test("an empty answer says so", () => {
  assert.match(current(finish(begin(), "stop")).message, /Nothing was suggested/);
});

test("late text changes nothing", () => {
  const done = written("One");
  assert.equal(append(done, "late"), done);
});
