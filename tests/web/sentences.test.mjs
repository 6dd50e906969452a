import assert from "node:assert/strict";
import { test } from "node:test";
import { SentenceReader, splitSentences } from "../../web/src/text/sentences.js";

const read = (pieces) => {
  const reader = new SentenceReader();
  return [...pieces.flatMap((piece) => reader.push(piece)), ...reader.rest()];
};

test("sentences joined are the text", () => {
  for (const text of ["Ada ran. Bo fell!\n\nThe end", "月が出た。夜だ。", "¿Qué? Sí.", ""]) {
    assert.equal(splitSentences(text).join(""), text);
  }
});

test("a stream is read by whole sentences, however it is cut", () => {
  const story = "Ada ran to the sea. “Wait!” Bo called.\n\nNobody waited";
  const whole = read([story]);
  assert.deepEqual(whole.join(" "), "Ada ran to the sea. “Wait!” Bo called. Nobody waited");
  assert.deepEqual(read(Array.from(story)).join(" "), whole.join(" "));
});

test("nothing is said before a sentence has ended", () => {
  const reader = new SentenceReader();
  assert.deepEqual(reader.push("Once upon a"), []);
  assert.deepEqual(reader.push(" time. "), ["Once upon a time."]);
  assert.deepEqual(reader.rest(), []);
});
