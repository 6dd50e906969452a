import assert from "node:assert/strict";
import { test } from "node:test";
import { lines } from "../../web/src/server/api.js";
import { Connection } from "../../web/src/server/connection.js";

class FakeSocket {
  static made = [];
  sent = [];
  readyState = 0;
  constructor() {
    FakeSocket.made.push(this);
  }
  send(frame) {
    this.sent.push(JSON.parse(frame));
  }
  open() {
    this.readyState = 1;
    this.onopen();
  }
  say(message) {
    this.onmessage({ data: typeof message === "string" ? message : JSON.stringify(message) });
  }
  drop() {
    this.readyState = 3;
    this.onclose();
  }
}

function dial(context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  FakeSocket.made = [];
  const line = [];
  const connection = new Connection("/ws", { open: () => new FakeSocket(), onLine: (up) => line.push(up) });
  const heard = [];
  return { connection, heard, line, listen: (message) => heard.push(message), socket: () => FakeSocket.made.at(-1) };
}

const done = { type: "done", id: "g", finish_reason: "stop", words: 1, usage: { prompt: 1, cached: 0, completion: 1 },
  tokens_per_second: 1, time_to_first_token_ms: 1 };

test("a request waits for the line, and its answers come to whoever asked", (context) => {
  const { connection, heard, listen, socket } = dial(context);
  connection.request({ type: "generate", id: "g" }, listen);
  socket().open();
  assert.deepEqual(socket().sent, [{ type: "generate", id: "g" }]);
  socket().say({ type: "chunk", id: "g", seq: 0, text: "Once" });
  socket().say({ type: "chunk", id: "other", seq: 0, text: "?" });
  socket().say("garbage");
  socket().say(done);
  socket().say({ type: "chunk", id: "g", seq: 1, text: "late" });
  assert.deepEqual(heard.map(({ type }) => type), ["chunk", "done"]);
});

test("a stop is sent only for what is being written", (context) => {
  const { connection, listen, socket } = dial(context);
  connection.request({ type: "generate", id: "g" }, listen);
  socket().open();
  connection.stop("g");
  connection.stop("unknown");
  assert.deepEqual(socket().sent.at(-1), { type: "stop", id: "g" });
});

test("a dropped line is told, and dialled again with growing pauses", (context) => {
  const { connection, heard, line, listen, socket } = dial(context);
  connection.request({ type: "generate", id: "g" }, listen);
  socket().open();
  socket().drop();
  assert.deepEqual(heard, [{ type: "away", id: "g" }]);
  const pauses = [500, 1000, 2000];
  for (const [index, pause] of pauses.entries()) {
    context.mock.timers.tick(pause - 1);
    assert.equal(FakeSocket.made.length, index + 1);
    context.mock.timers.tick(1);
    assert.equal(FakeSocket.made.length, index + 2);
    if (index < 2) socket().drop();
  }
  socket().open();
  assert.deepEqual(socket().sent, [{ type: "resume", id: "g", seq: 0 }]);
  assert.deepEqual(line, [true, false, false, false, true]);
});

const chunk = (seq, text = `${seq} `) => ({ type: "chunk", id: "g", seq, text });
const texts = (heard) => heard.filter(({ type }) => type === "chunk").map(({ text }) => text).join("");

test("over however many lines, every chunk is heard once and in order", (context) => {
  const { connection, heard, listen, socket } = dial(context);
  connection.request({ type: "generate", id: "g" }, listen);
  for (let line = 0; line < 5; line += 1) {
    socket().open();
    if (line) assert.deepEqual(socket().sent, [{ type: "resume", id: "g", seq: 2 * line }]);
    for (const seq of [0, 1, 2 * line, 2 * line + 1]) socket().say(chunk(seq));
    socket().drop();
    context.mock.timers.tick(10_000);
  }
  socket().open();
  socket().say(chunk(11));
  assert.deepEqual(socket().sent.at(-1), { type: "resume", id: "g", seq: 10 }, "one that comes too early is asked for again");
  socket().say(chunk(10));
  socket().say(chunk(11));
  socket().say(done);
  assert.equal(texts(heard), "0 1 2 3 4 5 6 7 8 9 10 11 ");
  assert.equal(heard.at(-1).type, "done");
});

test("a request that was never sent is sent when the line is there, and one that another page made is asked for", (context) => {
  const { connection, heard, listen, socket } = dial(context);
  connection.request({ type: "generate", id: "g" }, listen);
  connection.resume("h", 7, listen);
  socket().drop();
  assert.deepEqual(heard, [{ type: "away", id: "g" }, { type: "away", id: "h" }]);
  context.mock.timers.tick(500);
  socket().open();
  assert.deepEqual(socket().sent, [{ type: "generate", id: "g" }, { type: "resume", id: "h", seq: 7 }]);
});

test("what the server does not know of any more is lost, once", (context) => {
  const { connection, heard, listen, socket } = dial(context);
  connection.resume("g", 0, listen);
  socket().open();
  const unknown = { type: "error", id: "g", code: "unknown_request", message: "There is none.", field: "id" };
  socket().say(unknown);
  socket().say(unknown);
  assert.deepEqual(heard, [{ type: "lost", id: "g" }]);
});

test("when nobody will let us in again, all is lost, and nothing is asked for", (context) => {
  const { connection, heard, listen, socket } = dial(context);
  connection.request({ type: "generate", id: "g" }, listen);
  socket().open();
  connection.giveUp();
  assert.deepEqual(heard, []);
  socket().drop();
  connection.giveUp();
  assert.deepEqual(heard.at(-1), { type: "lost", id: "g" });
  context.mock.timers.tick(500);
  socket().open();
  assert.deepEqual(socket().sent, []);
});

test("a stop without a line ends it here at once, and at the server when that can be", async (context) => {
  const { connection, heard, listen, socket } = dial(context);
  connection.request({ type: "generate", id: "g" }, listen);
  socket().open();
  socket().drop();
  connection.stop("g");
  connection.request({ type: "generate", id: "h" }, listen);
  connection.stop("h");
  await Promise.resolve();
  assert.deepEqual(heard.slice(1), ["g", "h"].map((id) => ({ type: "done", id, finish_reason: "cancelled" })));
  context.mock.timers.tick(500);
  socket().open();
  assert.deepEqual(socket().sent, [{ type: "stop", id: "g" }, { type: "kept", id: "g" }], "the other was never sent");
});

test("a stop whose answer the line took along is told again, and what was ended in an earlier life too", async (context) => {
  const { connection, heard, listen, socket } = dial(context);
  connection.request({ type: "generate", id: "g" }, listen);
  socket().open();
  connection.stop("g");
  socket().drop();
  await Promise.resolve();
  assert.deepEqual(heard, [{ type: "done", id: "g", finish_reason: "cancelled" }], "the server may never have heard of it");
  assert.deepEqual(connection.stops, ["g"]);
  context.mock.timers.tick(500);
  socket().open();
  assert.deepEqual([socket().sent, connection.stops], [[{ type: "stop", id: "g" }, { type: "kept", id: "g" }], []]);

  const again = new Connection("/ws", { open: () => new FakeSocket(), stops: ["g"] });
  again.connect();
  socket().open();
  again.keep("h");
  assert.deepEqual(socket().sent, [{ type: "stop", id: "g" }, { type: "kept", id: "g" }, { type: "kept", id: "h" }]);
  socket().drop();
  again.keep("h");
  assert.equal(socket().sent.length, 3, "without a line nobody can be told");
});

test("what is stopped while the line is dialled is heard to its end, if the line is there", async (context) => {
  const { connection, heard, listen, socket } = dial(context);
  connection.resume("g", 0, listen);
  connection.stop("g");
  socket().open();
  assert.deepEqual(socket().sent, [{ type: "resume", id: "g", seq: 0 }, { type: "stop", id: "g" }]);
  socket().say(done);
  connection.resume("h", 0, listen);
  socket().drop();
  context.mock.timers.tick(500);
  connection.stop("h");
  socket().drop();
  await Promise.resolve();
  assert.deepEqual(heard.map(({ type, id }) => [type, id]), [["done", "g"], ["away", "h"], ["done", "h"]]);
});

test("an error that names no request ends the ones that wait", (context) => {
  const { connection, heard, listen, socket } = dial(context);
  connection.request({ type: "generate", id: "g" }, listen);
  socket().open();
  socket().say({ type: "error", id: null, code: "invalid_request", message: "That was not JSON." });
  assert.equal(heard.at(-1).message, "That was not JSON.");
});

test("lines are read however the bytes are cut", async () => {
  const bytes = new TextEncoder().encode('{"status":"月 pulling"}\n\n{"status":"success"}');
  for (let size = 1; size < 9; size += 1) {
    const body = new ReadableStream({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
        controller.close();
      },
    });
    const read = [];
    for await (const line of lines(body)) read.push(line.status);
    assert.deepEqual(read, ["月 pulling", "success"]);
  }
});
