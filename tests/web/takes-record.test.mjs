import assert from "node:assert/strict";
import { test } from "node:test";
import { choiceOf } from "../../web/src/takes/choice.js";
import { errand, messageFor } from "../../web/src/takes/errand.js";
import { fromLeft, toLeft } from "../../web/src/takes/left-takes.js";
import { findPassage, touching } from "../../web/src/takes/passage-finder.js";
import { became, beside, countTakes, fromRecord, toRecord } from "../../web/src/takes/takes-record.js";
import { append, ask, current, decide, finish, noTakes } from "../../web/src/takes/takes.js";

const about = { id: "p", errand: errand("passage", { action: "shorter", instruction: "sadder" }), before: "Ada. ", original: "Bo ran.", after: " End.", settings: null, model: "m" };
const written = (...texts) =>
  texts.reduce((takes, text, at) => finish(append(ask(takes, [{ id: `t${at}` }]), `t${at}`, text), `t${at}`, "stop"), noTakes);

test("takes go into the library and come back as they were", () => {
  const record = toRecord(about, decide(written("Bo fell.", "Bo sat."), "t1"));
  assert.equal(record.action, "shorter");
  assert.deepEqual(record.takes.map(({ id, outcome, finish: end }) => [id, outcome, end]), [["t0", "discarded", "stop"], ["t1", "accepted", "stop"]]);
  const back = fromRecord(record);
  assert.equal(back.takes.index, 1, "the accepted one is looked at");
  assert.deepEqual(back.about, about);
  assert.deepEqual(toRecord(back.about, back.takes), record);
});

test("no words, no record; what is half written is kept, and was cancelled when it comes back", () => {
  assert.equal(toRecord(about, ask(noTakes, [{ id: "a" }])), null);
  const record = toRecord(about, append(ask(noTakes, [{ id: "a" }, { id: "b" }]), "a", "Bo"));
  assert.deepEqual(record.takes.map(({ id, finish: end }) => [id, end]), [["a", null]]);
  assert.deepEqual(fromRecord(record).takes.list.map(({ status, finish: end }) => [status, end]), [["stopped", "cancelled"]]);
});

test("open takes outlive a reload with what was asked for them, those too that have no word yet", () => {
  const question = { type: "rewrite", selected: "Bo ran.", instruction: "sadder" };
  let takes = ask(noTakes, ["t0", "t1", "t2"].map((id) => ({ id, ...question })));
  takes = append(finish(append(takes, "t0", "Bo fell."), "t0", "stop"), "t1", "Bo");
  const left = JSON.parse(JSON.stringify(toLeft({ story: "s", about, takes, unheard: [{ id: "t1", next: 1 }, { id: "t2", next: 0 }] })));
  assert.equal(left.asked.length, 1, "one question, however many takes");
  const back = fromLeft(left);
  assert.deepEqual(back.takes.list.map(({ id, text, status }) => [id, text, status]), [["t0", "Bo fell.", "done"], ["t1", "Bo", "waiting"], ["t2", "", "waiting"]]);
  takes = finish(append(back.takes, "t1", " sat."), "t1", "stop");
  const choice = choiceOf({ about, takes }, current(takes), "s");
  assert.deepEqual([choice.asked, choice.chosen, choice.rejected, choice.story], [{ id: "t0", ...question }, "Bo fell.", ["Bo sat."], "s"]);
});

const settings = { genre: "Fantasy", register: "Vivid", max_words: 100 };
const reopened = (more = {}) => fromRecord({ ...toRecord({ ...about, settings }, written("Bo fell.", "Bo sat.")), ...more });

test("a choice among takes out of the library answers to what their record knows was asked", () => {
  const { about: back, takes } = reopened();
  const choice = choiceOf({ about: back, takes: decide(takes, "t1") }, takes.list[1], "s");
  const { type, action, instruction, before, selected, after, settings: asked, model } = choice.asked;
  assert.deepEqual([type, action, instruction, before, selected, after, asked, model], ["rewrite", "shorter", "sadder", "Ada. ", "Bo ran.", " End.", settings, "m"]);
  assert.deepEqual([choice.kind, choice.chosen, choice.rejected], ["passage", "Bo sat.", ["Bo fell."]]);
  const again = choiceOf({ about: back, takes: decide(takes, "t1") }, takes.list[1], "s");
  assert.notEqual(again.id, choice.id, "to choose again is another choice");
  const kinds = [["insertion", "insert"], ["story", "generate"]];
  for (const [kind, message] of kinds) assert.equal(current(reopened({ kind }).takes).asked.type, message);
});

test("takes whose record has no settings, and a writer's own mix, were asked by nobody", () => {
  assert.equal(current(reopened({ settings: null }).takes).asked, null);
  const mix = { id: "m", text: "Both.", by: "mix", outcome: "open", finish: "stop" };
  const { about: back, takes } = reopened({ takes: [mix] });
  assert.equal(choiceOf({ about: back, takes }, current(takes), "s"), null);
});

test("a new take is weighed against those out of the library, in whatever order that keeps the settings", () => {
  const turned = Object.fromEntries(Object.entries(settings).reverse());
  const { about: back, takes } = reopened({ settings: turned });
  const now = messageFor("new", back.errand, { settings, model: "m" }, { before: "Long ago. Ada. ", selected: "Bo ran.", after: " End. Fin." });
  const both = finish(append(ask(takes, [now]), "new", "Bo flew."), "new", "stop");
  const choice = choiceOf({ about: back, takes: both }, current(both), "s");
  assert.deepEqual([choice.asked.before, choice.rejected], ["Long ago. Ada. ", ["Bo fell.", "Bo sat."]]);
});

test("the words beside a passage end at whole characters, and half ones are never sent", () => {
  const { before, after } = beside({ before: `x🌙${"a".repeat(1999)}`, after: `${"b".repeat(1999)}🌙y` });
  assert.deepEqual([before.length, after.length], [1999, 1999]);
  assert.ok(toRecord({ ...about, original: "\ud83c" }, written("a")).original.isWellFormed());
});

test("what became of takes is said in a few words", () => {
  const record = (takes) => toRecord(about, takes);
  assert.equal(became(record(written("a", "b"))), "Not decided");
  assert.equal(became(record(decide(written("a", "b")))), "Discarded");
  assert.equal(became(record(decide(written("a", "b"), "t1"))), "Take 2 accepted");
  assert.equal(became(record(decide(written("a"), "t0"))), "Accepted");
  assert.deepEqual([countTakes(record(written("a"))), countTakes(record(written("a", "b")))], ["1 take", "2 takes"]);
});

const kept = (more) => ({ kind: "passage", before: "Ada. ", original: "Bo ran.", after: " End.", takes: [{ text: "Bo fell.", outcome: "open" }], ...more });
const cut = (text, range) => range && text.slice(range.from, range.to);

test("a passage is found where it stands, whatever was written around it", () => {
  const text = "Once. Ada. Bo ran. End. Fin.";
  assert.equal(cut(text, findPassage(text, kept())), "Bo ran.");
  assert.equal(findPassage("Once. Ada sat. End.", kept()), null);
});

test("an accepted take is found in the passage's place", () => {
  const accepted = kept({ takes: [{ text: "Bo fell.", outcome: "accepted" }] });
  assert.equal(cut("Ada. Bo fell. End.", findPassage("Ada. Bo fell. End.", accepted)), "Bo fell.");
  assert.equal(cut("Ada. Bo ran. End.", findPassage("Ada. Bo ran. End.", accepted)), "Bo ran.", "undone again");
});

test("of words that stand in the story more than once, those between the same words are meant", () => {
  const text = "Bo ran. Then Bo ran. Ada. Bo ran. End.";
  assert.deepEqual(findPassage(text, kept()), { from: text.lastIndexOf("Bo ran."), to: text.lastIndexOf("Bo ran.") + 7 });
  assert.equal(findPassage("xBo ran.x yBo ran.y", kept()), null, "nobody can tell which");
});

test("an insertion that was not accepted is found between its neighbours", () => {
  const insertion = kept({ kind: "insertion", original: "", before: "Ada sat by the sea. ", after: "The tide went out." });
  const text = "New. Ada sat by the sea. The tide went out. New.";
  assert.deepEqual(findPassage(text, insertion), { from: 25, to: 25 });
  assert.equal(findPassage("Ada left. The tide went out.", insertion), null);
});

test("a selection knows the takes of the passages it touches, but not of whole stories", () => {
  const text = "Ada. Bo ran. End.";
  const story = kept({ kind: "story", original: text });
  assert.equal(touching(text, [kept(), story], { from: 8, to: 12 }).length, 1);
  assert.equal(touching(text, [kept()], { from: 0, to: 4 }).length, 0);
});
