// What lies on the desk when a tab opens: what was there, or the story that the address asks for. Pure but for `read`.

import { newId } from "./desks.js";
import { fingerprint } from "./fingerprint.js";
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

/** A story of the library on a desk; whatever lay there goes to the library, if it is not there already. */
function opened({ id, text, title, settings, model, revision }, desk) {
  const here = { id, title, revision, base: fingerprint(text), baseTitle: title, tried: [] };
  const others = desk ? left(desk).filter((record) => record.id !== id) : [];
  return { text, story: id, card: null, settings: settings ?? desk?.settings, model: model ?? desk?.model, library: [here, ...others] };
}

/** The stories of a desk that something else will lie on, as records. */
const left = (desk) => [...leave(desk), ...(desk.library ?? []).filter(({ want }) => want)];

const leave = ({ earlier, settings, model, library = [], ...desk }) =>
  [{ ...desk, settings, model }, earlier && { ...earlier, settings, model }]
    .filter((each) => each && !isBlank(each.text))
    .map(({ text, story, settings, model }) => {
      const record = library.find(({ id }) => id === story) ?? { id: story ?? newId(), title: "" };
      return { ...record, want: record.want ?? { text, settings, model } };
    });

/** The story that Undo goes back to belongs into the library too. */
function withEarlier(desk) {
  const { earlier, library = [], settings, model } = desk;
  if (!earlier || earlier.story || isBlank(earlier.text)) return desk;
  const id = newId();
  return { ...desk, earlier: { ...earlier, story: id }, library: [...library, { id, want: { text: earlier.text, settings, model } }] };
}
