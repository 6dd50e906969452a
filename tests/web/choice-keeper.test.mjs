import assert from "node:assert/strict";
import { test } from "node:test";
import { ChoiceKeeper } from "../../web/src/takes/choice-keeper.js";

const turn = () => new Promise((resolve) => setImmediate(resolve));

function made() {
  const [sent, troubles, timers] = [[], [], []];
  const world = { sent, troubles, trouble: null };
  const send = async (choice) => {
    if (world.trouble) throw world.trouble;
    sent.push(choice.id);
  };
  const clock = { now: () => 0, set: (act) => timers.push(act), clear: () => {} };
  world.keeper = new ChoiceKeeper({ send, clock, onTrouble: (error) => troubles.push(error.message), onChange: () => {} });
  world.later = async () => {
    for (const act of timers.splice(0)) act();
    await turn();
  };
  return world;
}

const refused = (status) => Object.assign(new Error("No."), { status });

test("a choice is told at once, and one that the server is away for when it is back, over a reload too", async () => {
  const world = made();
  await world.keeper.keep({ id: "a" });
  world.trouble = refused(0);
  await world.keeper.keep({ id: "b" });
  assert.deepEqual([world.sent, world.keeper.kept, world.troubles], [["a"], [{ id: "b" }], []]);
  world.trouble = null;
  await world.later();
  assert.deepEqual([world.sent, world.keeper.kept], [["a", "b"], []]);

  const reloaded = made();
  reloaded.keeper.open([{ id: "c" }]);
  await reloaded.later();
  assert.deepEqual([reloaded.sent, reloaded.keeper.kept], [["c"], []]);
});

test("a choice that is refused is said, and holds up no other", async () => {
  const world = made();
  world.trouble = refused(422);
  await world.keeper.keep({ id: "a" });
  world.trouble = null;
  await world.keeper.keep({ id: "b" });
  assert.deepEqual([world.troubles, world.sent, world.keeper.kept], [["No."], ["b"], []]);
});
