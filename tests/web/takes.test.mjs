import assert from "node:assert/strict";
import { test } from "node:test";
import * as set from "../../web/src/takes/takes.js";

const message = (id, more = {}) => ({ id, type: "rewrite", selected: "Ada ran.", before: "", after: "", ...more });
const asked = (...ids) => set.ask(set.noTakes, ids.map((id) => message(id)));
const whole = (takes, id, text) => set.finish(set.append(takes, id, text), id, "stop");

test("takes that were asked for wait, are written each for itself, and can then be accepted", () => {
  let takes = asked("a", "b", "c");
  assert.deepEqual(takes.list.map(({ status }) => status), ["waiting", "waiting", "waiting"]);
  takes = set.append(set.append(takes, "b", "She "), "b", "fell.");
  takes = set.begin(takes, "a", "Reading your story…");
  assert.deepEqual(takes.list.map(({ text, status }) => [text, status]), [["", "writing"], ["She fell.", "writing"], ["", "waiting"]]);
  assert.ok(!set.canAccept(set.find(takes, "b")));
  takes = set.finish(takes, "b", "stop");
  assert.ok(set.canAccept(set.find(takes, "b")));
  assert.deepEqual(set.running(takes).map(({ id }) => id), ["a", "c"]);
});

test("a take more is looked at at once; those that came to nothing make room", () => {
  let takes = whole(asked("a", "b"), "a", "One");
  takes = set.fail(takes, "b", "Ollama went away.");
  assert.equal(set.position(takes), "1/2");
  takes = set.ask(takes, [message("c")]);
  assert.deepEqual(takes.list.map(({ id }) => id), ["a", "c"]);
  assert.equal(set.current(takes).id, "c");
  assert.equal(set.position(set.step(takes, -9)), "1/2");
  assert.equal(set.position(set.step(takes, 9)), "2/2");
});

test("a stopped take keeps what it wrote, a failed one says why, an empty one that nothing came", () => {
  const stopped = set.find(set.finish(set.append(asked("a"), "a", "She"), "a", "cancelled"), "a");
  assert.deepEqual([stopped.status, stopped.message, set.canAccept(stopped)], ["stopped", "", true]);
  const failed = set.fail(set.fail(set.append(asked("a"), "a", "She"), "a", "The line dropped."), "a", "It was restarted.");
  assert.deepEqual([set.current(failed).message, set.current(failed).text], ["It was restarted.", "She"]);
  assert.match(set.current(set.finish(asked("a"), "a", "stop")).message, /Nothing was suggested/);
});

test("late words change nothing", () => {
  const takes = whole(asked("a"), "a", "One");
  assert.deepEqual(set.append(takes, "a", "late"), takes);
  assert.deepEqual(set.fail(takes, "a", "late"), takes);
  assert.deepEqual(set.halt(takes), takes);
});

test("each take says which of them it is", () => {
  assert.equal(set.ordinal(asked("a"), "a"), "The take");
  assert.equal(set.ordinal(asked("a", "b", "c"), "b"), "Take 2 of 3");
});

test("a decision is for one and against the others, or against all", () => {
  const takes = whole(whole(asked("a", "b"), "a", "One"), "b", "Two");
  assert.deepEqual(set.decide(takes, "b").list.map(({ outcome }) => outcome), ["discarded", "accepted"]);
  assert.deepEqual(set.decide(takes).list.map(({ outcome }) => outcome), ["discarded", "discarded"]);
  const reopened = set.decide(takes, "b");
  assert.deepEqual(set.decide(reopened), reopened, "what is in the story already stays accepted");
  assert.deepEqual(set.decide(reopened, "a").list.map(({ outcome }) => outcome), ["accepted", "discarded"]);
});

test("a take is weighed only against whole ones that were asked for alike", () => {
  let takes = whole(whole(asked("a", "b"), "a", "One"), "b", "Two");
  takes = whole(set.ask(takes, [message("c", { action: "shorter" })]), "c", "1");
  takes = set.finish(set.append(set.ask(takes, [message("d")]), "d", "Thr"), "d", "cancelled");
  takes = whole(set.ask(takes, [message("e", { before: "Later, " })]), "e", "Five");
  takes = whole(set.ask(takes, [message("f")]), "f", "One");
  const { asked: by, rejected } = set.rivals(takes, set.find(takes, "a"));
  assert.equal(by.id, "a");
  assert.deepEqual(rejected, ["Two", "Five"]);
});

test("the writer's own mixture is weighed against the takes it was made of", () => {
  const takes = set.mixed(whole(whole(asked("a", "b"), "a", "One."), "b", "Two."), "m", "One. Two.");
  assert.equal(set.current(takes).by, "mix");
  assert.deepEqual(set.rivals(takes, set.current(takes)).rejected, ["One.", "Two."]);
});

test("kept takes whose asking is not known any more are weighed against nothing", () => {
  const takes = whole(asked("a", "b"), "a", "One");
  const reopened = { ...takes, list: takes.list.map((take) => ({ ...take, asked: null })) };
  assert.deepEqual(set.rivals(reopened, reopened.list[0]), { asked: null, rejected: [] });
});
