// What lies on the desk when a tab opens: what was there, or the story that the address asks for. Pure but for `read`.

import { content, newId, withEarlier } from "./desks.js";
import { fingerprint } from "./fingerprint.js";
import { one } from "./runs.js";
import { isBlank } from "./story.js";

/** What an address asks for instead of a story: an empty page. */
export const NEW = "new";

/** The id of the story that an address asks for, NEW, or null. */
export function wantedStory(search) {
  const id = new URLSearchParams(search).get("story") ?? "";
  return id === NEW || /^[0-9a-f]{32}$/.test(id) ? id : null;
}

/** `{desk, problem}`: the desk with the story `wanted` on it (`read(id)` gets it), or as it was and an error saying why. */
export async function arrive({ desk, wanted, read }) {
  if (!wanted || desk?.story === wanted) return { desk: desk && withEarlier(desk), problem: null };
  if (wanted === NEW) return { desk: desk && { text: "", settings: desk.settings, model: desk.model, library: left(desk) }, problem: null };
  try {
    return { desk: opened(await read(wanted), desk), problem: null };
  } catch (problem) {
    return { desk: desk && withEarlier(desk), problem };
  }
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
