import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, errand, howMany, messageFor, room } from "../../web/src/takes/errand.js";

const now = { settings: { genre: "Fantasy" }, model: null };
const parts = { before: "Ada. ", selected: "Bo ran.", after: " End." };
const sent = (kind, wish) => messageFor("i", errand(kind, wish), now, parts);

test("a passage is asked for with its action, and a register only where one is meant", () => {
  const message = sent("passage", { action: "register", register: "Elegant", instruction: "sadder" });
  assert.deepEqual([message.type, message.action, message.register, message.instruction, message.selected], ["rewrite", "register", "Elegant", "sadder", "Bo ran."]);
  assert.ok(!("register" in sent("passage")));
  assert.equal(sent("passage", { opening: "lantern" }).opening, "lantern");
});

test("an insertion is what goes between, and a story needs nothing but its settings", () => {
  const insertion = sent("insertion", { instruction: "a dog barks" });
  assert.deepEqual([insertion.type, insertion.before, insertion.after, insertion.instruction], ["insert", "Ada. ", " End.", "a dog barks"]);
  assert.ok(!("selected" in insertion) && !("action" in insertion));
  assert.equal(sent("story").type, "generate");
});

test("what was asked for is said in the writer's words", () => {
  const words = (kind, wish) => asked(errand(kind, wish));
  assert.equal(words("passage"), "");
  assert.equal(words("passage", { instruction: "sadder" }), "“sadder”");
  assert.equal(words("passage", { action: "shorter", instruction: "sadder" }), "Shorter · “sadder”");
  assert.equal(words("passage", { action: "register", register: "Elegant" }), "Elegant");
  assert.equal(words("passage", { opening: "lantern" }), "Going on from “lantern”");
  assert.equal(words("insertion"), "Written at the cursor");
  assert.equal(words("story"), "The whole story");
});

test("there is one right spelling", () => {
  assert.equal(howMany(errand("passage", { action: "proofread" }), 5), 1);
  assert.equal(howMany(errand("passage", { action: "vivid" }), 5), 5);
});

test("the room that is kept grows with the passage and with what is asked of it", () => {
  const lines = (action) => room(errand("passage", { action }), "x".repeat(620));
  assert.ok(lines("shorter") < lines("rewrite") && lines("rewrite") < lines("longer"));
  assert.ok(room(errand("insertion"), "") > 2);
});
