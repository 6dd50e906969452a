// The REST side of the server: JSON in, JSON out, and errors that are sentences.

const SILENT = "StorAIteller does not answer. Your text stays on this page; start it again in the terminal to go on.";
export const RESTARTED = "StorAIteller was restarted. Open the address printed in the terminal in this tab: your story comes with it.";

/** A request that the server refused, or could not be asked. `message` is written for the writer. */
export class ApiError extends Error {
  constructor(message, { code = "unknown", field = null, status = 0 } = {}) {
    super(message);
    Object.assign(this, { code, field, status });
  }
}

/** Ask for `path`: with a JSON `body`, a `form`, or neither. Throws ApiError; an abort stays an AbortError. */
export async function ask(method, path, { body, form, signal, keepalive } = {}) {
  const sent = body === undefined ? { body: form } : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let response;
  try {
    response = await fetch(path, { method, signal, keepalive, cache: "no-store", ...sent });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(SILENT, { code: "offline" });
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function refusal(response) {
  const { status } = response;
  const said = await response.json().catch(() => ({}));
  if (status === 401) return new ApiError(RESTARTED, { code: "unauthorized", status });
  return new ApiError(said.message || "StorAIteller could not do that. Please try again.", { ...said, status });
}

export const json = async (...request) => (await ask(...request)).json();

export const health = () => json("GET", "/health");
export const models = () => json("GET", "/models");
export const prompt = (settings) => json("POST", "/setstory", { body: settings });
export const saveStory = (story) => json("POST", "/savestory", { body: story });
export const forgetStory = (id) => json("DELETE", `/savestory/${encodeURIComponent(id)}`);

export const learning = () => json("GET", "/learning");
export const activateVersion = (version) => json("POST", "/learning/active", { body: { version } });
export const setStrength = (strength) => json("POST", "/learning/strength", { body: { strength } });
export const versionSamples = (name) => json("GET", `/learning/versions/${encodeURIComponent(name)}/samples`);

/** Pull a model; `onProgress({status, completed, total})` for each line. Throws ApiError if it fails. */
export async function pullModel(model, { signal, onProgress }) {
  const response = await ask("POST", "/models/pull", { body: { model }, signal });
  let last = {};
  try {
    for await (const line of lines(response.body)) {
      last = line;
      if (line.code) throw new ApiError(line.message, line);
      onProgress(line);
    }
  } catch (error) {
    if (error.name === "AbortError" || error instanceof ApiError) throw error;
    throw new ApiError(SILENT, { code: "offline" });
  }
  if (last.status !== "success") throw new ApiError("The download ended too early. Please try again.");
}

/** The JSON values in a stream of lines, however the bytes are cut. */
export async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let tail = "";
  try {
    for (;;) {
      const { done, value = "" } = await reader.read();
      const parts = (tail + value).split("\n");
      tail = done ? "" : parts.pop();
      for (const part of parts) if (part.trim()) yield JSON.parse(part);
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
