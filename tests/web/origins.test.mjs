import assert from "node:assert/strict";
import { test } from "node:test";
import { attribute, begin, end, manuscript, restore, takeOver, write } from "../../web/src/manuscript/manuscript.js";
import { lifting } from "../../web/src/origins/lifted.js";
import { kept, origins, told } from "../../web/src/origins/origins.js";
import { lengthOf } from "../../web/src/text/runs.js";
import { isInside, wordAround } from "../../web/src/text/word-edges.js";
import { EditorState, isolateHistory, redo, redoDepth, undo, undoDepth } from "./codemirror.mjs";

/** An editor without a page, whose text is shown with a letter for who wrote each part: `m:The sea. w:Mine.` */
class Desk {
  constructor(doc = "", known = null) {
    this.state = EditorState.create({ doc, extensions: manuscript });
    if (known) this.dispatch(attribute(this.state, known));
  }
  get text() {
    return this.state.sliceDoc();
  }
  get runs() {
    return this.state.field(origins);
  }
  get shown() {
    let at = 0;
    return told(this.text, this.runs).map(([length, who]) => `${(who ?? "?")[0]}:${this.text.slice(at, (at += length))}`).join("|");
  }
  dispatch(...specs) {
    for (const spec of specs) this.state = this.state.update(spec).state;
  }
  command = (run) => run({ state: this.state, dispatch: (tr) => (this.state = tr.state) });
  change(from, to, insert = "", userEvent = insert ? "input.type" : "delete.backward", more = {}) {
    this.dispatch({ changes: { from, to, insert }, userEvent, ...more });
  }
  /** Type, letter by letter, at the end of `before`. */
  type(before, letters) {
    const at = this.text.indexOf(before) + before.length;
    [...letters].forEach((letter, index) => this.change(at + index, at + index, letter));
  }
  remove(passage) {
    const at = this.text.indexOf(passage);
    this.change(at, at + passage.length);
  }
  tell(...pieces) {
    this.dispatch(...begin(this.state, { id: "s" }, { replacing: false }));
    for (const piece of pieces) this.dispatch(write(this.state, piece));
    this.dispatch(...end(this.state));
  }
  accept(passage, insert) {
    const from = this.text.indexOf(passage);
    this.change(from, from + passage.length, insert, "input.rewrite", { annotations: isolateHistory.of("full") });
  }
}

const toldOf = (...pieces) => {
  const desk = new Desk();
  desk.tell(...pieces);
  return desk;
};

test("what the model writes is the model's, what is typed between is the writer's, in whatever order the letters come", () => {
  const desk = toldOf("The lan", "tern sank.");
  assert.equal(desk.shown, "m:The lantern sank.");
  desk.type("The ", "old ");
  desk.type("sank.", " Mine.");
  assert.equal(desk.shown, "m:The |w:old |m:lantern sank.|w: Mine.");
});

test("a word of the model's that letters are added to, cut from or parted is edited, and its neighbours are not", () => {
  const cases = [
    [(desk) => desk.type("lantern", "s"), "m:The |e:lanterns|m: sank."],
    [(desk) => desk.remove("tern"), "m:The |e:lan|m: sank."],
    [(desk) => desk.type("lan", " "), "m:The |e:lan|w: |e:tern|m: sank."],
    [(desk) => desk.type("lan", "e"), "m:The |e:lanetern|m: sank."],
    [(desk) => desk.remove("tern sa"), "m:The |e:lannk|m:."],
    [(desk) => desk.remove(" lantern"), "m:The sank."],
    [(desk) => desk.remove(" "), "e:Thelantern|m: sank."],
    [(desk) => desk.type("lantern", ","), "m:The lantern|w:,|m: sank."],
    [(desk) => desk.change(4, 11, "lamp"), "m:The |w:lamp|m: sank."],
  ];
  for (const [act, shown] of cases) {
    const desk = toldOf("The lantern sank.");
    act(desk);
    assert.equal(desk.shown, shown);
    while (undoDepth(desk.state) > 1) desk.command(undo);
    assert.equal(desk.shown, "m:The lantern sank.");
    while (redoDepth(desk.state)) desk.command(redo);
    assert.equal(desk.shown, shown);
  }
});

test("an apostrophe is part of a word, a quotation mark is not, and where words have no spaces a letter is a word", () => {
  const desk = toldOf("It dont matter.");
  desk.type("don", "’");
  assert.equal(desk.shown, "m:It |e:don’t|m: matter.");
  desk.change(0, 0, "‘");
  assert.equal(desk.shown, "w:‘|m:It |e:don’t|m: matter.");
  const east = toldOf("月が出た。");
  east.type("月", "も");
  assert.equal(east.shown, "m:月|w:も|m:が出た。");
});

test("the writer's own words stay theirs, whatever they do to them", () => {
  const desk = new Desk();
  desk.type("", "Mine and mine.");
  desk.remove("in");
  desk.tell(" Its.");
  desk.remove("mi");
  assert.equal(desk.shown, "w:Me and ne.|m: Its.");
});

test("an accepted suggestion is the model's but for the words it left alone", () => {
  const desk = new Desk();
  desk.type("", "The old ferryman rowed across the river evry night, alone.");
  desk.accept("The old ferryman rowed across the river evry night, alone.", "The old ferryman rowed across the river every night, alone.");
  assert.equal(desk.shown, "w:The old ferryman rowed across the river |m:every|w: night, alone.");
  desk.accept("The old ferryman rowed across the river every night, alone.", "Nobody knew.");
  assert.equal(desk.shown, "m:Nobody knew.");
  desk.command(undo);
  desk.command(undo);
  assert.equal(desk.shown, "w:The old ferryman rowed across the river evry night, alone.");
});

test("a story that is told again comes back by Undo as it was known, and so does the new one by Redo", () => {
  const desk = toldOf("One story.");
  desk.type("One", " small");
  desk.dispatch(...begin(desk.state, { id: "t" }, { replacing: true }));
  desk.dispatch(write(desk.state, "Another st"));
  desk.change(0, 0, "X ");
  desk.dispatch(write(desk.state, "ory."));
  desk.dispatch(...end(desk.state));
  const [old, now] = ["m:One|w: small|m: story.", "w:X |m:Another story."];
  assert.equal(desk.shown, now);
  for (const shown of [old, now, old]) {
    desk.command(shown === old ? undo : redo);
    assert.equal(desk.shown, shown);
  }
});

test("while a story is written, Undo brings back what was deleted as it was known, close to the pen too", () => {
  for (const streamed of ["", " and on", " and on it went, until it was far longer than what was deleted"]) {
    const desk = new Desk();
    desk.type("", "Mine.");
    desk.dispatch(...begin(desk.state, { id: "t" }, { replacing: false }));
    desk.dispatch(write(desk.state, " The lantern sank into the sea"));
    desk.type("The", " old");
    const before = desk.shown;
    desk.remove("e. The old lantern sank into");
    desk.dispatch(write(desk.state, streamed));
    desk.command(undo);
    assert.equal(desk.shown, before + streamed);
    desk.dispatch(...end(desk.state));
    assert.equal(desk.shown, before + streamed);
  }
});

test("what is cut, copied or dragged and put down again is still whose it was; anything else that is pasted is the writer's", () => {
  const desk = toldOf("The lantern sank.");
  const select = (from, to) => desk.dispatch({ selection: { anchor: from, head: to } });
  const paste = (at, text) => desk.change(at, at, text, "input.paste");
  select(4, 12);
  desk.dispatch(lifting(desk.state, desk.runs));
  desk.change(4, 12, "", "delete.cut");
  paste(0, "lantern ");
  assert.equal(desk.shown, "m:lantern The sank.");
  paste(12, "big ");
  assert.equal(desk.shown, "m:lantern The |w:big |m:sank.");
  select(8, 16);
  desk.dispatch({ changes: [{ from: 0, insert: "The big " }, { from: 8, to: 16 }], userEvent: "move.drop" });
  assert.equal(desk.shown, "m:The |w:big |m:lantern sank.");
  desk.command(undo);
  assert.equal(desk.shown, "m:lantern The |w:big |m:sank.");
});

test("another window's text and a version come with their origins; where those are not known, only what came is unknown", () => {
  const desk = toldOf("One. Two.");
  desk.dispatch(takeOver(desk.state, "One. Three. Two.", [[5, "model"], [7, "writer"], [4, "model"]]));
  assert.equal(desk.shown, "m:One. |w:Three. |m:Two.");
  desk.dispatch(restore(desk.state, "One. Four. Two."));
  assert.equal(desk.shown, "m:One. |?:Four|w:. |m:Two.");
  desk.command(undo);
  desk.command(undo);
  assert.equal(desk.shown, "m:One. Two.");
  const depth = undoDepth(desk.state);
  desk.dispatch(takeOver(desk.state, "One. Two.", [[9, "writer"]]));
  assert.deepEqual([desk.shown, undoDepth(desk.state)], ["w:One. Two.", depth]);
});

test("of an old story nobody knows anything until something is typed, and then no more than that", () => {
  const desk = new Desk("The lantern sank.");
  desk.type("The", " old");
  desk.remove("tern");
  assert.equal(desk.shown, "?:The|w: old|?: lan sank.");
  assert.equal(new Desk("").shown, "");
});

/** The rules by the letter: who wrote each unit of a text, as one string of letters. */
function naively(text, whose, { from, to, insert, userEvent }) {
  const after = text.slice(0, from) + insert + text.slice(to);
  const plain = whose.slice(0, from) + (userEvent === "input.write" ? "m" : "w").repeat(insert.length) + whose.slice(to);
  if (userEvent === "input.write") return [after, plain];
  const hit = new Set();
  const mark = (word, shift) => word && Array.from({ length: word.to - word.from }, (_, at) => hit.add(word.from + at + shift(word.from + at)));
  const isGone = (at) => at >= from && at < to;
  const isSeam = (one, other) => whose[one] === "w" || whose[other] === "w";
  for (const at of [from, to]) {
    if (!isSeam(at - 1, at)) mark(wordAround(text, at), (place) => (isGone(place) ? NaN : place >= to ? insert.length - (to - from) : 0));
  }
  if (!insert && !isSeam(from - 1, to)) mark(wordAround(after, from), () => 0);
  return [after, [...plain].map((who, at) => (who === "m" && hit.has(at) ? "e" : who)).join("")];
}

const spelled = (runs) => runs.map(([length, who]) => (who ?? "?")[0].repeat(length)).join("");

/** The same dice every time. */
function dice(seed) {
  let state = seed;
  return (sides) => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), Math.floor((state / 2 ** 32) * sides));
}

test("thousands of edits, undone and redone at random, are what the rules say letter by letter", () => {
  const words = ["sea", " ", "’", "a", ". ", "\n", "\r\n", "🌙", "old moon", "月"];
  for (let seed = 1; seed <= 20; seed += 1) {
    const roll = dice(seed);
    const desk = new Desk();
    let [text, whose] = ["", ""];
    let [done, undone] = [[], []];
    for (let step = 0; step < 180; step += 1) {
      const act = roll(10);
      if (act < 2 && done.length) {
        undone.push([text, whose]);
        [text, whose] = done.pop();
        desk.command(undo);
      } else if (act < 4 && undone.length) {
        done.push([text, whose]);
        [text, whose] = undone.pop();
        desk.command(redo);
      } else {
        const from = roll(text.length + 1);
        const to = Math.min(text.length, from + (roll(3) ? 0 : roll(12)));
        const insert = roll(4) || from === to ? words[roll(words.length)] : "";
        const userEvent = roll(5) ? (insert ? "input.type" : "delete.selection") : "input.write";
        const before = [text, whose];
        [text, whose] = naively(text, whose, { from, to, insert, userEvent });
        const depth = undoDepth(desk.state);
        desk.change(from, to, insert, userEvent);
        if (undoDepth(desk.state) > depth) done.push(before);
        undone = [];
      }
      assert.equal(desk.text, text);
      assert.equal(spelled(desk.runs), whose, `seed ${seed}, step ${step}`);
      assert.equal(lengthOf(kept(desk.state)), [...desk.text].length);
    }
  }
});

test("whatever the writer does and undoes while a story is written, nothing comes apart, and the whole is undone and redone as it was", () => {
  const events = ["input.type", "input.type.compose", "delete.backward", "input.paste"];
  for (let seed = 1; seed <= 30; seed += 1) {
    const roll = dice(seed);
    const desk = toldOf("The lantern sank.");
    desk.type("The", " old");
    const before = [desk.text, spelled(desk.runs)];
    desk.dispatch(...begin(desk.state, { id: "t" }, { replacing: seed % 2 === 0 }));
    for (let step = 0; step < 120; step += 1) {
      const act = roll(8);
      const from = roll(desk.text.length + 1);
      if (act < 3) desk.dispatch(write(desk.state, " and on".slice(roll(4))));
      else if (act < 5) desk.command(roll(3) ? undo : redo);
      else desk.change(from, Math.min(desk.text.length, from + roll(9)), "old moon".slice(roll(9)), events[roll(4)]);
      assert.equal(lengthOf(desk.runs), desk.text.length);
      assert.ok(!spelled(desk.runs).includes("?"), `seed ${seed}, step ${step}: nothing is forgotten`);
      assert.equal(lengthOf(kept(desk.state)), desk.text.length);
    }
    desk.dispatch(...end(desk.state));
    const after = [desk.text, spelled(desk.runs)];
    desk.command(undo);
    assert.deepEqual([desk.text, spelled(desk.runs)], before);
    desk.command(redo);
    assert.deepEqual([desk.text, spelled(desk.runs)], after);
  }
});

test("what is told of the words is told again the same", () => {
  const roll = dice(9);
  for (let round = 0; round < 200; round += 1) {
    const text = Array.from({ length: 30 }, () => "ab ’"[roll(4)]).join("");
    const runs = new Desk(text, Array.from({ length: 30 }, () => [1, ["model", "edited", "writer"][roll(3)]])).runs;
    const once = told(text, runs);
    assert.deepEqual(told(text, once), once);
    for (let at = 1; at < text.length; at += 1) {
      if (isInside(text, at)) assert.ok(spelled(once)[at - 1] === spelled(once)[at] || !spelled(once).includes("e"), text);
    }
  }
});
