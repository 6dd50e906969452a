// The library's REST side: stories, their versions and passages, favourites, the trash, files in and out. Errors are ApiErrors.

import { ask, json } from "./api.js";

/** The browser finishes a small request even when its page goes; a large one it refuses to promise. */
const SMALL = 16_000;

const story = (id) => `/library/stories/${encodeURIComponent(id)}`;
const version = (id, number) => `${story(id)}/versions/${number}`;
const passage = (id, passageId) => `${story(id)}/passages/${encodeURIComponent(passageId)}`;
export const send = (method, path, body) => json(method, path, { body, keepalive: JSON.stringify(body).length < SMALL });

export const createStory = (body) => send("POST", "/library/stories", body);
export const saveStory = (id, body) => send("PUT", story(id), body);
export const readStory = (id) => json("GET", story(id));
export const listStories = (query, { signal } = {}) => json("GET", `/library/stories?${new URLSearchParams(query)}`, { signal });

export const versions = async (id) => (await json("GET", `${story(id)}/versions`)).versions;
export const readVersion = (id, number) => json("GET", version(id, number));
export const keepVersion = (id, reason, name) => json("POST", `${story(id)}/versions`, { body: name ? { reason, name } : { reason } });
export const nameVersion = (id, number, name) => json("PATCH", version(id, number), { body: { name } });
export const restoreVersion = (id, number, revision) => json("POST", `${version(id, number)}/restore`, { body: { revision } });

export const trashStory = (id) => json("POST", `${story(id)}/trash`);
export const untrashStory = (id) => json("POST", `${story(id)}/untrash`);
export const deleteStory = (id) => ask("DELETE", story(id));
export const emptyTrash = () => json("POST", "/library/trash/empty");

/** The passages of a story that takes were made of, newest first. */
export const passages = async (id) => (await json("GET", `${story(id)}/passages`)).passages;
/** Keep a record; resolves to it with the takes that the library has besides. What `passages` gave may be sent back as it is. */
export const keepPassage = (id, record) => send("PUT", passage(id, record.id), record);
export const deletePassage = (id, passageId) => ask("DELETE", passage(id, passageId));

export const favourites = async () => (await json("GET", "/library/favourites")).favourites;
/** The favourite, which may have been there before. */
export const addFavourite = (text) => send("POST", "/library/favourites", { text });
export const deleteFavourite = (id) => ask("DELETE", `/library/favourites/${encodeURIComponent(id)}`);

export const exportPath = (id, format) => `${story(id)}/export?format=${format}`;
export const EVERYTHING = "/library/export";

/** Bring files in: `{taken, known, favourites, refused}`. */
export function importFiles(files) {
  const form = new FormData();
  for (const file of files) form.append("files", file, file.name);
  return json("POST", "/library/import", { form });
}
