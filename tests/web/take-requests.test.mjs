import assert from "node:assert/strict";
import { test } from "node:test";
import { TakeRequests } from "../../web/src/takes/take-requests.js";

function made() {
  const heard = [];
  const listeners = new Map();
  const [stopped, resumed] = [[], []];
  const connection = { request: (message, listen) => listeners.set(message.id, listen), resume: (id, next, listen) => (resumed.push([id, next]), listeners.set(id, listen)), stop: (id) => stopped.push(id) };
  const note = (what) => (...said) => heard.push([what, ...said]);
  const on = { began: note("began"), wrote: note("wrote"), ended: note("ended"), failed: note("failed") };
  const requests = new TakeRequests({ connection, diagnose: async () => "It was restarted.", on });
  requests.send([{ id: "a" }, { id: "b" }]);
  return { requests, heard, stopped, resumed, say: (id, answer) => listeners.get(id)(answer) };
}

test("each take is heard for itself", () => {
  const { requests, heard, say } = made();
  say("b", { type: "started" });
  say("a", { type: "progress", stage: "reading", done: 0, total: 0 });
  say("b", { type: "chunk", text: "Bo " });
  say("b", { type: "done", finish_reason: "stop" });
  assert.deepEqual(heard, [["began", "b", ""], ["began", "a", "Reading your story…"], ["wrote", "b", "Bo "], ["ended", "b", "stop"]]);
  assert.ok(requests.busy);
  say("a", { type: "error", message: "Ollama went away." });
  assert.deepEqual([heard.at(-1), requests.busy], [["failed", "a", "Ollama went away."], false]);
});

test("one is stopped, or all; stopped ones still say their last word", () => {
  const { requests, stopped, heard, say } = made();
  requests.stop("b");
  say("b", { type: "done", finish_reason: "cancelled" });
  requests.stop();
  assert.deepEqual(stopped, ["b", "a"]);
  assert.deepEqual(heard, [["ended", "b", "cancelled"]]);
});

test("nothing more is heard of those that were dropped", () => {
  const { requests, stopped, heard, say } = made();
  requests.drop();
  say("a", { type: "chunk", text: "late" });
  say("a", { type: "done", finish_reason: "cancelled" });
  assert.deepEqual([stopped, heard, requests.busy], [["a", "b"], [], false]);
});

test("a line that drops is said, and then why", async () => {
  const { heard, say } = made();
  say("a", { type: "lost" });
  await new Promise((resolve) => setImmediate(resolve));
  assert.match(heard[0][2], /line to StorAIteller dropped/);
  assert.deepEqual(heard[1], ["failed", "a", "It was restarted."]);
});

test("what is not whole is heard on after a reload, where it was heard to; what nobody knows any more has ended", () => {
  const before = made();
  before.say("a", { type: "chunk", text: "Ada " });
  before.say("a", { type: "chunk", text: "ran" });
  before.say("b", { type: "done", finish_reason: "stop" });
  assert.deepEqual(before.requests.unheard, [{ id: "a", next: 2 }]);

  const { requests, resumed, heard, say } = made();
  requests.resume([{ id: "c", next: 2 }, { id: "d", next: 0 }]);
  assert.deepEqual(resumed, [["c", 2], ["d", 0]]);
  say("c", { type: "chunk", text: "." });
  assert.deepEqual(requests.unheard.find(({ id }) => id === "c"), { id: "c", next: 3 });
  say("c", { type: "done", finish_reason: "stop" });
  say("d", { type: "lost" });
  assert.deepEqual(heard, [["wrote", "c", "."], ["ended", "c", "stop"], ["ended", "d", "cancelled"]]);
});
