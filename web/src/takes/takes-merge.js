// The takes of one passage, as two windows have them, in one list: the rules of storaiteller/library/merging.py. Pure.

const WHOLE = ["stop", "length"];
const completeness = ({ text, finish }) => [Number(WHOLE.includes(finish)), Array.from(text).length, Number(finish !== null)];

/** Whether the words of `one` came to their end where those of `other` did not, or are more of them. */
function isMore(one, other) {
  const [ours, theirs] = [completeness(one), completeness(other)];
  const at = ours.findIndex((value, place) => value !== theirs[place]);
  return at >= 0 && ours[at] > theirs[at];
}

function ofBoth(there, given) {
  const words = isMore(there, given) ? there : given;
  return { ...words, outcome: given.outcome === "open" ? there.outcome : given.outcome };
}

/**
 * Every take of both, each once: those that are `there`, in their order, then those that are new; whoever gives them all says in which order.
 * One that is given as accepted is the only one.
 */
export function mergeTakes(there, given) {
  const known = new Map(there.map((take) => [take.id, take]));
  const ours = new Map(given.map((take) => [take.id, known.has(take.id) ? ofBoth(known.get(take.id), take) : take]));
  const all = there.every(({ id }) => ours.has(id)) ? ours : new Map([...known, ...ours]);
  const accepted = given.filter(({ outcome }) => outcome === "accepted").map(({ id }) => id);
  const isFormer = ({ id, outcome }) => accepted.length > 0 && outcome === "accepted" && !accepted.includes(id);
  return [...all.values()].map((take) => (isFormer(take) ? { ...take, outcome: "discarded" } : take));
}

/** A record of a passage as it is given, with the takes besides that are `there` in an earlier one, if there is one. */
export const mergeRecords = (there, given) => (there ? { ...there, ...given, takes: mergeTakes(there.takes, given.takes) } : given);
