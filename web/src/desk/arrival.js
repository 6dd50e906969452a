// What lies on the desk when a tab opens: what was there, or the story that the address asks for, with the writing of it that is under way. Pure but for `read` and `ask`.

import { takenUp } from "../telling/tale.js";
import { fingerprint } from "../text/fingerprint.js";
import { newId } from "../text/new-id.js";
import { one } from "../text/runs.js";
import { isBlank } from "../text/story.js";
import { content, withEarlier } from "./desks.js";

/** What an address asks for instead of a story: an empty page. */
export const NEW = "new";

/** The id of the story that an address asks for, NEW, or null. */
export function wantedStory(search) {
  const id = new URLSearchParams(search).get("story") ?? "";
  return id === NEW || /^[0-9a-f]{32}$/.test(id) ? id : null;
}

/**
 * `{desk, problem, isApart}`: the desk with the story `wanted` on it (`read(id)` gets it), or as it was and an error saying why.
 * What the server is writing of the story (`ask(id)` tells) is taken up; `isApart`: it is being written from other words.
 */
export async function arrive({ desk, wanted, read, ask = async () => [] }) {
  if (wanted === NEW) return { desk: desk && { ...blank(desk), library: left(desk) }, problem: null };
  const isHere = !wanted || [desk?.story, desk?.telling?.story].includes(wanted);
  if (isHere && (!desk?.story || desk.telling)) return { desk: desk && withEarlier(desk), problem: null };
  const found = isHere ? { desk: withEarlier(desk) } : await read(wanted).then((theirs) => ({ desk: opened(theirs, desk) }), (problem) => ({ problem }));
  const told = await ask(wanted ?? desk.story).catch(() => []); // after the words were read: it has come as far as they, or further
  if (found.problem) return unheld(found.problem, told, desk);
  const taken = goingOn(found.desk, told) ?? (isHere && told.length ? await newer(found.desk, told, read) : null);
  return { desk: taken ?? found.desk, problem: null, isApart: !taken && told.some(({ over }) => !over) };
}

const blank = ({ settings, model }) => ({ text: "", settings, model });

/** A story that the library does not have: its first words may be on their way. */
function unheld(problem, told, desk) {
  const telling = problem.status === 404 && told.length ? takenUp(told.at(-1), null) : null;
  if (!telling) return { desk: desk && withEarlier(desk), problem };
  return { desk: { ...blank({ ...telling, model: telling.model ?? desk?.model }), library: desk ? left(desk) : [], telling }, problem: null };
}

/** The desk with the last of what is being written that goes on from its text, or null. */
function goingOn(desk, told) {
  const telling = told.map((each) => takenUp(each, desk.text)).findLast(Boolean);
  if (!telling) return null;
  const { settings, model, story, replacing, begun } = telling;
  const card = { id: story, ...desk.card, settings, model, ended: null };
  return { ...desk, ...(begun && { card }), telling };
}

/** The desk with the words that the library has by now, if it owes it none and those are being written on; or null. */
async function newer(desk, told, read) {
  const own = desk.library?.find(({ id }) => id === desk.story);
  const theirs = own && !isOwed({ ...own, want: desk }) ? await read(desk.story).catch(() => null) : null;
  if (!theirs) return null;
  const { text, origins, settings, model, ...here } = fresh(theirs);
  const library = [here, ...desk.library.filter((each) => each !== own)];
  return goingOn({ ...desk, text, origins, settings: settings ?? desk.settings, model: model ?? desk.model, library }, told);
}

/** A story of the library on a desk, with the words of it that the desk still owed; whatever lay there goes to the library, if it is not there already. */
function opened(theirs, desk) {
  const { id } = theirs;
  const records = desk ? left(desk) : [];
  const own = records.find((record) => record.id === id);
  const { text, origins, settings, model, ...here } = own && isOwed(own) ? owing(own) : fresh(theirs);
  const others = records.filter((record) => record !== own);
  return { text, origins, story: id, card: cardOf({ id, settings, model, origins }), settings: settings ?? desk?.settings, model: model ?? desk?.model, library: [here, ...others] };
}

/** What is known of a story that the model had a part in. One of the writer's own goes along with what the form says. */
const cardOf = ({ id, settings, model, origins }) =>
  settings && !origins?.every(([, who]) => who === "writer") ? { id, settings, model, ended: "unknown" } : null;

const isOwed = ({ want, base, title, baseTitle }) => fingerprint(want.text) !== base || title !== baseTitle;
const owing = ({ want: { text, origins, settings, model }, ...record }) => ({ ...record, text, origins, settings, model });
const fresh = ({ id, text, title, settings, model, revision, origins }) =>
  ({ id, title, revision, base: fingerprint(text), baseTitle: title, tried: [], text, origins: origins ?? brought({ text, settings, model }), settings, model });

/** What came from a file was told with no settings and no model: it is the writer's own. Of any other story nobody knows. */
const brought = ({ text, settings, model }) => (settings || model ? null : one(Array.from(text).length, "writer"));

/** The stories of a desk that something else will lie on, as records: of each the newest words. */
function left(desk) {
  const records = [...leave(withEarlier(desk)), ...(desk.library ?? []).filter(({ want }) => want)];
  return records.filter(({ id }, at) => records.findIndex((record) => record.id === id) === at);
}

const leave = ({ earlier, settings, model, library = [], ...desk }) =>
  [{ ...desk, settings, model }, earlier && { ...earlier, settings, model }]
    .filter((each) => each && !isBlank(each.text))
    .map((each) => {
      const record = library.find(({ id }) => id === each.story) ?? { id: each.story ?? newId(), title: "" };
      return { ...record, want: record.want ?? content(each) };
    });
