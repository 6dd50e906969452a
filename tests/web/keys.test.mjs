import assert from "node:assert/strict";
import { test } from "node:test";
import { ariaKeys, keyOf, KEYS } from "../../web/src/common/keys.js";

const press = (key, more = {}) => ({ key, code: `Key${key.toUpperCase()}`, altKey: false, ctrlKey: false, metaKey: false, shiftKey: false, repeat: false, ...more });
const named = (event, where) => keyOf(event, where)?.name;

test("every key has a name of its own, and says what it does", () => {
  assert.equal(new Set(KEYS.map(({ name }) => name)).size, KEYS.length);
  for (const { keys, does, match } of KEYS) assert.ok(keys.length && does && match);
});

test("keys with Alt are told by where they are on the keyboard, and by Alt alone", () => {
  assert.equal(named(press("r", { altKey: true })), "rewrite");
  assert.equal(named(press("®", { altKey: true, code: "KeyR" })), "rewrite");
  assert.equal(named(press("r", { altKey: true, ctrlKey: true })), undefined, "AltGr types letters");
  assert.equal(named(press("r")), undefined);
});

test("what a text field types is its own", () => {
  assert.equal(named(press("?", { shiftKey: true })), "keys");
  assert.equal(named(press("?", { shiftKey: true }), { isInField: true }), undefined);
  assert.equal(named(press("Enter", { ctrlKey: true }), { isInField: true }), "write");
});

test("the arrows step through takes where takes are, and nowhere else", () => {
  assert.equal(named(press("ArrowLeft")), undefined);
  assert.equal(named(press("ArrowLeft"), { place: "takes" }), "earlier");
  assert.equal(named(press("ArrowRight"), { place: "sheet" }), "later");
  assert.equal(named(press("ArrowRight"), { place: "sheet", isInField: true }), undefined);
});

test("over the page only the takes' own keys work", () => {
  assert.equal(named(press("r", { altKey: true }), { place: "sheet" }), "rewrite");
  assert.equal(named(press("g", { altKey: true }), { place: "sheet" }), undefined);
  assert.equal(named(press("g", { altKey: true }), { place: "takes" }), "good");
  assert.equal(named(press("Escape"), { place: "sheet" }), undefined, "the dialog closes by itself");
});

test("a key that is held down asks once, but stops and steps again", () => {
  assert.equal(named(press("r", { altKey: true, repeat: true })), undefined);
  assert.equal(named(press("Escape", { repeat: true })), "escape");
  assert.equal(named(press("ArrowLeft", { repeat: true }), { place: "takes" }), "earlier");
});

test("assistive tools are told in their own spelling", () => {
  assert.deepEqual(["write", "escape", "rewrite"].map(ariaKeys), ["Control+Enter", "Escape", "Alt+R"]);
});
