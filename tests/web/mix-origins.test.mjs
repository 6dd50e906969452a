import assert from "node:assert/strict";
import { test } from "node:test";
import { manuscript } from "../../web/src/manuscript/manuscript.js";
import { passage, replacePassage, setPassage } from "../../web/src/manuscript/passage.js";
import { kept } from "../../web/src/origins/origins.js";
import { mixedOrigins } from "../../web/src/takes/mix-origins.js";
import { lengthOf } from "../../web/src/text/runs.js";
import { EditorState, undo } from "./codemirror.mjs";

const PRESENT = "Bo sat down. The moon rose over the bay.";
const known = { takes: ["Bo fell into the sea. The tide went out.", "Bo slept."], present: PRESENT, runs: [[13, "writer"], [PRESENT.length - 13, "model"]] };

function shown(text, from = known) {
  let at = 0;
  const runs = mixedOrigins(text, from);
  assert.equal(lengthOf(runs), text.length);
  return runs.map(([length, who]) => `${(who ?? "?")[0]}:${text.slice(at, (at += length))}`).join("|");
}

test("a take's sentence is the model's, the passage's stay whose they were, in whatever order", () => {
  assert.equal(shown("The tide went out. Bo sat down. Bo slept."), "m:The tide went out. |w:Bo sat down. |m:Bo slept.");
  assert.equal(shown("The moon rose over the bay. Bo sat down."), "m:The moon rose over the bay. |w:Bo sat down.");
});

test("a sentence that the writer changed is edited, one of their own is theirs, and so is their own changed one", () => {
  assert.equal(shown("Bo fell into the cold sea. What now?"), "e:Bo fell into the cold sea. |w:What now?");
  assert.equal(shown("Soon the moon rose over the old bay."), "e:Soon the moon rose over the old bay.");
  assert.equal(shown("Bo quietly sat down here.", { ...known, takes: [] }), "w:Bo quietly sat down here.");
});

test("the space around a sentence is known too, and what nobody knows stays unknown", () => {
  assert.equal(shown(" Bo slept.\n"), "m: Bo slept.\n");
  assert.equal(shown("Bo sat down.", { ...known, runs: [[PRESENT.length, null]] }), "?:Bo sat down.");
});

test("an accepted mix is told so in the story, and Undo takes it all back", () => {
  let state = EditorState.create({ doc: `Once. ${PRESENT} End.`, extensions: [manuscript, passage] });
  const before = kept(state);
  state = state.update({ effects: setPassage.of({ from: 6, to: 6 + PRESENT.length }) }).state;
  const text = "Bo slept. Mine.";
  state = state.update(replacePassage(state, text, mixedOrigins(text, known))).state;
  assert.deepEqual(kept(state), [[6, null], [10, "model"], [5, "writer"], [5, null]]);
  undo({ state, dispatch: (tr) => (state = tr.state) });
  assert.deepEqual([state.sliceDoc(), kept(state)], [`Once. ${PRESENT} End.`, before]);
});
