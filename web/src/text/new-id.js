// Ids for whatever a page makes: stories, requests, takes. 32 hex digits, as the library wants them.

export const newId = (crypto = globalThis.crypto) =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
