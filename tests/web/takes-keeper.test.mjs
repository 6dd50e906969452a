import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { TakesKeeper } from "../../web/src/takes/takes-keeper.js";
import { mergeRecords } from "../../web/src/takes/takes-merge.js";

class Refused extends Error {
  constructor(status) {
    super("No.");
    this.status = status;
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
let others, sent, kept, trouble, timers, sync, keeper, changes, told, troubles, gate;

const take = (id, text = "Bo fell.", more = {}) => ({ id, text, outcome: "open", finish: null, ...more });
const record = (id, ...takes) => ({ id, kind: "passage", takes: takes.length ? takes : [take("t")] });
const ids = ({ takes }) => takes.map(({ id }) => id);
const deleted = [];
const tick = async () => {
  for (const { act } of timers.splice(0)) act();
  await turn();
};

beforeEach(() => {
  sent = [];
  kept = new Map();
  trouble = null;
  timers = [];
  changes = 0;
  told = [];
  troubles = [];
  gate = null;
  deleted.length = 0;
  others = [];
  const stories = { get held() { return [...others, ...(sync.current ? [sync.current] : [])]; } };
  sync = { current: { id: "s", revision: 1 }, stories, settle: async () => stories.held.forEach((story) => (story.revision = 1)) };
  const api = {
    keepPassage: async (story, each) => {
      sent.push([story, each.id]);
      if (trouble) throw trouble;
      kept.set(each.id, mergeRecords(kept.get(each.id), each));
      const answer = kept.get(each.id);
      await gate;
      return answer;
    },
    deletePassage: async (story, id) => {
      if (trouble) throw trouble;
      deleted.push([story, id]);
      kept.delete(id);
    },
    passages: async () => {
      if (trouble) throw trouble;
      return [...kept.values()];
    },
  };
  const clock = { now: () => 0, set: (act, milliseconds) => timers[timers.push({ act, milliseconds }) - 1], clear: (timer) => (timers = timers.filter((each) => each !== timer)) };
  keeper = new TakesKeeper({
    api, sync, clock,
    onChange: () => ((changes += 1), keeper.touch()),
    onTold: (story, each) => told.push([story, ids(each)]),
    onTrouble: (error) => troubles.push(error && error.message),
  });
});

test("takes go into the library, the last record of each", async () => {
  keeper.keep(record("a", take("t", "On")));
  keeper.keep(record("a", take("t", "Two")));
  keeper.keep(null);
  await tick();
  assert.deepEqual(sent, [["s", "a"]]);
  assert.equal(kept.get("a").takes[0].text, "Two");
  assert.deepEqual(keeper.kept, [], "the desk owes nothing more");
  assert.ok(changes > 0);
});

test("what cannot be sent stays on the desk, and is tried again", async () => {
  trouble = new Refused(0);
  keeper.keep(record("a"));
  await tick();
  assert.equal(keeper.kept.length, 1);
  trouble = null;
  await tick();
  assert.deepEqual([...kept.keys()], ["a"]);
});

test("what the library refuses is kept on the desk, and not tried again until it changes", async () => {
  trouble = new Refused(422);
  keeper.keep(record("a"));
  await tick();
  trouble = null;
  keeper.touch();
  await tick();
  assert.deepEqual([sent.length, keeper.kept.length], [1, 1]);
  keeper.keep(record("a", take("t", "Other")));
  await tick();
  assert.deepEqual([...kept.keys()], ["a"]);
});

test("what another window made of a passage is told, stays, and is in the list", async () => {
  kept.set("a", record("a", take("theirs")));
  await keeper.list();
  keeper.keep(record("a", take("ours")));
  assert.deepEqual(keeper.records.map(ids), [["theirs", "ours"]]);
  await tick();
  assert.deepEqual([told, ids(kept.get("a"))], [[["s", ["theirs", "ours"]]], ["theirs", "ours"]]);
  assert.deepEqual(keeper.records.map(ids), [["theirs", "ours"]]);
});

test("takes that come while the server is slow to answer come into the library after it", async () => {
  let answer;
  gate = new Promise((resolve) => (answer = resolve));
  keeper.keep(record("a", take("t1")));
  await tick();
  keeper.keep(record("a", take("t2")));
  await tick();
  gate = null;
  answer();
  await turn();
  assert.deepEqual(keeper.kept.map(({ record: owed }) => ids(owed)), [["t1", "t2"]]);
  await tick();
  assert.deepEqual([ids(kept.get("a")), keeper.kept], [["t1", "t2"], []]);
});

test("a list that is read while takes come into the library knows them", async () => {
  const reading = keeper.list();
  keeper.keep(record("a"));
  await keeper.loop.now();
  assert.deepEqual((await reading).map(ids), [["t"]]);
  assert.deepEqual(keeper.records.map(ids), [["t"]]);
});

test("what is refused is said once, over a reload too, and that it is over", async () => {
  trouble = new Refused(409);
  keeper.keep(record("a"));
  await tick();
  keeper.keep(record("a", take("t"), take("u")));
  await tick();
  assert.deepEqual([sent.length, troubles], [2, ["No. The takes themselves stay in this browser."]]);
  const [owed] = JSON.parse(JSON.stringify(keeper.kept));
  assert.deepEqual([owed.told, ids(owed.record)], ["No.", ["t", "u"]]);
  trouble = null;
  keeper.keep(record("a", take("u")));
  await tick();
  assert.deepEqual([ids(kept.get("a")), troubles.slice(1), keeper.kept], [["t", "u"], [null], []]);

  trouble = new Refused(409);
  keeper.open({ pending: [owed] });
  await tick();
  assert.deepEqual([keeper.kept.length, troubles.length], [1, 2], "that was said before the reload");
});

test("a full disk is said once and takes are tried again until there is room; a server that is away is said of the story", async () => {
  trouble = new Refused(507);
  keeper.keep(record("a"));
  for (let times = 0; times < 3; times += 1) await tick();
  assert.deepEqual(troubles, ["No. The takes themselves stay in this browser."]);
  trouble = null;
  await tick();
  assert.deepEqual([troubles.slice(1), keeper.kept], [[null], []]);
  trouble = new Refused(0);
  keeper.keep(record("b"));
  await tick();
  assert.equal(troubles.length, 2);
});

test("takes of a story that was deleted come into it once it is made anew", async () => {
  sync.current.revision = 7;
  trouble = new Refused(404);
  keeper.keep(record("a"));
  await tick();
  trouble = null;
  sync.current.revision = 1;
  keeper.touch();
  await tick();
  assert.deepEqual([...kept.keys()], ["a"]);
});

test("a story that is new is saved before its takes; a page without a story keeps them until it has one", async () => {
  sync.current = null;
  keeper.keep(record("a"));
  await tick();
  assert.deepEqual(sent, []);
  sync.current = { id: "new", revision: 0 };
  keeper.touch();
  await tick();
  await turn();
  assert.deepEqual([sent, sync.current.revision], [[["new", "a"]], 1]);
});

test("a desk's open takes and those it owed come into the library after a reload", async () => {
  keeper.open({ open: { story: "s", record: record("a") }, pending: [{ story: "other", record: record("b") }] });
  await tick();
  assert.deepEqual(sent, [["other", "b"], ["s", "a"]]);
});

test("the list has what the library knows and what it does not know yet, and is asked for again after a failure", async () => {
  kept.set("old", record("old"));
  assert.deepEqual(keeper.records, []);
  await turn();
  await turn();
  assert.deepEqual(keeper.records.map(({ id }) => id), ["old"]);
  keeper.keep(record("new"));
  assert.deepEqual(keeper.records.map(({ id }) => id), ["new", "old"]);
  trouble = new Refused(0);
  await assert.rejects(keeper.list());
  trouble = null;
  assert.deepEqual((await keeper.list()).map(({ id }) => id).sort(), ["new", "old"]);
});

test("a record stays with the story that it was made in, whichever is on the page by now", async () => {
  keeper.keep(record("a"), "before");
  await tick();
  assert.deepEqual(sent, [["before", "a"]]);
  assert.deepEqual(keeper.records, [], "the list is of the story on the page");
});

test("takes that were made on an empty page wait for a story that begins there, and go into none that came from the library", async () => {
  sync.current = null;
  keeper.keep(record("a"));
  sync.current = { id: "old", revision: 7 };
  keeper.touch();
  await tick();
  assert.deepEqual([sent, keeper.kept.length], [[], 1]);
  assert.deepEqual((await keeper.list()).map(({ id }) => id), ["a"], "and can be had meanwhile");
  sync.current = { id: "new", revision: 0 };
  keeper.touch();
  await tick();
  assert.deepEqual(sent, [["new", "a"]]);
});

test("takes of a story that was left before it was saved come after it", async () => {
  others = [{ id: "left", revision: 0 }];
  keeper.keep(record("a"), "left");
  await tick();
  await turn();
  assert.deepEqual([sent, others[0].revision], [[["left", "a"]], 1]);
});

test("takes of a story that was deleted for good stay on the desk, and are not asked about at every letter", async () => {
  trouble = new Refused(404);
  keeper.keep(record("a"), "deleted");
  await tick();
  keeper.touch();
  await tick();
  assert.deepEqual([sent.length, keeper.kept.length], [1, 1]);
});

test("a passage's takes are deleted here and in the library, and can be kept again; if that fails they are still here", async () => {
  keeper.keep(record("a"));
  trouble = new Refused(0);
  await assert.rejects(keeper.delete("a"));
  assert.equal(keeper.kept.length, 1);
  trouble = null;
  await keeper.delete("a");
  await tick();
  assert.deepEqual([deleted, sent, keeper.kept, await keeper.list()], [[["s", "a"]], [], [], []]);
  keeper.keep(record("a"), "s");
  await tick();
  assert.deepEqual([...kept.keys()], ["a"]);
});

test("takes of a story that the library has no more are deleted all the same", async () => {
  trouble = new Refused(404);
  keeper.keep(record("a"));
  await keeper.delete("a");
  assert.deepEqual([keeper.kept, keeper.records], [[], []]);
});
