// The story's text as an editor state: who wrote it, and how writing is undone. Knows no DOM.
//
// Lines are parted by "\n" alone, so that every other character, "\r" too, is text and comes back
// exactly. A story that is being written is undone as one step, whatever happened meanwhile: the
// state before it is kept, and when the pen is lifted the history becomes what it would be had the
// whole been written at once.

import { history, historyField, invertedEffects, isolateHistory } from "@codemirror/commands";
import { Compartment, EditorState, StateEffect, StateField, Transaction } from "@codemirror/state";
import { attributed, carried, provenance } from "../origins/origins.js";
import { difference } from "../text/difference.js";
import { isBlank } from "../text/story.js";

const memory = new Compartment();
const silent = Transaction.addToHistory.of(false);

/** Set what is known of the story: `{id, settings, model, ended}`, or null for a hand-written one. `ended` is null while it is written, "unknown" of one that was not written here. */
export const setCard = StateEffect.define();

/** What is known of the story in the editor. Undo brings the earlier story's card back with it. */
export const card = StateField.define({
  create: () => null,
  update: (value, tr) => tr.effects.reduce((card, effect) => (effect.is(setCard) ? effect.value : card), value),
});

/** Say which of the library's stories this is: an id, or null for none yet. */
export const setStory = StateEffect.define();

/** The id that the story has in the library. Undo brings the earlier story's id back with it. */
export const storyId = StateField.define({
  create: () => null,
  update: (value, tr) => tr.effects.reduce((id, effect) => (effect.is(setStory) ? effect.value : id), value),
});

const identityIsUndone = invertedEffects.of((tr) => [
  ...(tr.effects.some((effect) => effect.is(setCard)) ? [setCard.of(tr.startState.field(card))] : []),
  ...(tr.effects.some((effect) => effect.is(setStory)) ? [setStory.of(tr.startState.field(storyId))] : []),
]);

const penDown = StateEffect.define();
const penUp = StateEffect.define();

/** A page that the writer cleared carries no story: what comes next is another one. */
const clearedPage = EditorState.transactionExtender.of((tr) => {
  const { startState } = tr;
  const writing = startState.field(pen) || tr.effects.some((effect) => effect.is(setCard) || effect.is(setStory));
  const known = startState.field(card) || startState.field(storyId);
  if (!tr.docChanged || writing || !known || !isBlank(tr.newDoc.toString())) return null;
  return { effects: [setCard.of(null), setStory.of(null)] };
});

/** While a story is written: `at`, where the next words go, mapped through the writer's own edits; `start`, where it began, in the state `before`. */
export const pen = StateField.define({
  create: () => null,
  update(value, tr) {
    for (const effect of tr.effects) {
      if (effect.is(penUp)) return null;
      if (effect.is(penDown)) return { before: tr.startState, changes: tr.changes, ...effect.value };
    }
    if (!value || !tr.docChanged) return value;
    return { ...value, changes: value.changes.compose(tr.changes), at: tr.changes.mapPos(value.at, 1) };
  },
});

export const isWriting = (state) => state.field(pen) !== null;

export const manuscript = [
  EditorState.lineSeparator.of("\n"),
  card,
  storyId,
  identityIsUndone,
  clearedPage,
  pen,
  provenance(isWriting),
  memory.of(history()),
];

/** Where the pen was put down, and where it is: `{from, at}`; null when nothing is written. */
export function penPlace(state) {
  const down = state.field(pen);
  return down && { from: down.changes.mapPos(down.start, -1), at: down.at };
}

/** Note something about the story without making it a step to undo. */
export const recard = (state, change) => ({
  effects: setCard.of({ ...state.field(card), ...change }),
  annotations: silent,
});

/** Note which of the library's stories this is, without making it a step to undo. One that parts from another is also another one to learn from. */
export const nameStory = (state, id) => {
  const isAnother = state.field(card) && state.field(storyId);
  return { effects: [setStory.of(id), ...(isAnother ? [setCard.of({ ...state.field(card), id })] : [])], annotations: silent };
};

/** Say who wrote the text that is there, as it was kept; no step to undo. */
export const attribute = (state, known) => ({ effects: attributed(state.sliceDoc(), known), annotations: silent });

/**
 * Another text for the same story, from outside, and who wrote it, as it is kept: only what differs is changed. A step of
 * its own: Undo passes it before it comes to another story, which the words from outside must never end up in.
 */
export const takeOver = (state, text, known = null) => inPlace(state, text, known, "take");

function inPlace(state, text, known, event) {
  const before = state.sliceDoc();
  if (text === before) return attribute(state, known);
  return {
    changes: difference(before, text),
    effects: attributed(text, known),
    annotations: [isolateHistory.of("full"), Transaction.userEvent.of(event)],
  };
}

/** An earlier text of this story, who wrote it, and the settings it was told with, if they are known, in the place of the present ones: one step to undo. */
export function restore(state, text, known = null, settings = null) {
  const now = state.field(card);
  const step = inPlace(state, text, known, "input.restore");
  return settings && now ? { ...step, effects: [step.effects, setCard.of({ ...now, settings })].flat() } : step;
}

/** What goes while a story is written is a step of its own: joined with others, nobody could tell whose it was from what came meanwhile. */
function joins({ changes }, isAdjacent) {
  let isMore = isAdjacent;
  changes.iterChangedRanges((from, to) => (isMore &&= from === to));
  return isMore;
}

/** Put the pen down: on an empty page (`replacing`, for the story `id`), or at the end. Dispatch the specs in order. */
export function begin(state, newCard, { replacing, id = null }) {
  const length = state.doc.length;
  const changes = replacing ? { from: 0, to: length } : [];
  const story = setStory.of(replacing ? id : state.field(storyId));
  const at = replacing ? 0 : length;
  return putDown({ start: at, at }, changes, [setCard.of(newCard), story]);
}

/** Put the pen down where it was in a story that was being written: `text` is all there was of it by then, over what was there before. */
export function takeUp(state, card, { text, from, at, id }) {
  const effects = [setCard.of(card), setStory.of(id)];
  return putDown({ start: Math.min(from, state.doc.length), at }, difference(state.sliceDoc(), text), effects);
}

const putDown = (place, changes, effects) => [
  { changes, effects: [penDown.of(place), ...effects, memory.reconfigure([])], annotations: silent },
  { effects: memory.reconfigure(history({ joinToEvent: joins })) },
];

/** Write on where the pen is. */
export const write = (state, text) => ({
  changes: { from: state.field(pen).at, insert: text },
  annotations: [silent, Transaction.userEvent.of("input.write")],
});

/** Lift the pen: all that was written since `begin` becomes one step to undo. */
export function end(state) {
  const { before, changes } = state.field(pen);
  const once = before.update({
    changes,
    effects: [setCard.of(state.field(card)), setStory.of(state.field(storyId)), carried(state)],
    annotations: [isolateHistory.of("full"), Transaction.userEvent.of("input.write")],
  });
  const remembered = once.state.field(historyField);
  return [
    { effects: [penUp.of(null), memory.reconfigure([])] },
    { effects: memory.reconfigure([history(), historyField.init(() => remembered)]) },
  ];
}
