// Which desk a tab sits down at, so that two tabs never share one.

import { newId } from "../text/new-id.js";

const SEAT = "storaiteller.seat";
const LOCK = "storaiteller.desk.";
const RELOAD_MS = 700;

/**
 * Find a desk that no living tab holds, and hold it until the page goes.
 * Order: the one this tab had before a reload; the last used free one; a new one. A duplicated tab
 * finds its desk held, and gets a new one with a copy of the text. `isFresh`: rather a new one than somebody else's.
 * Returns `{id, desk}`; `desk` is null when it is new and bare.
 */
export async function takeSeat({ desks, session, locks, isFresh = false }) {
  const remembered = readSeat(session);
  const seat = (await ownSeat(remembered, { desks, locks })) ?? (await freeSeat({ desks, locks, isFresh: isFresh || remembered }));
  writeSeat(session, seat.id);
  return seat;
}

async function ownSeat(id, { desks, locks }) {
  if (!id) return null;
  if (!locks || (await hold(locks, id, RELOAD_MS))) return { id, desk: desks.read(id) };
  const id2 = newId();
  await hold(locks, id2, 0);
  return { id: id2, desk: copied(desks.read(id)) };
}

async function freeSeat({ desks, locks, isFresh }) {
  if (locks && !isFresh) {
    for (const id of desks.ids()) if (await hold(locks, id, 0)) return { id, desk: desks.read(id) };
  }
  const id = newId();
  if (locks) await hold(locks, id, 0);
  return { id, desk: null };
}

/** The copy is the same story; what is being written is taken up anew, from the words that are there. */
const copied = (desk) => desk && { ...desk, telling: null };

/** Knows of any desk whether a tab sits at it: `has(id)`. Where nobody can say, somebody may. */
export async function takenDesks(locks) {
  if (!locks?.query) return { has: () => true };
  const { held } = await locks.query();
  return new Set(held.map(({ name }) => name.slice(LOCK.length)));
}

/** Resolves to true once the lock is ours (it is kept as long as the page lives), false if it is taken. */
function hold(locks, id, patience) {
  const forever = new Promise(() => {});
  return new Promise((resolve) => {
    const options = patience ? { signal: AbortSignal.timeout(patience) } : { ifAvailable: true };
    const got = (lock) => {
      resolve(Boolean(lock));
      return lock ? forever : undefined;
    };
    locks.request(LOCK + id, options, got).catch(() => resolve(false));
  });
}

/** The desk this tab sits at, if it has sat down at one. */
export function readSeat(session) {
  try {
    return session.getItem(SEAT);
  } catch {
    return null;
  }
}

function writeSeat(session, id) {
  try {
    session.setItem(SEAT, id);
  } catch {
    // Without a session store the tab starts afresh after a reload.
  }
}
