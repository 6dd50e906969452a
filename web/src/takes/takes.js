// A passage's takes, as an immutable value: what was written for it, which one is looked at, what became of each. Pure.

import { mergeTakes } from "./takes-merge.js";

const MOST_REJECTED = 20;
const NOTHING = "Nothing was suggested this time.";

/** No take yet. */
export const noTakes = { list: [], index: 0 };

/** A take that the model is asked for by `message`. */
const wanted = (message) => ({ id: message.id, text: "", by: "model", status: "waiting", progress: "", message: "", finish: null, outcome: "open", asked: message });

const isEmpty = ({ text, status }) => !text.trim() && !RUNNING.includes(status);
const RUNNING = ["waiting", "writing"];

/** One take more for each message; the first of them is looked at. Takes that came to nothing make room. */
export function ask({ list }, messages) {
  const kept = list.filter((take) => !isEmpty(take));
  return { list: [...kept, ...messages.map(wanted)], index: kept.length };
}

/** A take that the writer put together, looked at at once. */
export function mixed({ list }, id, text) {
  const take = { id, text, by: "mix", status: "done", progress: "", message: "", finish: "stop", outcome: "open", asked: null };
  return { list: [...list, take], index: list.length };
}

export const current = ({ list, index }) => list[index];
export const find = ({ list }, id) => list.find((take) => take.id === id);
export const isRunning = ({ status }) => RUNNING.includes(status);
export const running = ({ list }) => list.filter(isRunning);

/** The takes that are whole: the model came to an end with them, or the writer put them together. */
export const whole = ({ list }) => list.filter(({ text, status }) => status === "done" && text.trim());

const change = (takes, id, how) => ({ ...takes, list: takes.list.map((take) => (take.id === id ? { ...take, ...how(take) } : take)) });
const whileRunning = (takes, id, how) => change(takes, id, (take) => (isRunning(take) ? how(take) : {}));

/** The model has begun with it; `progress` says how far it is before the first word. */
export const begin = (takes, id, progress = "") => whileRunning(takes, id, () => ({ status: "writing", progress }));

export const append = (takes, id, text) => whileRunning(takes, id, (take) => ({ status: "writing", text: take.text + text }));

/** It ended: `stop`, `length` or `cancelled`. */
export const finish = (takes, id, reason) =>
  whileRunning(takes, id, ({ text }) => ({
    status: reason === "cancelled" ? "stopped" : "done",
    finish: reason,
    message: text.trim() || reason === "cancelled" ? "" : NOTHING,
  }));

/** It failed, or there is more to say of why; what it had written stays. */
export const fail = (takes, id, message) =>
  change(takes, id, (take) => (isRunning(take) || take.status === "failed" ? { status: "failed", finish: "failed", message } : {}));

/** Whatever is still running is waited for no longer. */
export const halt = (takes) => running(takes).reduce((all, { id }) => finish(all, id, "cancelled"), takes);

/** Look at the take before (-1) or after (+1). */
export const step = (takes, by) => look(takes, takes.index + by);
export const look = (takes, index) => ({ ...takes, index: Math.min(Math.max(index, 0), Math.max(takes.list.length - 1, 0)) });

export const position = ({ list, index }) => `${index + 1}/${list.length}`;

/** How a take is called among the others: "Take 2 of 5". */
export const ordinal = ({ list }, id) => (list.length < 2 ? "The take" : `Take ${list.findIndex((take) => take.id === id) + 1} of ${list.length}`);

export const canAccept = (take) => Boolean(take) && !isRunning(take) && take.text.trim() !== "";

/** With what another window has of the same takes: those that are new come last, and what is still being written goes on. */
export function join({ list, index }, theirs) {
  const merged = new Map(mergeTakes(theirs, list.filter((take) => !isRunning(take))).map((take) => [take.id, take]));
  const ours = list.map((take) => (isRunning(take) ? take : merged.get(take.id)));
  return { index, list: [...ours, ...theirs.filter(({ id }) => !find({ list }, id)).map(({ id }) => merged.get(id))] };
}

/** The decision: the take `id` is accepted and the others are not; without one, all are discarded but the one that is in the story already. */
export const decide = (takes, id = null) => ({ ...takes, list: takes.list.map((take) => ({ ...take, outcome: outcome(take, id) })) });

const outcome = (take, id) => (take.id === id || (id === null && take.outcome === "accepted") ? "accepted" : "discarded");

/** The takes of a set that were asked for as `take` was: only those can be weighed against it. */
export function rivals(takes, take) {
  const asked = take.asked ?? whole(takes).find((other) => other.asked)?.asked ?? null;
  const others = whole(takes).filter((other) => other.id !== take.id && other.by === "model" && other.asked);
  const rejected = others.filter((other) => wish(other.asked) === wish(asked) && other.text !== take.text);
  return { asked, rejected: rejected.slice(-MOST_REJECTED).map(({ text }) => text) };
}

/** A database may give settings back in another order. */
const inOrder = (settings) => Object.entries(settings ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));

const wish = (message) => {
  const { type, action, instruction, register, opening, selected, settings, model } = message ?? {};
  return JSON.stringify([type, action, instruction, register, opening, selected, inOrder(settings), model]);
};
