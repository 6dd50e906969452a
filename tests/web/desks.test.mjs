import assert from "node:assert/strict";
import { test } from "node:test";
import { Desks } from "../../web/src/desk/desks.js";
import { takeSeat } from "../../web/src/desk/seat.js";
import { fingerprint } from "../../web/src/text/fingerprint.js";
import { newId } from "../../web/src/text/new-id.js";

class FakeStorage {
  items = new Map();
  room = Infinity;
  get length() {
    return this.items.size;
  }
  key = (index) => [...this.items.keys()][index] ?? null;
  getItem = (key) => this.items.get(key) ?? null;
  removeItem = (key) => this.items.delete(key);
  setItem(key, value) {
    const others = [...this.items].filter(([name]) => name !== key).reduce((sum, [, text]) => sum + text.length, 0);
    if (others + value.length > this.room) throw new DOMException("full", "QuotaExceededError");
    this.items.set(key, value);
  }
}

/** Web Locks as far as the page uses them; `release` is a tab that goes away. */
class FakeLocks {
  held = new Map();
  async request(name, { ifAvailable, signal }, got) {
    while (this.held.has(name)) {
      if (ifAvailable) return got(null);
      await new Promise((resolve, reject) => {
        this.held.get(name).push(resolve);
        signal?.addEventListener("abort", () => reject(signal.reason));
      });
    }
    this.held.set(name, []);
    return got({ name });
  }
  release(id) {
    const name = `storaiteller.desk.${id}`;
    const waiting = this.held.get(name) ?? [];
    this.held.delete(name);
    for (const wake of waiting) wake();
  }
}

const room = () => ({ desks: new Desks(new FakeStorage()), locks: new FakeLocks() });

test("a desk comes back as it was left", () => {
  const desks = new Desks(new FakeStorage(), () => 7);
  assert.ok(desks.keep("a", { text: "Once\r\n🌙", settings: { genre: "War" } }));
  assert.deepEqual(desks.read("a"), { text: "Once\r\n🌙", settings: { genre: "War" }, savedAt: 7 });
});

test("what cannot be read is no desk, and nothing throws", () => {
  const storage = new FakeStorage();
  const desks = new Desks(storage);
  for (const value of ["{", "null", "[]", '{"text": 7}']) {
    storage.items.set("storaiteller.desk.x", value);
    assert.equal(desks.read("x"), null);
  }
  assert.equal(desks.read("nowhere"), null);
  const shut = new Desks({ get length() { throw new Error("shut"); }, getItem() { throw new Error("shut"); } });
  assert.deepEqual(shut.ids(), []);
  assert.equal(shut.keep("a", { text: "" }), false);
});

test("a full storage says so, after the empty desks have made room", () => {
  const storage = new FakeStorage();
  const desks = new Desks(storage);
  desks.keep("blank", { text: "" });
  storage.room = 60;
  assert.equal(desks.keep("a", { text: "short" }), true);
  assert.equal(desks.read("blank"), null);
  assert.equal(desks.keep("a", { text: "x".repeat(100) }), false);
  assert.equal(desks.read("a").text, "short");
});

test("at most twenty desks are kept, the oldest empty ones go", () => {
  let clock = 0;
  const desks = new Desks(new FakeStorage(), () => (clock += 1));
  for (let number = 0; number < 25; number += 1) desks.keep(`d${number}`, { text: number % 2 ? "story" : " " });
  desks.tidy("d24");
  assert.equal(desks.ids().length, 20);
  assert.ok(!desks.ids().includes("d0"));
  for (let number = 1; number < 25; number += 2) assert.ok(desks.ids().includes(`d${number}`), "stories stay");
});

test("a new tab sits down at the last used desk that is free", async () => {
  const { desks, locks } = room();
  desks.keep("older", { text: "older" });
  await new Promise((resolve) => setTimeout(resolve, 2));
  desks.keep("newer", { text: "newer" });
  const first = await takeSeat({ desks, locks, session: new FakeStorage() });
  const second = await takeSeat({ desks, locks, session: new FakeStorage() });
  const third = await takeSeat({ desks, locks, session: new FakeStorage() });
  assert.deepEqual([first.desk.text, second.desk.text, third.desk], ["newer", "older", null]);
  assert.equal(new Set([first.id, second.id, third.id]).size, 3);
});

test("a reloaded tab waits for its own desk, and gets it", async () => {
  const { desks, locks } = room();
  const session = new FakeStorage();
  const before = await takeSeat({ desks, locks, session });
  desks.keep(before.id, { text: "mine" });
  setTimeout(() => locks.release(before.id), 20);
  const after = await takeSeat({ desks, locks, session });
  assert.deepEqual([after.id, after.desk.text], [before.id, "mine"]);
});

test("a duplicated tab gets a copy at a desk of its own, of the same story", async (context) => {
  const alive = setInterval(() => {}, 100); // the time-out of a signal alone keeps no process alive
  context.after(() => clearInterval(alive));
  const { desks, locks } = room();
  const session = new FakeStorage();
  const first = await takeSeat({ desks, locks, session });
  desks.keep(first.id, { text: "mine", card: { id: "story" }, telling: { id: "g" } });
  const twin = new FakeStorage();
  twin.items = new Map(session.items);
  const second = await takeSeat({ desks, locks, session: twin });
  assert.notEqual(second.id, first.id);
  assert.equal(second.desk.text, "mine");
  assert.equal(second.desk.card.id, "story");
  assert.equal(second.desk.telling, null, "what is being written is written in one of them");
});

test("without locks a tab still finds its own desk", async () => {
  const { desks } = room();
  const session = new FakeStorage();
  const before = await takeSeat({ desks, locks: undefined, session });
  desks.keep(before.id, { text: "mine" });
  const after = await takeSeat({ desks, locks: undefined, session });
  assert.equal(after.desk.text, "mine");
  assert.equal((await takeSeat({ desks, locks: undefined, session: new FakeStorage() })).desk, null);
});

test("ids are not guessed and not repeated", () => {
  assert.match(newId(), /^[0-9a-f]{32}$/);
  assert.notEqual(newId(), newId());
});

test("what the library lacks of a desk that nobody sits at is brought there, once", () => {
  const storage = new FakeStorage();
  const desks = new Desks(storage, () => 7);
  const story = "a".repeat(32);
  const record = { id: story, title: "Tide", revision: 2, base: fingerprint("old"), baseTitle: "Tide", tried: [] };
  desks.keep("own", { text: "mine" });
  desks.keep("taken", { text: "another tab's" });
  desks.keep("blank", { text: " " });
  desks.keep("before", { text: "from before there was a library" });
  desks.keep("behind", { text: "old and new", story, library: [record] });
  desks.keep("saved", { text: "old", story, library: [record] });
  const brought = desks.unsaved("own", new Set(["taken"]));
  assert.deepEqual(brought.map(({ want }) => want.text).sort(), ["from before there was a library", "old and new"]);
  assert.deepEqual(brought.find(({ id }) => id === story).revision, 2);
  const named = desks.read("before");
  assert.equal(named.story, brought.find(({ want }) => want.text.startsWith("from")).id);
  assert.deepEqual([named.text, named.savedAt], ["from before there was a library", 7]);
  assert.deepEqual(desks.unsaved("own", new Set(["taken"])).map(({ id }) => id).sort(), brought.map(({ id }) => id).sort());
});

test("desks that the library has make room, unless a tab sits there", () => {
  let clock = 0;
  const desks = new Desks(new FakeStorage(), () => (clock += 1));
  const library = [{ id: "s", title: "", base: fingerprint("story"), baseTitle: "" }];
  for (let number = 0; number < 25; number += 1) desks.keep(`d${number}`, { text: "story", story: "s", library });
  desks.tidy("d24", new Set(["d0", "d24"]));
  assert.equal(desks.ids().length, 20);
  assert.ok(desks.ids().includes("d0"));
  assert.ok(!desks.ids().includes("d1"));
});

const held = (id, text, revision = 3) => ({ id, title: "", revision, base: fingerprint(text), baseTitle: "", tried: [] });
const nobody = new Set();

test("a blank page with stories that the library lacks is no empty desk", () => {
  let clock = 0;
  const storage = new FakeStorage();
  const desks = new Desks(storage, () => (clock += 1));
  const owing = { text: "", library: [{ id: "s", title: "", want: { text: "Unsaved." } }] };
  desks.keep("owing", owing);
  desks.keep("undoable", { text: "", earlier: { text: "Before." } });
  for (let number = 0; number < 25; number += 1) desks.keep(`d${number}`, { text: "" });
  desks.tidy("d24", nobody);
  storage.room = 0;
  desks.keep("d24", { text: "no room, so what is empty goes" });
  assert.deepEqual(desks.ids(), ["d24", "undoable", "owing"]);
  storage.room = Infinity;
  const texts = () => desks.unsaved("own", nobody).map(({ want }) => want.text).sort();
  assert.deepEqual(texts(), ["Before.", "Unsaved."]);
  storage.room = 0;
  assert.deepEqual(texts(), ["Before.", "Unsaved."], "a full storage holds back none of them");
});

test("what arrived in the library is not brought again", () => {
  const desks = new Desks(new FakeStorage(), () => 7);
  const [page, other] = ["a".repeat(32), "b".repeat(32)];
  desks.keep("left", { text: "New.", story: page, library: [held(page, "Old."), { ...held(other, "Old."), want: { text: "Also new." } }] });
  assert.equal(desks.unsaved("own", nobody).length, 2);
  desks.arrived("own", nobody, [held(other, "Also new.", 4)]);
  assert.deepEqual(desks.unsaved("own", nobody).map(({ want }) => want.text), ["New."]);
  desks.arrived("own", nobody, [held(page, "New.", 4), held(other, "Also new.", 4)]);
  assert.deepEqual(desks.unsaved("own", nobody), []);
  const { text, story, library, savedAt } = desks.read("left");
  assert.deepEqual([text, story, library[0], savedAt], ["New.", page, held(page, "New.", 4), 7]);
});

test("what arrived as a story of its own, beside another's, is that story from then on", () => {
  const desks = new Desks(new FakeStorage());
  const [page, other] = ["a".repeat(32), "b".repeat(32)];
  const earlier = { text: "Mine too.", story: other };
  desks.keep("left", { text: "Mine.", story: page, earlier, library: [held(page, "Old."), { ...held(other, "Old."), want: { text: "Mine too." } }] });
  desks.arrived("own", nobody, [held(page, "Theirs."), held("c", "Mine."), held("d", "Mine too.")]);
  const desk = desks.read("left");
  assert.deepEqual([desk.story, desk.earlier.story, desk.library.map(({ id }) => id)], ["c", "d", ["c", "d"]]);
  assert.deepEqual(desks.unsaved("own", nobody), []);
});

test("words and titles that did not arrive, and desks that a tab sits at, stay as they are", () => {
  const desks = new Desks(new FakeStorage());
  const story = "a".repeat(32);
  const desk = { text: "New.", story, library: [{ ...held(story, "Old."), title: "Typed" }] };
  for (const id of ["left", "taken", "own"]) desks.keep(id, desk);
  const before = desks.read("left");
  for (const record of [held(story, "Old."), held(story, "New."), { ...held("c", "New."), revision: 0 }, { ...held("c", "New."), want: { text: "Newer." } }]) {
    desks.arrived("own", new Set(["taken"]), [record]);
    assert.deepEqual(desks.read("left"), before);
  }
  desks.arrived("own", new Set(["taken"]), [{ ...held(story, "New."), title: "Typed", baseTitle: "Typed" }]);
  assert.notDeepEqual(desks.read("left"), before);
  for (const id of ["taken", "own"]) assert.equal(desks.read(id).library[0].base, fingerprint("Old."));
});
