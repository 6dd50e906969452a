// The page put together of parts that only note what is done to them.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Page } from "../../web/src/page/page.js";
import { LibraryDesk } from "../../web/src/saving/library-desk.js";

const element = () => ({
  value: "", textContent: "", dataset: {}, classList: { toggle() {} }, addEventListener() {}, setAttribute() {}, getAttribute: () => null,
});
const elements = new Map();
const links = [element()];
let frames = [];
globalThis.document = {
  title: "", hidden: false, addEventListener() {}, querySelectorAll: () => links,
  getElementById: (id) => elements.get(id) ?? elements.set(id, element()).get(id),
};
globalThis.requestAnimationFrame = (act) => frames.push(act);
delete globalThis.BroadcastChannel;

const offline = { code: "offline", message: "StorAIteller does not answer. Your text stays on this page." };
let page, done, sync;

const shown = () => {
  page.show();
  for (const act of frames.splice(0)) act();
  return done.status;
};

beforeEach(() => {
  frames = [];
  done = { said: [], kept: [], order: [], status: null };
  const announcer = { state: (words) => done.said.push(["state", words]), error: (words) => done.said.push(["error", words]) };
  const editor = { text: "Ada ran.", doc: {}, card: null, story: null, canUndo: false, canRedo: false };
  const library = new LibraryDesk({ editor, announcer, about: () => ({}), say() {}, newId: () => "a".repeat(32), onChange() {} });
  done.told = library.sync.page;
  sync = {
    problem: null, title: "", current: { revision: 1 }, stories: { isDirty: false, look() {} },
    look: () => done.order.push("look"), keep: (reason) => done.order.push(reason), leave() {}, touch() {},
  };
  library.sync = sync;
  page = new Page();
  page.open({
    editor, library,
    telling: {
      state: { phase: "idle", note: "", tone: "", speed: null, elapsed: null }, busy: false, flush() {}, forget() {},
      continue: () => done.order.push("continue"), say(note, tone = "") { this.state = { ...this.state, note, tone }; },
    },
    taking: { isOpen: false, isWriting: false, view: { hasFocus: false, focus() {} }, follow() {} }, takes: { left: null }, takesKeeper: { touch() {} }, titles: { show() {} },
    settings: { value: {}, check: () => ({}), hasWords: false },
    models: { isKnown: false }, health: { now: { ready: true } }, keeper: { keep() {}, touch() {} },
    status: { show: (now) => (done.status = now) }, feedback: { show() {} }, drawer: { hasRoom: false, isOpen: false }, bar: { follow() {} }, who: { follow() {} },
    aside: { follow() {}, drop() {} },
  });
});

const typed = () => page.updated({ docChanged: true, transactions: [{ isUserEvent: (event) => event === "input" }], startState: { field: () => null }, state: { field: () => null } });

test("a full browser is said even when the server is away, and said aloud once, and its end too", () => {
  page.health.now = { ready: false, code: "offline", detail: offline.message };
  assert.equal(shown().note, offline.message);
  sync.problem = offline;
  sync.stories.isDirty = true;
  page.kept({ isFull: true });
  assert.match(shown().note, /^Not saved, .* copy your text/);
  assert.equal(done.status.tone, "error");
  shown();
  assert.deepEqual(done.said.slice(1), [], "once");
  assert.match(done.said[0][1], /^Not saved/);

  page.health.now = { ready: true };
  sync.problem = null;
  shown();
  assert.equal(done.said.length, 1, "nothing is saved yet");
  sync.stories.isDirty = false;
  assert.equal(shown().note, "");
  assert.deepEqual(done.said[1], ["state", "Saved again."]);
});

test("an error does not hide that nothing is saved once the writer goes on", () => {
  page.telling.say("The model failed.", "error");
  sync.problem = offline;
  assert.equal(shown().note, "The model failed.");
  typed();
  assert.match(shown().note, /^Not saved yet/);
  page.telling.say("It failed again.", "error");
  assert.equal(shown().note, "It failed again.");
  page.kept({ isFull: true });
  assert.match(shown().note, /copy your text/);
});

test("only a page whose words would be lost asks before it goes", () => {
  sync.stories.isDirty = true;
  assert.equal(page.leave(), false, "this browser keeps them");
  page.keeper.keep = () => page.kept({ isFull: true });
  assert.equal(page.leave(), true);
  sync.stories.isDirty = false;
  assert.equal(page.leave(), false, "the library has them");
  sync.problem = offline;
  assert.equal(page.leave(), true);
});

test("what is on the page belongs to its story before a model writes on", () => {
  page.continue();
  assert.deepEqual(done.order.filter((what) => what !== "touch"), ["look", "continue"]);
});

test("takes that wait for a decision keep the page: the library opens beside it", () => {
  shown();
  assert.equal(links[0].target, "");
  page.taking.isOpen = true;
  shown();
  assert.equal(links[0].target, "_blank");
});

test("a story kept apart in the background is said, with the way to it", () => {
  done.told.keptApart({ id: "b", title: "Tide" }, { id: "c", title: "Tide (another window)" });
  const { note, href, link } = shown();
  assert.match(note, /kept as “Tide \(another window\)”/);
  assert.deepEqual([href, link], ["/?story=c", "Open it"]);
  assert.deepEqual(done.said, [["state", note]]);
  done.told.keptApart({ id: "b", title: "Tide" }, { title: "Tide (another window)" });
  assert.equal(shown().href, "/library", "without an id, the library knows where it is");
});

test("the writer's own text is not measured by a number of words that it has passed already", () => {
  page.settings = { value: { max_words: 300 }, check: () => ({}), hasWords: true };
  assert.equal(shown().max, 300, "room to write on");
  page.editor.text = "word ".repeat(301);
  page.editor.doc = {};
  assert.equal(shown().max, null);
  page.editor.card = { settings: { max_words: 300 } };
  assert.equal(shown().max, 300, "this one was asked for so");
});

test("Escape in a suggestion is for the suggestion, even beside the open settings", () => {
  page.bar.isOpen = false;
  page.drawer = { isOpen: true, close: () => done.order.push("drawer") };
  page.taking = { isOpen: true, isWriting: false, view: { hasFocus: true }, keep: () => done.order.push("takes") };
  page.escape();
  page.taking.view.hasFocus = false;
  page.escape();
  assert.deepEqual(done.order, ["takes", "drawer"]);
});

test("that settings were put aside is said no longer once they are back", () => {
  page.aside.kept = {};
  page.open({}, { isAside: true });
  assert.match(shown().note, /bring yours back/);
  page.changed();
  assert.match(shown().note, /bring yours back/);
  page.aside.kept = null;
  page.changed();
  assert.equal(shown().note, "");
});

test("an error that the writer has gone on after is over once takes are asked for", () => {
  page.telling.forget = () => page.telling.say("");
  page.telling.say("The line dropped.", "error");
  page.taking.isWriting = true;
  page.changed();
  assert.equal(shown().note, "The line dropped.", "it may not have been read yet");
  typed();
  assert.equal(shown().note, "");
});
