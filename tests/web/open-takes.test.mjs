import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { errand } from "../../web/src/takes/errand.js";
import { newPassage, OpenTakes } from "../../web/src/takes/open-takes.js";

const SETTINGS = { genre: "Fantasy" };
const parts = { before: "Ada. ", selected: "Bo ran.", after: " End." };
const place = { parts, isWhole: false, isChanged: false, isGone: false };
let said, requests, open;

beforeEach(() => {
  said = [];
  requests = [];
  const connection = { request: (message, hear) => requests.push({ message, hear }), stop: () => {} };
  const announcer = { state: (sentence) => said.push(sentence), error: (sentence) => said.push(sentence), hear: () => {}, finish: () => {} };
  const nothing = () => {};
  open = new OpenTakes({
    ...newPassage(errand("passage"), place), place, connection, announcer,
    diagnose: async () => "", ask: () => ({ settings: SETTINGS, model: null }), onText: nothing, onChange: nothing,
  });
});

const answer = (at, text) => {
  requests[at].hear({ type: "chunk", seq: 0, text });
  requests[at].hear({ type: "done", finish_reason: "stop" });
};
const theirs = (...takes) => ({ ...open.record, takes: takes.map(([id, text]) => ({ id, text, by: "model", outcome: "open", finish: "stop" })) });

test("takes of another window stand behind our own, and are kept with them; what is told of our own changes nothing", () => {
  open.more(2);
  answer(0, "Bo fell.");
  assert.equal(open.join(theirs(["x", "Bo wept."])), 1);
  answer(1, "Bo sat.");
  assert.equal(open.join(open.record), 0);
  assert.deepEqual(open.record.takes.map(({ text }) => text), ["Bo fell.", "Bo sat.", "Bo wept."]);
  assert.equal(open.current.text, "Bo fell.");
});

test("no more takes are asked for than are kept: the writer hears how to go on", () => {
  open.more(2);
  answer(0, "Bo fell.");
  answer(1, "Bo sat.");
  open.join(theirs(...Array.from({ length: 96 }, (_, at) => [`x${at}`, `Take ${at}.`])));
  open.more(3);
  assert.deepEqual([requests.length, open.takes.list.length], [2, 98]);
  assert.match(open.sight.problem, /100.*a new list begins/);
  assert.equal(said.at(-1), open.sight.problem);
  open.more(2);
  assert.deepEqual([requests.length, open.takes.list.length, open.sight.problem], [4, 100, ""]);
});
