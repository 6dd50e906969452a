// The line for a reason, put together of elements that only note what is done to them.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { WhyLine } from "../../web/src/verdicts/why-line.js";

const elements = new Map();
const element = () => ({
  value: "", hidden: false, heard: {}, addEventListener(event, act) { this.heard[event] = act; }, getAttribute: () => null,
  contains: (other) => other === elements.get("why-reason"), focus() { globalThis.document.activeElement = this; },
});
let saved, isBack, line;
const [form, field] = ["why", "why-reason"].map((id) => elements.set(id, element()).get(id));
elements.set("why-close", element());

beforeEach(() => {
  globalThis.document = { activeElement: null, getElementById: (id) => elements.get(id) };
  [saved, isBack] = [[], false];
  line = new WhyLine({ save: async (reason) => saved.push(reason) < 9, focusBack: () => (isBack = true) });
  line.open({ focus: true });
});

const press = (key) => form.heard.keydown({ key, preventDefault() {} });
const submit = async () => {
  form.heard.submit({ preventDefault() {} });
  await new Promise(setImmediate);
};

test("Enter saves the reason, and gives the focus back", async () => {
  field.value = " too sad ";
  await submit();
  assert.deepEqual([saved, form.hidden, isBack], [["too sad"], true, true]);
});

test("no reason is as good, and Esc gives none", async () => {
  await submit();
  assert.equal(form.hidden, true);
  line.open({ focus: true });
  field.value = "half a";
  press("Escape");
  assert.deepEqual([saved, form.hidden], [[], true]);
});

test("a reason that could not be saved stays", async () => {
  line.save = async () => false;
  field.value = "too sad";
  await submit();
  assert.deepEqual([field.value, form.hidden], ["too sad", false]);
});

test("what is typed is saved when the writer goes on without it, once", async () => {
  field.value = "too sad";
  line.settle();
  line.settle();
  assert.deepEqual([saved, form.hidden], [["too sad"], true]);
});

test("nothing is taken from somebody who is not in it", () => {
  line.open({ focus: false });
  document.activeElement = null;
  line.close();
  assert.equal(isBack, false);
});
