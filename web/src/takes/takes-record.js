// A passage's takes as the library keeps them, and back again. Pure.
//
// `about` is what stays the same while takes come and go: `{id, errand, before, original, after, settings, model}`.

import { errand, messageFor } from "./errand.js";
import { isRunning } from "./takes.js";

const BESIDE = 2000;
/** Takes of a passage that the library keeps. */
export const MOST = 100;
const halfAt = (text, at) => /[\udc00-\udfff]/.test(text[at] ?? "") && /[\ud800-\udbff]/.test(text[at - 1] ?? "");

/** The words next to the passage, by which it is found again. */
export function beside({ before, after }) {
  const from = Math.max(0, before.length - BESIDE);
  const to = Math.min(after.length, BESIDE);
  return { before: before.slice(from + Number(halfAt(before, from))), after: after.slice(0, to - Number(halfAt(after, to))) };
}

/** The library's record, or null while there is no word worth keeping. */
export const toRecord = (about, takes) => withWords(recordOf(about, takes));

/** A record without the takes that have no words; null if none has. */
export function withWords(record) {
  const takes = record.takes.filter(({ text }) => text.trim());
  return takes.length ? { ...record, takes } : null;
}

/** The record with the takes whose words are still to come. */
export function recordOf({ id, errand: { kind, action, instruction, register }, before, original, after, settings, model }, { list }) {
  const takes = list.filter((take) => take.text.trim() || isRunning(take)).slice(-MOST);
  return {
    id, kind, before: before.toWellFormed(), original: original.toWellFormed(), after: after.toWellFormed(),
    action, instruction, register, settings, model,
    takes: takes.map(({ id: take, text, by, outcome, finish }) => ({ id: take, text: text.toWellFormed(), by, outcome, finish })),
  };
}

const STATUS = { stop: "done", length: "done", failed: "failed" };
const taken = ({ id, text, by, outcome, finish }, about) =>
  ({ id, text, by, outcome, finish: finish ?? "cancelled", status: STATUS[finish] ?? "stopped", progress: "", message: "", asked: by === "model" ? askedAs(id, about) : null });

/**
 * The message that asks for a take, as far as its record knows: with the settings and the words of the passage that were asked with last, the
 * story cut to what is beside it, and no opening. It is what a choice among such takes answers to; without settings there is none.
 */
function askedAs(id, { errand, before, original, after, settings, model }) {
  return settings && messageFor(id, errand, { settings, model }, { before, selected: original, after });
}

/** What was open, from its record: `{about, takes}`; the accepted take is looked at, else the first. */
export function fromRecord({ id, kind, before, original, after, action, instruction, register, settings, model, takes }) {
  const index = Math.max(0, takes.findIndex(({ outcome }) => outcome === "accepted"));
  const about = { id, errand: errand(kind, { action, instruction, register }), before, original, after, settings, model };
  return { about, takes: { list: takes.map((take) => taken(take, about)), index } };
}

const accepted = ({ takes }) => takes.find(({ outcome }) => outcome === "accepted");

/** The words that a record's passage may have in the story: those of its accepted take, and those it had before. */
export const wordings = (record) => [accepted(record)?.text, record.original].filter((text) => text !== undefined && text.trim());

/** What became of them, in a few words. */
export function became(record) {
  const { takes } = record;
  const at = takes.indexOf(accepted(record));
  if (at >= 0) return takes.length === 1 ? "Accepted" : `Take ${at + 1} accepted`;
  return takes.every(({ outcome }) => outcome === "discarded") ? "Discarded" : "Not decided";
}

export const countTakes = ({ takes }) => (takes.length === 1 ? "1 take" : `${takes.length} takes`);
