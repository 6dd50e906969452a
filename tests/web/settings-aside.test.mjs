import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { begin, card, end, manuscript, restore, storyId } from "../../web/src/manuscript/manuscript.js";
import { SettingsAside } from "../../web/src/settings/settings-aside.js";
import { EditorState, redo, undo } from "./codemirror.mjs";

const element = () => ({ hidden: true, addEventListener(_, act) { this.press = act; }, getAttribute: () => null, focus() {} });
const BLANK = { characters: [], keywords: [], genre: "Adventure", register: "Casual", max_words: 300, child_friendly: false, final_twist: false };
const settings = (genre) => ({ ...BLANK, genre });
const [WAR, FABLE, LOVE] = ["War", "Fable", "Love"].map(settings);

let elements, form, aside;
beforeEach(() => {
  elements = { aside: element(), "aside-back": element(), characters: element() };
  globalThis.document = { getElementById: (id) => elements[id] };
  form = { value: BLANK, defaults: BLANK, show(value) { this.value = value; } };
  aside = new SettingsAside({ form, announcer: { state() {} }, onChange() {} });
});

test("what was asked for on a page without a story is within reach when another is opened, after a reload too", () => {
  assert.equal(aside.open({ settings: WAR }, { text: "", settings: FABLE }), true);
  assert.deepEqual([form.value, aside.kept, elements.aside.hidden], [WAR, FABLE, false]);
  const desk = { text: "Theirs.", settings: form.value, aside: aside.kept };
  assert.equal(aside.open(desk, desk), false);
  assert.deepEqual([form.value, aside.kept], [WAR, FABLE]);
  elements["aside-back"].press({});
  assert.deepEqual([form.value, aside.kept, elements.aside.hidden], [FABLE, null, true]);
});

test("settings that a story has already, or nobody chose, are not kept aside", () => {
  const told = { id: "s", settings: FABLE };
  assert.equal(aside.open({ settings: WAR }, { text: "Mine.", card: told, settings: FABLE }), false);
  assert.equal(aside.open({ settings: WAR }, { text: "Mine.", card: null, settings: FABLE }), false, "they are in the library with it");
  assert.equal(aside.open({ settings: WAR }, null), false);
  assert.deepEqual([form.value, aside.kept], [WAR, null]);
  assert.equal(aside.open({ settings: WAR }, { text: "Mine.", card: told, settings: LOVE }), true, "asked for, and not written with yet");
});

test("undo and redo of a version take the form along, but not one in which something else was asked for", () => {
  let state = EditorState.create({ doc: "", extensions: manuscript });
  const dispatch = (...specs) => {
    for (const spec of specs) {
      const startState = state;
      state = spec.state ?? state.update(spec).state;
      aside.follow({ startState, state });
    }
  };
  const step = (command) => command({ state, dispatch: (tr) => dispatch(tr) });
  dispatch(...begin(state, { id: "s", settings: WAR }, { replacing: true, id: "s" }));
  dispatch({ changes: { from: 0, insert: "Now." } });
  dispatch(...end(state));
  form.value = WAR;
  dispatch(restore(state, "Then.", null, FABLE));
  assert.deepEqual([form.value, aside.kept, state.field(card).settings], [FABLE, null, FABLE]);
  step(undo);
  assert.deepEqual([form.value, aside.kept, state.field(card).settings, state.sliceDoc()], [WAR, null, WAR, "Now."]);
  step(redo);
  assert.equal(form.value, FABLE);
  form.value = LOVE;
  step(undo);
  assert.equal(form.value, LOVE);
  form.value = WAR;
  step(undo);
  assert.deepEqual([state.field(storyId), form.value], [null, WAR], "what was written with stays in the form when the story goes");
});
