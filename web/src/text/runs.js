// Who wrote what, as a value: runs `[length, who]` over a text, in order. Pure.
//
// `who` is "model", "edited" (the model's, changed by the writer), "writer", or null where nobody knows. Neighbours differ,
// no run is empty, and a value is never changed. In the editor lengths count UTF-16 units; what is kept counts code points.

const KINDS = ["model", "edited", "writer", null];
const PAIR = /[\ud800-\udbff][\udc00-\udfff]/g;

export const one = (length, who) => (length ? [[length, who]] : []);
export const lengthOf = (runs) => runs.reduce((sum, [length]) => sum + length, 0);

/** Add a run at the end of `made`, joined with one of the same kind. */
function push(made, length, who) {
  const last = made.at(-1);
  if (!length) return;
  if (last?.[1] === who) made[made.length - 1] = [last[0] + length, who];
  else made.push([length, who]);
}

/** Put other runs in the place of some: `edits` are `{from, to, runs}`, in order, apart, where `runs` are before them. */
export function splice(runs, edits) {
  const made = [];
  let [index, used, at] = [0, 0, 0];
  const step = (to, isKept) => {
    const length = Math.min(runs[index][0] - used, to - at);
    if (isKept) push(made, length, runs[index][1]);
    [at, used] = [at + length, used + length];
    if (used === runs[index][0]) [index, used] = [index + 1, 0];
  };
  /** Most runs are whole, and far from any edit: they are taken over as they are. */
  const leap = (to) => {
    for (; index < runs.length && at + runs[index][0] <= to; index += 1) {
      made.push(runs[index]);
      at += runs[index][0];
    }
  };
  const pass = (to, isKept) => {
    if (at < to && index < runs.length) step(to, isKept);
    if (isKept && !used) leap(to);
    while (at < to && index < runs.length) step(to, isKept);
  };
  for (const { from, to, runs: put } of edits) {
    pass(from, true);
    pass(to, false);
    for (const [length, who] of put) push(made, length, who);
  }
  pass(Infinity, true);
  return made;
}

/** The runs of a stretch of the text. */
export function slice(runs, from, to) {
  const made = [];
  let at = 0;
  for (let index = 0; index < runs.length && at < to; index += 1) {
    const [length, who] = runs[index];
    at += length;
    if (at > from) push(made, Math.min(to, at) - Math.max(from, at - length), who);
  }
  return made;
}

/** One value of several, one after the other. */
export function join(...parts) {
  const made = [];
  for (const runs of parts) for (const [length, who] of runs) push(made, length, who);
  return made;
}

/** The same runs, each `who` as `change` has it. */
export const recast = (runs, change) => join(...runs.map(([length, who]) => one(length, change(who))));

/** Where the second halves of all pairs are. */
function seconds(text) {
  const found = [];
  PAIR.lastIndex = 0;
  while (PAIR.test(text)) found.push(PAIR.lastIndex - 1);
  return found;
}

/** Runs in code points. A pair that two runs share counts with the first of them. */
export function toPoints(text, runs) {
  const halves = seconds(text);
  if (!halves.length) return runs;
  const made = [];
  let [at, next] = [0, 0];
  for (const [length, who] of runs) {
    const first = next;
    at += length;
    while (halves[next] < at) next += 1;
    push(made, length - (next - first), who);
  }
  return made;
}

/** Runs in code points as runs in units; whatever does not fit the text is nobody knows whose. */
export function toUnits(text, points) {
  if (!Array.isArray(points) || !points.every(isRun)) return one(text.length, null);
  const halves = seconds(text);
  const made = [];
  let [at, next] = [0, 0];
  for (const [length, who] of points) {
    const first = next;
    while (halves[next] <= at + length + next - first) next += 1;
    push(made, length + next - first, who);
    at += length + next - first;
  }
  return at === text.length ? made : one(text.length, null);
}

const isRun = (run) => Array.isArray(run) && Number.isInteger(run[0]) && run[0] > 0 && KINDS.includes(run[1]);

/** As many as the library takes. */
const MOST = 200_000;
const isKnown = (points) => points.length <= MOST && points.every(([, who]) => who);

/** Runs in code points as the library keeps them, which has no word for what nobody knows: null unless all is known. */
export const ifKnown = (points) => (isKnown(points) ? points : null);

/** The same of what may not fit its text, as it came from a storage. */
export const ifFitting = (text, points) => (points ? ifKnown(toPoints(text, toUnits(text, points))) : null);

/** How many of a hundred characters are whose: `{model, edited, writer, unknown}`, a hundred together, and one at least of what is there. */
export function shares(runs) {
  const found = { model: 0, edited: 0, writer: 0, unknown: 0 };
  for (const [length, who] of runs) found[who ?? "unknown"] += length;
  const [all, most] = [lengthOf(runs), Object.keys(found).reduce((one, other) => (found[one] < found[other] ? other : one))];
  for (const who of Object.keys(found)) found[who] &&= Math.max(1, Math.round((100 * found[who]) / all));
  found[most] += all && 100 - Object.values(found).reduce((sum, share) => sum + share);
  return found;
}
