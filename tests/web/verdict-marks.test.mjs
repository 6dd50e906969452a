import assert from "node:assert/strict";
import { test } from "node:test";
import { VerdictMarks } from "../../web/src/verdicts/verdict-marks.js";

/** A browser's storage, and tabs with marks of their own; whoever stores something is not told of it. */
function browser({ isFull = false } = {}) {
  const kept = {};
  const tabs = [];
  const open = () => {
    const tab = new EventTarget();
    const tell = (key) => tabs.filter((other) => other !== tab).forEach((other) => other.dispatchEvent(Object.assign(new Event("storage"), { key })));
    const setItem = (key, value) => {
      if (isFull) throw new Error("full");
      kept[key] = value;
      tell(key);
    };
    tabs.push(tab);
    const heard = [];
    return { heard, marks: new VerdictMarks({ storage: { getItem: (key) => kept[key] ?? null, setItem }, events: tab, onChange: () => heard.push(1) }) };
  };
  return { kept, open };
}

test("a word holds until the text changes, again when the change is undone, and until another is said", () => {
  const { marks } = browser().open();
  marks.say("one", "good", "Once.");
  assert.equal(marks.standing("one", "good", "Once."), "said");
  assert.equal(marks.standing("one", "good", "Once!"), "changed");
  assert.equal(marks.standing("one", "good", "Once."), "said");
  assert.equal(marks.standing("two", "good", "Once."), "off");
  assert.equal(marks.standing(null, "good", "Once."), "off");
  marks.say("one", "not-for-me", "Once.");
  assert.equal(marks.standing("one", "good", "Once."), "off");
  assert.equal(marks.standing("one", "not-for-me", "Once."), "said");
});

test("what one tab says, or takes back, the other knows at once and is told of", () => {
  const { open } = browser();
  const [here, there] = [open(), open()];
  here.marks.say("one", "good", "Once.");
  assert.equal(there.marks.standing("one", "good", "Once."), "said");
  there.marks.forget("one");
  assert.equal(here.marks.standing("one", "good", "Once."), "off");
  assert.deepEqual([here.heard.length, there.heard.length], [1, 1]);
});

test("marks outlive their tab, the oldest go, and a storage that is full or damaged stops nothing", () => {
  const { kept, open } = browser();
  const { marks } = open();
  for (let number = 0; number < 210; number += 1) marks.say(`s${number}`, "good", "Once.");
  const again = open().marks;
  assert.deepEqual(["s9", "s10", "s209"].map((id) => again.standing(id, "good", "Once.")), ["off", "said", "said"]);
  kept["storaiteller.verdicts"] = "{";
  assert.equal(open().marks.standing("s209", "good", "Once."), "off");
  const full = browser({ isFull: true }).open().marks;
  full.say("one", "good", "Once.");
  assert.equal(full.standing("one", "good", "Once."), "said");
});
