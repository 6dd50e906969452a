// The library's REST side: stories, their versions, the trash, files in and out. Errors are ApiErrors.

import { ask, json } from "./api.js";

/** The browser finishes a small request even when its page goes; a large one it refuses to promise. */
const SMALL = 16_000;

const story = (id) => `/library/stories/${encodeURIComponent(id)}`;
const version = (id, number) => `${story(id)}/versions/${number}`;
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

export const exportPath = (id, format) => `${story(id)}/export?format=${format}`;
export const EVERYTHING = "/library/export";

/** Bring files in: `{taken, known, refused}`. */
export function importFiles(files) {
  const form = new FormData();
  for (const file of files) form.append("files", file, file.name);
  return json("POST", "/library/import", { form });
}
