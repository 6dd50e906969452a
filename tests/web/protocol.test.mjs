import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  continueFrom, generate, insertBetween, isLast, kept, readServerMessage, resume, rewrite, stop, summary, titles, wordsAfter,
} from "../../web/src/server/protocol.js";

const examples = JSON.parse(readFileSync(new URL("../protocol_examples.json", import.meta.url)));

const BUILD = {
  generate: ({ id, settings, ...options }) => generate(id, settings, options),
  rewrite: ({ id, settings, before, selected, after, instruction, action, register, opening, ...options }) =>
    rewrite(id, settings, { before, selected, after }, { instruction, action, register, opening }, options),
  continue: ({ id, settings, text, ...options }) => continueFrom(id, settings, text, options),
  insert: ({ id, settings, before, after, instruction, ...options }) =>
    insertBetween(id, settings, { before, after }, instruction, options),
  titles: ({ id, settings, text, ...options }) => titles(id, settings, text, options),
  summary: ({ id, settings, text, ...options }) => summary(id, settings, text, options),
  words: ({ id, settings, before, ...options }) => wordsAfter(id, settings, before, options),
  resume: ({ id, seq }) => resume(id, seq),
  stop: ({ id }) => stop(id),
  kept: ({ id }) => kept(id),
};

test("every client example is what the builders build", () => {
  for (const { type, ...parts } of examples.client) assert.deepEqual(BUILD[type](parts), { type, ...parts });
});

test("progress is asked for, and a model of null is left out", () => {
  const settings = examples.client[0].settings;
  const message = generate("g", settings, { model: null });
  assert.equal(message.progress, true);
  assert.ok(!("model" in message));
});

test("every server example is understood", () => {
  for (const example of examples.server) assert.deepEqual(readServerMessage(JSON.stringify(example)), example);
});

test("what is no message of ours is null, never an exception", () => {
  const frames = ["", "{", "null", "[]", '"x"', '{"type":"constructor"}', '{"type":"chunk","id":"a","seq":-1,"text":""}',
    '{"type":"chunk","id":"a","seq":0,"text":7}', '{"type":"words","id":"a","words":{}}',
    '{"type":"words","id":"a","words":[{"text":"fox"}]}', '{"type":"done","id":"a"}'];
  for (const frame of frames) assert.equal(readServerMessage(frame), null, frame);
});

test("done, error and a lost line end a request", () => {
  assert.deepEqual(["done", "error", "lost", "chunk", "started", "progress"].map((type) => isLast({ type })),
    [true, true, true, false, false, false]);
});

test("of a text longer than any model reads, what is next to the passage is sent", () => {
  const long = `A${"x".repeat(1_500_000)}Z`;
  const { before, selected, after } = rewrite("r", {}, { before: long, selected: "here", after: long });
  assert.deepEqual([before.length, before.at(-1), selected, after.length, after[0]], [500_000, "Z", "here", 500_000, "A"]);
  const { text } = summary("s", {}, long);
  assert.deepEqual([text.length, text[0], text.at(-1)], [1_000_000, "A", "Z"]);
  assert.equal(titles("t", {}, long.slice(0, 1_000_000)).text, long.slice(0, 1_000_000));
});
