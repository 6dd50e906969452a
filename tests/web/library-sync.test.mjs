import assert from "node:assert/strict";
import { test } from "node:test";
import { changed } from "../../web/src/shelf/library-ask.js";
import { Tale } from "../../web/src/telling/tale.js";
import { FakeChannels, FakeClock, FakeLibrary, settled, Window } from "./fake-library.mjs";

const room = () => ({ library: new FakeLibrary(), clock: new FakeClock(), channels: new FakeChannels() });

/** A window with "Once." in the library. */
async function begun(words = "Once.") {
  const around = room();
  const window = new Window(around);
  window.type(words);
  await around.clock.pass(1000);
  return { ...around, window };
}

/** Two windows on one story. */
async function twoWindows() {
  const first = await begun();
  const other = new Window({ ...first, desk: first.window.desk });
  await first.clock.pass(1000);
  return { ...first, other };
}

test("the first words make a story, within a second", async () => {
  const { library, window } = await begun();
  assert.match(window.id, /^[0-9a-f]{32}$/);
  assert.deepEqual(library.texts, ["Once."]);
  assert.ok(!window.sync.stories.isDirty);
});

test("an empty page, or one with nothing but spaces, makes none", async () => {
  const { library, clock, channels } = room();
  const window = new Window({ library, clock, channels });
  window.type(" \n ");
  await clock.pass(5000);
  assert.deepEqual([window.id, library.texts], [null, []]);
});

test("whatever is typed is in the library within a second, and never more than one save is on its way", async () => {
  const { library, clock, window } = await begun();
  for (let second = 0; second < 10; second += 1) {
    for (let key = 0; key < 10; key += 1) {
      window.type("x");
      await clock.pass(100);
    }
  }
  assert.ok(library.saves <= 12, `${library.saves} saves in ten seconds`);
  await clock.pass(1000);
  assert.deepEqual(library.texts, [window.text]);
  assert.equal(library.most, 1);
});

test("what is typed while a save is on its way is saved after it", async () => {
  const { library, clock, window } = await begun();
  let open;
  library.gate = new Promise((resolve) => (open = resolve));
  window.type(" Ada");
  await clock.pass(1000);
  window.type(" ran.");
  await clock.pass(3000);
  assert.deepEqual(library.texts, ["Once."]);
  open();
  await clock.pass(1000);
  assert.deepEqual(library.texts, ["Once. Ada ran."]);
  assert.equal(library.most, 1);
});

test("a server that goes is said once, tried again with patience, and nothing is lost when it comes back", async () => {
  const { library, clock, window } = await begun();
  library.state = "down";
  window.type(" Ada");
  await clock.pass(1500);
  assert.equal(window.sync.problem.code, "offline");
  const { changes } = window;
  await clock.pass(60_000);
  assert.equal(window.changes, changes, "it is said once");
  window.type(" ran.");
  library.state = "up";
  await clock.pass(16_000);
  assert.equal(window.sync.problem, null);
  assert.deepEqual(library.texts, ["Once. Ada ran."]);
});

test("a full disk is said in the server's words, and over when there is room", async () => {
  const { library, clock, window } = await begun();
  library.state = "full";
  window.type("!");
  await clock.pass(1500);
  assert.equal(window.sync.problem.message, "The disk is full.");
  library.state = "up";
  await window.sync.settle();
  assert.equal(window.sync.problem, null);
  assert.deepEqual(library.texts, ["Once.!"]);
});

test("a save whose answer was lost is known again as one's own, after a reload too", async () => {
  const { library, clock, window } = await begun();
  library.state = "mute";
  window.type(" Ada");
  await clock.pass(1000);
  window.type(" ran");
  const later = new FakeClock(); // for the window that goes, time stands still
  const reloaded = new Window({ library, clock: later, desk: window.desk });
  library.state = "up";
  reloaded.type(" home.");
  await later.pass(20_000);
  assert.deepEqual(library.texts, ["Once. Ada ran home."]);
  assert.deepEqual(reloaded.said, []);
});

test("a story whose making was not answered is made once", async () => {
  const { library, clock } = room();
  const window = new Window({ library, clock });
  library.state = "mute";
  window.type("Once");
  await clock.pass(1000);
  library.state = "up";
  window.type(" upon");
  await clock.pass(5000);
  assert.deepEqual(library.texts, ["Once upon"]);
});

test("an unchanged window follows the other at once", async () => {
  const { clock, window, other } = await twoWindows();
  window.type(" Ada ran.");
  await clock.pass(1000);
  assert.equal(other.text, "Once. Ada ran.");
  assert.deepEqual(other.said, ["followed"]);
  other.type(" Bo too.");
  await clock.pass(1000);
  assert.equal(window.text, "Once. Ada ran. Bo too.");
});

test("two windows with other settings do not answer each other for ever", async () => {
  const { library, clock, window, other } = await twoWindows();
  other.settings = { genre: "War" };
  window.type("!");
  other.sync.touch();
  await clock.pass(10_000);
  const { saves } = library;
  await clock.pass(60_000);
  assert.equal(library.saves, saves);
});

test("two windows that both changed the story keep both", async () => {
  const { library, clock, window, other } = await twoWindows();
  window.type(" Mine.");
  other.type(" Yours.");
  await clock.pass(5000);
  assert.deepEqual(library.texts, ["Once. Mine.", "Once. Yours."]);
  assert.notEqual(window.id, other.id);
  const [said] = [...window.said, ...other.said];
  assert.deepEqual(said, ["forked", "", "Once. Mine. (another window)"]);
});

test("a story that is renamed elsewhere takes its name, and the words go on", async () => {
  const { library, clock, window } = await begun();
  library.change(window.id, { title: "The tide" });
  window.type(" Ada.");
  await clock.pass(5000);
  assert.deepEqual([...library.stories.values()].map(({ title, text }) => [title, text]), [["The tide", "Once. Ada."]]);
  assert.equal(window.sync.title, "The tide");
});

test("the same words from both sides are one story", async () => {
  const { library, clock, window } = await begun();
  library.change(window.id, { text: "Once. Ada." });
  window.type(" Ada.");
  await clock.pass(5000);
  assert.deepEqual(library.texts, ["Once. Ada."]);
  assert.deepEqual(window.said, []);
});

test("a title that is typed first belongs to the story that follows", async () => {
  const { library, clock } = room();
  const window = new Window({ library, clock });
  window.sync.title = "The tide";
  window.type("Once.");
  await clock.pass(1000);
  assert.equal([...library.stories.values()][0].title, "The tide");
});

test("the story that was left is saved whole, under its own name", async () => {
  const { library, clock, window } = await begun();
  window.sync.title = "First";
  const left = window.id;
  window.text = "Twice.";
  window.id = "b".repeat(32);
  window.sync.leave(left, { text: "Once. To the end.", settings: { genre: "War" }, model: null });
  await clock.pass(3000);
  assert.equal(library.stories.get(left).text, "Once. To the end.");
  assert.deepEqual(library.stories.get(left).settings, { genre: "Fantasy" }, "what the next one is told with is the next one's");
  assert.deepEqual([library.stories.get(window.id).title, library.stories.get(window.id).text], ["", "Twice."]);
});

test("a story that was left while the server was away is saved after a reload", async () => {
  const { library, clock, window } = await begun();
  library.state = "down";
  const left = window.id;
  window.id = null;
  window.text = "";
  window.sync.leave(left, { text: "Once. To the end.", settings: {}, model: null });
  await clock.pass(1000);
  const { desk } = window;
  library.state = "up";
  new Window({ library, clock, desk });
  await clock.pass(1000);
  assert.equal(library.stories.get(left).text, "Once. To the end.");
});

test("versions are of what was saved: at the end of a generation, and a minute after the last change", async () => {
  const { library, clock, window } = await begun();
  window.text = "Told.";
  await window.sync.keep("generation");
  assert.deepEqual(library.versions.at(-1), ["generation", "Told."]);
  window.type(" And");
  await clock.pass(30_000);
  window.type(" on.");
  await clock.pass(45_000);
  assert.equal(library.versions.length, 1);
  await clock.pass(30_000);
  assert.deepEqual(library.versions.at(-1), ["pause", "Told. And on."]);
});

test("a version that could not be kept is kept later", async () => {
  const { library, clock, window } = await begun();
  library.state = "down";
  window.text = "Told.";
  assert.equal(await window.sync.keep("generation"), false);
  library.state = "up";
  await clock.pass(20_000);
  assert.deepEqual(library.versions, [["generation", "Told."]]);
});

test("before much of a story goes, what was there becomes a version", async () => {
  const long = "word ".repeat(200);
  const { library, clock, window } = await begun(long);
  window.text = "short";
  window.sync.touch();
  await clock.pass(2000);
  assert.deepEqual(library.versions, [["pause", long]]);
  assert.deepEqual(library.texts, ["short"]);
});

test("a story that was deleted for ever stays so, until the writer writes on", async () => {
  const { library, clock, window } = await begun();
  library.stories.clear();
  window.sync.touch();
  await clock.pass(120_000);
  assert.deepEqual(library.texts, []);
  window.type(" Still here.");
  await clock.pass(3000);
  assert.deepEqual(library.texts, ["Once. Still here."]);
});

test("one story that is refused does not hold up the others", async () => {
  const { library, clock, window } = await begun();
  const save = library.createStory;
  library.createStory = (body) => (body.text === "bad" ? Promise.reject(Object.assign(new Error("Not this."), { status: 422 })) : save(body));
  window.sync.leave("c".repeat(32), { text: "bad", settings: {}, model: null });
  window.type(" Good.");
  await clock.pass(2000);
  assert.deepEqual(library.texts, ["Once. Good."]);
  assert.equal(window.sync.problem.message, "Not this.");
});

test("following waits for nothing that was typed meanwhile", async () => {
  const { library, clock, window } = await begun();
  library.change(window.id, { text: "Once. Theirs." });
  const followed = window.sync.follow();
  window.text += " Mine.";
  await followed;
  await settled();
  assert.equal(window.text, "Once. Mine.");
  await clock.pass(5000);
  assert.deepEqual(library.texts, ["Once. Mine.", "Once. Theirs."]);
});

test("a window hears that its story was put into the trash, and taken out again", async () => {
  const { channels, window } = await begun();
  const shelf = channels.open();
  for (const isTrashed of [true, false]) shelf.postMessage({ id: window.id, isTrashed });
  shelf.postMessage({ id: "another", isTrashed: true });
  assert.deepEqual(window.said, [["trashed", true], ["trashed", false]]);
});

/** The window again, after a reload; for the one that went, time stands still. */
function reloaded({ library, window }) {
  const clock = new FakeClock();
  return { clock, window: new Window({ library, clock, desk: window.desk }) };
}

/** Type over what is there, and let it be saved. */
async function write({ window, clock }, text) {
  window.text = text;
  window.sync.touch();
  await clock.pass(2000);
}

const numbered = (length, name = "a") => Array.from({ length }, (_, at) => `${name}${at % 10}`).join("").slice(0, length);

test("the first save after a load keeps what was there, if much of it goes", async () => {
  const long = numbered(10_000);
  const begin = await begun(long);
  const again = reloaded(begin);
  again.window.text = "x";
  await again.window.sync.settle();
  assert.deepEqual([begin.library.texts, begin.library.versions], [["x"], [["pause", long]]]);
});

test("a text that goes little by little becomes a version before much is gone", async () => {
  const long = numbered(1000);
  const { library, clock, window } = await begun(long);
  for (const length of [700, 400, 100]) await write({ window, clock }, long.slice(0, length));
  assert.deepEqual(library.versions, [["pause", long.slice(0, 700)]]);
  await write({ window, clock }, "");
  assert.equal(library.versions.length, 1, "after a version it begins anew");
});

test("what goes while the answers are lost counts too", async () => {
  const long = numbered(1000);
  const { library, clock, window } = await begun(long);
  library.state = "mute";
  await write({ window, clock }, long.slice(0, 700));
  library.state = "up";
  await clock.pass(20_000);
  assert.deepEqual(library.versions, []);
  await write({ window, clock }, long.slice(0, 500));
  assert.deepEqual(library.versions, [["pause", long.slice(0, 700)]]);
});

test("a text that is typed over with one as long becomes a version, after a reload too", async () => {
  const [one, other, third] = ["a", "b", "c"].map((name) => numbered(3000, name));
  const begin = await begun(one);
  await write(begin, other);
  const again = reloaded(begin);
  await again.clock.pass(1000);
  await write(again, third);
  assert.deepEqual(begin.library.versions, [["pause", one], ["pause", other]]);
});

test("writing on, however long, makes no version of its own", async () => {
  const { library, clock, window } = await begun();
  for (let save = 0; save < 5; save += 1) await write({ window, clock }, window.text + numbered(1000));
  assert.deepEqual(library.versions, []);
});

test("a left-over of the story on the page does not take its place, and its words are kept apart", async () => {
  const { library, clock, window } = await begun();
  const stale = { id: window.id, title: "", revision: 0, want: { text: "Never saved.", settings: {}, model: null } };
  window.type(" Ada.");
  window.sync.bring([stale]);
  const living = window.id;
  await clock.pass(5000);
  assert.equal(library.stories.get(living).text, "Once. Ada.");
  assert.deepEqual(library.texts, ["Never saved.", "Once. Ada."]);
  assert.deepEqual([window.id, window.text], [living, "Once. Ada."]);
  assert.deepEqual(window.said, [["kept apart", "", "Once. Ada. (another window)"]]);
});

test("a left-over whose words are known makes no second story", async () => {
  const { library, clock, window } = await begun();
  const [old] = window.desk.library;
  window.type(" Ada.");
  await clock.pass(2000);
  for (const text of ["Once.", "Once. Ada."]) window.sync.bring([{ ...old, want: { text, settings: {}, model: null } }]);
  await clock.pass(5000);
  assert.deepEqual([library.texts, window.said], [["Once. Ada."], []]);
});

test("a left-over of a story that has come further since makes no second one", async () => {
  const { library, clock, window } = await begun();
  const { id } = window;
  window.type(" Ada ran home.");
  await clock.pass(1000);
  const left = { id, title: "", revision: 1, base: null, baseTitle: "", want: { text: "Once. Ada" } };
  window.sync.bring([left]);
  await clock.pass(2000);
  assert.deepEqual([library.texts, window.said], [["Once. Ada ran home."], []]);
  const whole = "Once. Ada ran home to her mother again.";
  window.text = `At first: ${whole}`;
  window.sync.bring([{ ...left, want: { text: whole.slice(0, 28) } }]);
  await clock.pass(2000);
  assert.deepEqual([library.texts, window.said], [[`At first: ${whole}`], []]);
});

test("a story in the background that was changed on both sides is not said to be on the page", async () => {
  const { library, clock, window } = await begun();
  library.change(window.id, { text: "Once. Theirs." });
  const left = window.id;
  Object.assign(window, { id: "b".repeat(32), text: "Twice." });
  window.sync.leave(left, { text: "Once. Mine.", settings: {}, model: null });
  await clock.pass(5000);
  assert.deepEqual(library.texts, ["Once. Mine.", "Once. Theirs.", "Twice."]);
  assert.equal(window.id, "b".repeat(32));
  assert.deepEqual(window.said, [["kept apart", "", "Once. Theirs. (another window)"]]);
});

test("a new title outlives another window's words", async () => {
  const { library, clock, window } = await begun();
  library.change(window.id, { text: "Once. Theirs." });
  window.sync.title = "The tide";
  await clock.pass(5000);
  const { title, text } = library.stories.get(window.id);
  assert.deepEqual([title, text, window.text, window.title], ["The tide", "Once. Theirs.", "Once. Theirs.", "The tide"]);
});

test("a new title goes with the words that become a story of their own", async () => {
  const { library, clock, window } = await begun();
  library.change(window.id, { text: "Once. Theirs." });
  window.sync.title = "The tide";
  window.type(" Mine.");
  await clock.pass(5000);
  const stories = [...library.stories.values()].map(({ title, text }) => [title, text]);
  assert.deepEqual(stories, [["", "Once. Theirs."], ["The tide", "Once. Mine."]]);
});

test("of title and tags, only what was changed is saved", () => {
  const story = { title: "The tide", tags: ["Sea", "draft"] };
  assert.deepEqual(changed(story, { title: "The tide ", tags: ["Sea", "draft"] }), {});
  assert.deepEqual(changed(story, { title: "", tags: ["Sea", "draft"] }), { title: "" });
  assert.deepEqual(changed(story, { title: "The tide", tags: ["Sea"] }), { tags: ["Sea"] });
});

test("a story that is opened from the trash says so once, and is out of it when it is written on", async () => {
  const { library, clock, window } = await begun();
  Object.assign(library.stories.get(window.id), { trashed_at: "2026-01-01T00:00:00Z" });
  for (let look = 0; look < 2; look += 1) await window.sync.follow();
  assert.deepEqual(window.said, [["trashed", true]]);
  window.type(" Ada.");
  await clock.pass(2000);
  assert.deepEqual(window.said, [["trashed", true], ["trashed", false]]);
});

test("a story that was deleted and made anew by another window is followed, though its revisions begin again", async () => {
  const { library, clock, window, other } = await twoWindows();
  for (const word of [" Ada", " ran."]) {
    window.type(word);
    await clock.pass(2000);
  }
  library.stories.clear();
  window.type(" Home.");
  await clock.pass(2000);
  assert.equal(library.stories.get(window.id).revision, 1);
  assert.deepEqual([other.text, other.id], ["Once. Ada ran. Home.", window.id]);
  assert.deepEqual(library.texts, ["Once. Ada ran. Home."]);
});

for (const [when, title] of [["is seen", ""], ["is met while saving", "The tide"]]) {
  test(`an older library in this one's place takes no words from the page, when it ${when}`, async () => {
    const { library, clock, window } = await begun();
    const older = { ...library.stories.get(window.id) };
    await write({ window, clock }, "Once. Ada ran.");
    library.stories.set(older.id, older);
    if (title) window.sync.title = title;
    else await window.sync.follow();
    await clock.pass(5000);
    assert.equal(window.text, "Once. Ada ran.");
    assert.deepEqual(library.texts, ["Once.", "Once. Ada ran."]);
    assert.notEqual(window.id, older.id);
  });
}

/** A window in which "Once upon a time." is being written, as far as "Once upon"; the server has finished it in the library. */
async function finishedMeanwhile(text = "Once upon a time.") {
  const around = await begun("Once upon");
  const { window, library } = around;
  window.isTelling = true;
  library.change(window.id, { text });
  const tale = Tale.asked({ settings: {}, model: null, story: window.id })[0];
  const tell = (pieces) => pieces.forEach((piece) => tale.hear(piece));
  tale.begun = true;
  return { ...around, tale, tell };
}

test("a story that the server finished becomes the same here when it has been told to its end", async () => {
  const { library, clock, window, tale, tell } = await finishedMeanwhile();
  await window.sync.follow();
  window.type(" a");
  await clock.pass(5000);
  assert.deepEqual([window.text, library.texts], ["Once upon a", ["Once upon a time."]], "nothing is taken or parted before");
  window.type(" time.");
  tell(["Once upon", " a", " time."]);
  window.isTelling = false;
  await window.sync.written(tale);
  assert.deepEqual([window.text, library.texts, window.said], ["Once upon a time.", ["Once upon a time."], []]);
  assert.deepEqual(library.versions, [["generation", "Once upon a time."]]);
  assert.ok(!window.sync.stories.isDirty);
});

test("what was typed while the server finished the story goes over it", async () => {
  const { library, clock, window, tale, tell } = await finishedMeanwhile();
  window.text = "Chapter 1. Once upon a time.";
  tell(["Once upon", " a time."]);
  window.isTelling = false;
  await window.sync.written(tale);
  await clock.pass(2000);
  assert.deepEqual([library.texts, window.said], [["Chapter 1. Once upon a time."], []]);
});

test("a page that hears no more of it takes the story over as the server finished it", async () => {
  for (const more of ["", " a"]) {
    const { library, window, tale, tell } = await finishedMeanwhile();
    window.type(more);
    tell(["Once upon", more]);
    window.isTelling = false;
    await window.sync.written(tale);
    assert.deepEqual([window.text, library.texts, window.said], ["Once upon a time.", ["Once upon a time."], ["followed"]], more);
  }
});

test("a story that was never saved here, and finished there, is one story", async () => {
  const around = room();
  around.library.state = "down";
  const window = new Window(around);
  window.type("Once upon");
  await around.clock.pass(1000);
  around.library.state = "up";
  around.library.stories.set(window.id, { id: window.id, text: "Once upon a time.", title: "", settings: {}, model: null, revision: 1 });
  await around.clock.pass(60_000);
  assert.deepEqual([window.text, around.library.texts, window.said], ["Once upon a time.", ["Once upon a time."], ["followed"]]);
});

test("words that were taken away here, or written by somebody else there, are never lost for it", async () => {
  for (const [ours, theirs] of [["Once", "Once upon a time."], ["Once upon a day.", "Once upon a time."], ["Once upon a", "Once more upon a time."]]) {
    const { library, clock, window, tale, tell } = await finishedMeanwhile(theirs);
    window.text = ours;
    tell(["Once upon", " a"]);
    window.isTelling = false;
    await window.sync.written(tale);
    await clock.pass(5000);
    assert.deepEqual(library.texts, [ours, theirs].sort());
    assert.equal(window.text, ours);
  }
});

/** Two windows that hear " upon a time." after "Once": each is told as much of it as a test says. */
async function heardTwice() {
  const around = await twoWindows();
  for (const window of [around.window, around.other]) {
    window.isTelling = true;
    window.tale = Object.assign(Tale.asked({ settings: {}, model: null, text: "Once.", story: window.id })[0], { begun: true });
    window.hear = (text) => (window.tale.hear(text), window.type(text));
    window.end = async () => ((window.isTelling = false), window.sync.written(window.tale));
  }
  return around;
}

test("two windows that hear a story to its end have one story, whoever saves first, and a version of the whole", async () => {
  for (const turns of [["window", "other"], ["other", "window"]]) {
    const { library, clock, ...around } = await heardTwice();
    const [first, last] = turns.map((name) => around[name]);
    first.hear(" Ada");
    await clock.pass(1000);
    last.hear(" Ada ran");
    await clock.pass(300);
    first.hear(" ran home.");
    last.hear(" home.");
    await Promise.all([first.end(), last.end()]);
    await clock.pass(5000);
    assert.deepEqual([library.texts, first.text, last.text], [["Once. Ada ran home."], "Once. Ada ran home.", "Once. Ada ran home."]);
    assert.deepEqual([...first.said, ...last.said], []);
    assert.deepEqual(new Set(library.versions.map(([, text]) => text)), new Set(["Once. Ada ran home."]));
  }
});

test("what is typed into a story that two windows hear is in both, and parts nothing", async () => {
  for (const saver of ["window", "other"]) {
    for (const ender of ["window", "other"]) {
      const { library, clock, window: writer, other: reader } = await heardTwice();
      const both = { window: writer, other: reader };
      const write = () => (writer.hear(" Ada"), (writer.text = writer.text.replace("Once.", "Once more.")));
      const turns = [write, () => reader.hear(" Ada")];
      for (const turn of saver === "window" ? turns : turns.reverse()) {
        turn();
        await clock.pass(1500); // whoever is second meets the save of the first, and cannot save
      }
      assert.deepEqual(library.texts, [saver === "window" ? "Once more. Ada" : "Once. Ada"]);
      for (const window of [writer, reader]) window.hear(" ran home.");
      await both[ender].end();
      await both[ender === "window" ? "other" : "window"].end();
      await clock.pass(10_000);
      assert.deepEqual(library.texts, ["Once more. Ada ran home."], `${saver} saved, ${ender} ended first`);
      assert.deepEqual([writer.text, reader.text, writer.said], [library.texts[0], library.texts[0], []]);
      assert.ok(library.versions.length && library.versions.every(([, text]) => text.endsWith("ran home.")), "no version of a half");
    }
  }
});

test("what is typed at several places of it parts nothing either", async () => {
  const { library, clock, window, other } = await heardTwice();
  for (const each of [window, other]) each.hear(" Ada ran home to her mother, who waited");
  window.text = window.text.replace("Once.", "Once more.").replace("mother", "dear old mother");
  for (const each of [window, other]) await (each.hear(" there."), each.end());
  await clock.pass(10_000);
  const whole = "Once more. Ada ran home to her dear old mother, who waited there.";
  assert.deepEqual([library.texts, window.text, other.text], [[whole], whole, whole]);
});

test("what was told is a story of its own beside one from which words of it are gone", async () => {
  const { library, clock, window } = await heardTwice();
  window.hear(" Ada ran home.");
  library.change(window.id, { text: "Once, Bo" });
  await window.end();
  await clock.pass(10_000);
  assert.deepEqual(library.texts, ["Once, Bo", "Once. Ada ran home."]);
});

test("what others did while a story was waited for is met when not a word of it came", async () => {
  const { library, window } = await begun("Once");
  const { revision } = library.stories.get(window.id);
  window.isTelling = true;
  library.change(window.id, { text: "Once upon a time." });
  await window.sync.heard({ id: window.id, revision: revision + 1, isTrashed: false });
  assert.equal(window.text, "Once");
  window.isTelling = false;
  await window.sync.written(Tale.asked({ settings: {}, model: null })[0]);
  assert.deepEqual([window.text, library.texts, window.said, library.versions], ["Once upon a time.", ["Once upon a time."], ["followed"], []]);
});

test("a copy of the page that saves an older beginning does not part a story that is being written", async () => {
  const { library, window, clock } = await begun("Once");
  window.isTelling = true;
  library.change(window.id, { text: "Once up" });
  window.type(" upon a");
  await clock.pass(2000);
  window.type(" time.");
  window.isTelling = false;
  await clock.pass(2000);
  assert.deepEqual([library.texts, window.said], [["Once upon a time."], []]);
});

test("what the server tells of is followed, our own saves are not", async () => {
  const { library, window } = await begun();
  const { readStory } = library;
  let reads = 0;
  library.readStory = (id) => ((reads += 1), readStory(id));
  const heard = (more) => window.sync.heard({ id: window.id, revision: library.stories.get(window.id).revision, isTrashed: false, ...more });
  await heard();
  await heard({ id: "another" });
  assert.equal(reads, 0);
  library.change(window.id, { text: "Once. Bo woke." });
  await heard();
  assert.deepEqual([window.text, reads, window.said], ["Once. Bo woke.", 1, ["followed"]]);
  await heard({ isTrashed: true });
  assert.deepEqual(window.said.at(-1), ["trashed", true]);
});

test("a change that is asked for here is no news when the server tells of it first", async () => {
  const { library, clock, window } = await begun();
  window.type(" Ada ran.");
  await clock.pass(1000);
  let heard;
  await window.sync.change(async ({ id }) => {
    library.change(id, { text: "Once." });
    const told = { ...library.stories.get(id) };
    heard = window.sync.heard({ id, revision: told.revision, isTrashed: false });
    await settled();
    assert.equal(window.text, "Once. Ada ran.");
    window.text = told.text;
    return told;
  });
  await heard;
  await clock.pass(1000);
  assert.deepEqual([window.text, window.said, window.sync.current.isDirty], ["Once.", [], false]);
  window.type(" Bo.");
  await clock.pass(1000);
  assert.deepEqual(library.texts, ["Once. Bo."]);
});

test("what is due while the library makes another text of the story is saved after it", async () => {
  const { library, window, clock } = await begun();
  const left = window.id;
  window.sync.leave("b".repeat(32), { text: "Twice.", settings: {}, model: null });
  let answer;
  const change = window.sync.change(() => new Promise((resolve) => (answer = resolve)));
  await clock.pass(3000);
  answer({ revision: library.stories.get(left).revision });
  await change;
  await clock.pass(3000);
  assert.deepEqual(library.texts, ["Once.", "Twice."]);
});

test("a change that is refused leaves all as it was, and saving goes on", async () => {
  const { library, clock, window } = await begun();
  await assert.rejects(window.sync.change(() => Promise.reject(new Error("Changed elsewhere."))), /elsewhere/);
  window.type(" Bo.");
  await clock.pass(1000);
  assert.deepEqual(library.texts, ["Once. Bo."]);
});

/** A window that knows who wrote its words, which are in the library. */
async function known(words = "Once.") {
  const around = room();
  const window = new Window({ ...around, desk: { text: "", origins: [] } });
  window.type(words);
  await around.clock.pass(1000);
  return { ...around, window, kept: () => [...around.library.stories.values()].map(({ text, origins }) => [text, origins]) };
}

test("who wrote what is saved with the words, in the same save", async () => {
  const { library, clock, window, kept } = await known();
  assert.deepEqual(kept(), [["Once.", [[5, "model"]]]]);
  window.type(" Mine.");
  await clock.pass(1000);
  assert.deepEqual(kept(), [["Once. Mine.", [[5, "model"], [6, "writer"]]]]);
  assert.equal(library.saves, 2);
});

test("origins that do not fit their text, or do not say it all, are left out, and the words are saved", async () => {
  for (const origins of [[[3, "model"]], [[5, "nobody"]], [[5, null]], "x", [[-5, "model"]]]) {
    const { library, clock, window, kept } = await known();
    Object.assign(window, { text: "Twice", origins });
    window.sync.touch();
    await clock.pass(10_000);
    assert.deepEqual(kept(), [["Twice", null]]);
    assert.equal(library.saves, 2);
  }
});

test("another window's words come with their origins, and no window answers with its own", async () => {
  const first = await known();
  const { library, clock, channels, window } = first;
  const other = new Window({ library, clock, channels, desk: { ...window.desk, origins: null } });
  await clock.pass(2000);
  assert.equal(library.saves, 1);
  window.type(" Mine.");
  await clock.pass(2000);
  assert.deepEqual([other.text, other.origins], [window.text, window.origins]);
  window.origins = [[11, "edited"]];
  window.sync.touch();
  await clock.pass(20_000);
  assert.deepEqual([library.saves, other.origins], [3, [[11, "edited"]]]);
  assert.ok(![...window.said, ...other.said].some((said) => said[0] === "forked"));
});

test("when both went on, each half keeps whose its words are", async () => {
  const { library, clock, channels, window } = await known();
  const other = new Window({ library, clock, channels, desk: window.desk });
  await clock.pass(1000);
  window.type(" Ada");
  other.type(" Bo");
  await clock.pass(5000);
  const kept = [...library.stories.values()].map(({ text, origins }) => [text, origins]).sort();
  assert.deepEqual(kept, [["Once. Ada", [[5, "model"], [4, "writer"]]], ["Once. Bo", [[5, "model"], [3, "writer"]]]]);
});

test("a story that was left, and one that a reload still owes, are saved with their own origins", async () => {
  const { library, clock, channels, window } = await known();
  library.state = "down";
  window.type(" Mine.");
  const left = { text: window.text, origins: window.origins };
  const before = window.id;
  Object.assign(window, { id: null, text: "", origins: [] });
  window.sync.leave(before, left);
  const { desk } = window;
  library.state = "up";
  new Window({ library, clock, channels, desk });
  await clock.pass(2000);
  assert.deepEqual(library.stories.get(before).origins, [[5, "model"], [6, "writer"]]);
});
