import assert from "node:assert/strict";
import { test } from "node:test";
import { arrive, wantedStory } from "../../web/src/desk/arrival.js";
import { isInLibrary } from "../../web/src/desk/desks.js";
import { fingerprint } from "../../web/src/text/fingerprint.js";

const ID = "a".repeat(32);
const STORY = { id: ID, text: "Theirs.", title: "The tide", settings: { genre: "War" }, model: null, revision: 3 };
const read = async () => STORY;
const record = (id, text, more = {}) => ({ id, title: "", revision: 1, base: fingerprint(text), baseTitle: "", tried: [], ...more });

test("only an id, or an empty page, is asked for", () => {
  assert.equal(wantedStory("?story=new"), "new");
  assert.equal(wantedStory(`?story=${ID}`), ID);
  for (const search of ["", "?story=", "?story=../../etc", `?story=${ID}0`, "?token=x"]) assert.equal(wantedStory(search), null);
});

test("a story of the library lies on the desk as it is there", async () => {
  const { desk } = await arrive({ desk: null, wanted: ID, read });
  assert.deepEqual([desk.text, desk.story, desk.settings], ["Theirs.", ID, { genre: "War" }]);
  assert.ok(isInLibrary(desk));
});

test("unsaved words that lay there are owed to the library, named or not", async () => {
  for (const story of [null, "b".repeat(32)]) {
    const left = { text: "Mine, unsaved.", story, library: story ? [record(story, "Mine")] : [] };
    const { desk } = await arrive({ desk: left, wanted: ID, read });
    const owed = desk.library.find(({ id }) => id !== ID);
    assert.equal(owed.want.text, "Mine, unsaved.");
    assert.match(owed.id, /^[0-9a-f]{32}$/);
    assert.equal(story ?? owed.id, owed.id);
  }
});

test("the story that Undo would have brought back is owed too, and what was owed stays so", async () => {
  const owed = record("c".repeat(32), "", { want: { text: "Owed." } });
  const left = { text: "Mine.", story: "b".repeat(32), earlier: { text: "Before." }, library: [record("b".repeat(32), "Mine."), owed] };
  const { desk } = await arrive({ desk: left, wanted: ID, read });
  assert.deepEqual(desk.library.slice(1).map(({ want }) => want.text), ["Mine.", "Before.", "Owed."]);
});

test("a story that is on the desk already stays as it is, unsaved words and all", async () => {
  const left = { text: "Theirs. And more.", story: ID, library: [record(ID, "Theirs.")] };
  assert.equal((await arrive({ desk: left, wanted: ID, read })).desk, left);
});

test("a story that cannot be opened leaves the desk as it was, and says why", async () => {
  const left = { text: "Mine." };
  const gone = async () => Promise.reject(new Error("It is gone."));
  const { desk, problem } = await arrive({ desk: left, wanted: ID, read: gone });
  assert.deepEqual([desk, problem.message], [left, "It is gone."]);
});

test("a desk is in the library only when all of it is", () => {
  assert.ok(isInLibrary({ text: "a", story: ID, library: [record(ID, "a")] }));
  assert.ok(!isInLibrary({ text: "ab", story: ID, library: [record(ID, "a")] }));
  assert.ok(!isInLibrary({ text: "a", story: ID, library: [record(ID, "a", { title: "New" })] }));
  assert.ok(!isInLibrary({ text: "a", story: ID, library: [record(ID, "a"), record("b", "", { want: { text: "x" } })] }));
  assert.ok(!isInLibrary({ text: "a" }));
});

test("an empty page leaves what lay there to the library", async () => {
  const { desk } = await arrive({ desk: { text: "Mine.", settings: { genre: "War" } }, wanted: "new", read });
  assert.deepEqual([desk.text, desk.story, desk.settings], ["", undefined, { genre: "War" }]);
  assert.deepEqual(desk.library.map(({ want }) => want.text), ["Mine."]);
  assert.equal((await arrive({ desk: null, wanted: "new", read })).desk, null);
});

test("an earlier telling of the story on the page never goes over its later words", async () => {
  const A = "b".repeat(32);
  const left = { text: "Mine, and on.", story: A, earlier: { text: "Mine.", story: A }, library: [record(A, "Mine, and on.", { revision: 5 })] };
  for (const wanted of [ID, "new"]) {
    const { desk } = await arrive({ desk: left, wanted, read });
    assert.deepEqual(desk.library.filter(({ id }) => id === A).map(({ want }) => want.text), ["Mine, and on."]);
  }
  const { desk } = await arrive({ desk: left, wanted: null, read });
  assert.deepEqual([desk.text, desk.earlier], ["Mine, and on.", null]);
});

test("nor over those that the library holds of it, or is owed, when a third story is on the page", async () => {
  const [A, X] = ["b".repeat(32), "c".repeat(32)];
  const left = { text: "Third.", story: X, earlier: { text: "Mine.", story: A } };
  const held = { ...left, library: [record(X, "Third."), record(A, "Mine, and on.")] };
  const owed = { ...left, library: [record(X, "Third."), record(A, "Mine.", { want: { text: "Mine, and on." } })] };
  const told = async (desk) => (await arrive({ desk, wanted: "new", read })).desk.library.filter(({ id }) => id === A).map(({ want }) => want.text);
  assert.deepEqual(await told(held), []);
  assert.deepEqual(await told(owed), ["Mine, and on."]);
  assert.equal((await arrive({ desk: held, wanted: X, read })).desk.earlier, null);
});

test("a story that still owes words is opened with them, to be saved as any other", async () => {
  const settings = { genre: "Fable" };
  const own = record(ID, "Before.", { revision: 2, title: "Mine", tried: ["x"], want: { text: "Before, and unsaved.", settings, model: "m" } });
  const left = { text: "Another.", story: "b".repeat(32), library: [record("b".repeat(32), "Another."), own] };
  const { desk } = await arrive({ desk: left, wanted: ID, read });
  const { want, ...here } = own;
  assert.deepEqual([desk.text, desk.story, desk.settings, desk.model], [want.text, ID, settings, "m"]);
  assert.deepEqual(desk.library[0], here);
  assert.deepEqual(desk.library.slice(1).map(({ want }) => want.text), ["Another."]);
});

test("a story that Undo could come back to, and that owes nothing, is opened as the library has it", async () => {
  const left = { text: "Another.", story: "b".repeat(32), earlier: { text: "Before.", story: ID }, library: [record(ID, "Before.")] };
  const { desk } = await arrive({ desk: left, wanted: ID, read });
  assert.deepEqual([desk.text, desk.library[0].revision], ["Theirs.", 3]);
});

test("who wrote a story comes with it; what came from a file is the writer's own, and of an older story nobody knows", async () => {
  const opened = async (more) => (await arrive({ desk: null, wanted: ID, read: async () => ({ ...STORY, ...more }) })).desk.origins;
  assert.deepEqual(await opened({ origins: [[7, "edited"]] }), [[7, "edited"]]);
  assert.equal(await opened({ origins: null }), null);
  assert.deepEqual(await opened({ text: "🌙.", origins: null, settings: null }), [[2, "writer"]]);
});

test("a story that the model had a part in goes on with the settings it was told with; the writer's own with those of the form", async () => {
  const card = async (more) => (await arrive({ desk: null, wanted: ID, read: async () => ({ ...STORY, ...more }) })).desk.card;
  const told = { id: ID, settings: STORY.settings, model: null, ended: "unknown" };
  assert.deepEqual(await card({ origins: [[3, "writer"], [4, "edited"]] }), told);
  assert.deepEqual(await card({ origins: null }), told);
  assert.equal(await card({ origins: [[7, "writer"]] }), null);
  assert.equal(await card({ settings: null }), null);
});

test("a story is left with the settings it was told with, whatever the form says", async () => {
  const told = { id: "c".repeat(32), settings: { genre: "Fable" }, model: "m", ended: "stop" };
  const left = { text: "Mine.", card: told, settings: { genre: "War" }, earlier: { text: "Old.", card: null } };
  const { desk } = await arrive({ desk: left, wanted: "new", read });
  assert.deepEqual(desk.library.map(({ want }) => want.settings.genre), ["Fable", "War"]);
  assert.deepEqual(desk.settings, { genre: "War" });
});

test("what a desk owes goes to the library with its origins, unless some are not known", async () => {
  const left = { text: "Mine. Its.", origins: [[5, "writer"], [5, "model"]], earlier: { text: "Old.", origins: [[3, "model"], [1, null]] } };
  const { desk } = await arrive({ desk: left, wanted: "new", read });
  assert.deepEqual(desk.library.map(({ want }) => [want.text, want.origins]), [["Mine. Its.", left.origins], ["Old.", null]]);
  const own = record(ID, "Before.", { want: { text: "After.", origins: [[6, "model"]] } });
  assert.deepEqual((await arrive({ desk: { text: "", library: [own] }, wanted: ID, read })).desk.origins, [[6, "model"]]);
});

const TOLD = { id: "g", story: ID, before: "Theirs.", generated: " And on it went.", settings: { genre: "War" }, model: "m", over: false };
const asking = (...told) => async (id) => (id === ID ? told : []);

test("a story of the library that is being written is opened with its writing, however its text was cut", async () => {
  for (const text of ["Theirs.", "Theirs. And o", "Theirs. And on it went."]) {
    const { desk, isApart } = await arrive({ desk: null, wanted: ID, read: async () => ({ ...STORY, text }), ask: asking(TOLD) });
    const { id, taken, pen, replacing, story } = desk.telling;
    assert.deepEqual([id, taken, replacing, story, desk.text, isApart], ["g", text.length - 7, false, ID, text, false]);
    assert.deepEqual(pen, text.length > 7 ? { from: 7, at: text.length } : null);
    assert.deepEqual([desk.card?.settings, desk.card?.ended], text.length > 7 ? [{ genre: "War" }, null] : [{ genre: "War" }, "unknown"]);
  }
});

test("one that was edited is left as it is, and that is said, unless the writing is over", async () => {
  for (const [text, over] of [["Their", false], ["Theirs! And on", false], ["Theirs. And more.", true]]) {
    const { desk, isApart } = await arrive({ desk: null, wanted: ID, read: async () => ({ ...STORY, text }), ask: asking({ ...TOLD, over }) });
    assert.deepEqual([desk.text, desk.telling, isApart], [text, undefined, !over]);
  }
});

test("of two that write on, the last that goes on from the text is taken up", async () => {
  const [first, other] = [{ ...TOLD, id: "first" }, { ...TOLD, id: "other", before: "Theirs.?" }];
  const { desk } = await arrive({ desk: null, wanted: ID, read, ask: asking(first, TOLD, other) });
  assert.equal(desk.telling.id, "g");
});

test("a story that the library does not have yet is opened by its writing, and what lay there is kept", async () => {
  const gone = async () => Promise.reject(Object.assign(new Error("It is gone."), { status: 404 }));
  const told = { ...TOLD, before: "" };
  const { desk, problem } = await arrive({ desk: { text: "Mine." }, wanted: ID, read: gone, ask: asking(told) });
  assert.deepEqual([problem, desk.text, desk.story, desk.telling.story, desk.telling.replacing], [null, "", undefined, ID, true]);
  assert.deepEqual(desk.library.map(({ want }) => want.text), ["Mine."]);
  for (const ask of [asking(), asking(TOLD)]) assert.equal((await arrive({ desk: null, wanted: ID, read: gone, ask })).problem.message, "It is gone.");
});

test("a desk comes back to its story while it is written elsewhere, with the words that the library has by now", async () => {
  const now = async () => ({ ...STORY, text: "Theirs. And on" });
  const left = { text: "Theirs. A", story: ID, card: { id: "c" }, library: [record(ID, "Theirs. A")] };
  for (const [text, expected] of [["Theirs. A", "Theirs. A"], ["Th", "Theirs. And on"]]) {
    const { desk } = await arrive({ desk: { ...left, text, library: [record(ID, text)] }, wanted: null, read: now, ask: asking(TOLD) });
    assert.deepEqual([desk.text, desk.telling.id, desk.card.id], [expected, "g", "c"]);
    assert.ok(isInLibrary(desk));
  }
  const owing = { ...left, text: "Th, mine." };
  const { desk, isApart } = await arrive({ desk: owing, wanted: ID, read: now, ask: asking(TOLD) });
  assert.deepEqual([desk, isApart], [owing, true], "words of its own are not taken away");
});

test("a desk that tells a story itself goes on with that, and a server that is away tells of none", async () => {
  const left = { text: "Theirs. A", story: ID, telling: { id: "own", story: ID } };
  assert.equal((await arrive({ desk: left, wanted: ID, read, ask: asking(TOLD) })).desk, left);
  const away = async () => Promise.reject(new Error("No answer."));
  assert.equal((await arrive({ desk: null, wanted: ID, read, ask: away })).desk.text, "Theirs.");
});
