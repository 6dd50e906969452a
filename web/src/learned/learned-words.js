// What the page says of versions, their figures and their strength. Pure.

import { whole } from "../text/figures.js";

const count = (number, one, many = `${one}s`) => `${whole(number)} ${number === 1 ? one : many}`;
const stories = (number) => count(number, "story", "stories");
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

export const writer = (name) => name ?? "the base model";
/** The model that a version had to beat. */
export const rivalOf = ({ against }) => (!against || against === "base" ? "the base model" : against);
const firstWriter = (name) => name ?? "The base model";

/** Who writes now, and how many good stories there are. `waits` says why the active version does not. */
export function standing({ active, waits, likes }) {
  return `${waits || `${firstWriter(active)} writes now.`} You have kept ${count(likes, "good story", "good stories")} so far.`;
}

/** What promoting or rolling back did. */
export const switched = ({ active, waits }) => waits || `${firstWriter(active)} writes from the next story on.`;
export const back = (name) => `Back to ${writer(name)}`;

/** Before the first version: where the stories stand, and what `now` can be done. */
export function beginning({ likes, needed }) {
  const kept = likes ? `You have kept ${count(likes, "good story", "good stories")}` : "No story is kept as a good one yet";
  if (likes >= needed) {
    const now = "Learn from them now, in the terminal, in StorAIteller's folder:";
    return { title: "Ready to learn", text: `${kept}: enough to learn from.`, now };
  }
  const text = `${kept}. With ${whole(needed - likes)}${likes ? " more" : ""} there is enough to learn from.`;
  return { title: "Nothing learned yet", text, now: "Then learn from them in the terminal, in StorAIteller's folder:" };
}

/** How a version stands: its mark, in a word or two. */
export function mark({ name, status }, { active, waits }) {
  if (name === active) return waits ? "Waits" : "Writes now";
  return { promoted: "Promoted", kept: "Kept, not promoted", candidate: "Not tried yet" }[status] ?? status;
}

/** What it was made of. */
export function origin({ stories: learned, held_out: kept, created_at: at, base, ollama, metrics }) {
  const exam = kept ? `, and ${whole(kept)} more kept for its exam` : "";
  const rival = metrics.against ? ` It was tried against ${rivalOf(metrics)}.` : "";
  const served = ollama ? ` Ollama knows it as ${ollama}.` : "";
  return `Learned from ${stories(learned)} on ${moment(at)}${exam}, on top of ${base.name}.${rival}${served}`;
}

/** The mark on a version that learned from what is good no more; empty for the others. */
export function takenBack({ taken_back: lost, stories: learned }) {
  if (!lost) return "";
  const [were, them] = lost === 1 ? ["was", "it"] : ["were", "them"];
  return `${whole(lost)} of its ${stories(learned)} ${were} taken back since; the next run learns without ${them}.`;
}

export function moment(iso) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "a day unknown";
  return at.toLocaleString("en-GB", { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" });
}

/** "34 % less", "2 % more" or "as much"; `ratio` is ours to theirs. */
export function change(ratio) {
  const points = Math.round(100 * Math.abs(ratio - 1));
  return points === 0 ? "as much" : `${points} % ${ratio < 1 ? "less" : "more"}`;
}

const than = (ratio, whom) => `${change(ratio)} ${change(ratio) === "as much" ? "as" : "than"} ${whom}`;

/** The one figure that counts, against the base model; empty when it was not measured. */
export function headline({ metrics }) {
  const ratio = quotient(metrics, "held_out_perplexity");
  return ratio === null ? "" : `Your liked stories surprise it ${than(ratio, "the base model")}.`;
}

/** The exam against the version it was to beat, with its interval; empty when it was not held. */
export function exam({ metrics }) {
  const { held_out: found } = metrics;
  if (![found?.ratio, found?.low, found?.high].every(isNumber)) return "";
  const [low, high] = [change(found.low), change(found.high)];
  return `Against ${rivalOf(metrics)}: ${change(found.ratio)} surprise, and with 95 % certainty between ${high} and ${low}.`;
}

/** Every other figure, as a name and a sentence. */
export function facts({ metrics }) {
  const own = metrics.models?.candidate ?? {};
  const base = metrics.models?.base ?? {};
  const prose = quotient(metrics, "general_perplexity");
  const variety = quotient(metrics, "distinct_2");
  const keeps = `It keeps ${share(own.settings_kept)} of the names, keywords and lengths it is asked for`;
  const ends = `It ends ${share(own.ends_by_itself)} of its stories by itself`;
  return [
    ["Other prose", prose !== null && `Prose that is not yours surprises it ${than(prose, "the base model")}.`],
    ["Variety", variety !== null && `Its word pairs vary ${than(variety, "the base model's")}.`],
    ["Copying", isNumber(own.copied_8grams) && copying(own)],
    ["Your wishes", isNumber(own.settings_kept) && `${keeps}${beside(base.settings_kept)}.`],
    ["Endings", isNumber(own.ends_by_itself) && `${ends}${beside(base.ends_by_itself)}.`],
  ].filter(([, sentence]) => sentence);
}

function copying({ copied_8grams: copied, longest_copied_run: run }) {
  if (!copied) return "It copies no eight words in a row from your stories.";
  const longest = isNumber(run) ? `; the longest passage it shares with one is ${count(run, "word")}` : "";
  return `${share(copied)} of its runs of eight words stand in your stories too${longest}.`;
}

const beside = (value) => (isNumber(value) ? `; the base model, ${share(value)}` : "");

function share(value) {
  const points = 100 * value;
  return `${points > 0 && points < 10 ? points.toFixed(1) : Math.round(points)} %`;
}

/** A figure of this version by the base model's; null when either is not known. */
function quotient({ models }, figure) {
  const [own, base] = [models?.candidate?.[figure], models?.base?.[figure]];
  return isNumber(own) && isNumber(base) && base > 0 ? own / base : null;
}

export function strengthWords(value) {
  if (value === 0) return "the base model";
  return value === 1 ? "as learned" : `${Math.round(100 * value)} % of what it learned`;
}

/** Why the slider does something, or does not. */
export function strengthWhy({ active, waits, slider }) {
  if (!active) return "The base model writes now: there is nothing to weaken or strengthen.";
  if (waits) return `${active} waits: there is nothing to weaken or strengthen.`;
  if (!slider) return `${active} is run by Ollama, which has no such slider.`;
  return "It holds from the next story on, for every version.";
}
