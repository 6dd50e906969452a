// One socket to the server: requests go out, each one's answers come back to whoever asked, over as many lines as it takes.

import { isLast, kept, readServerMessage, resume, stop } from "./protocol.js";

const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;

/** Connects when there is something to say, and again, with growing pauses, when the line drops. */
export class Connection {
  #socket = null;
  /** What is open, by its id: `{message, listen, next, isUnasked, isStopped}`; `message` until it was sent, `next` the chunk that is due. */
  #open = new Map();
  /** Requests to be ended once the line is there. */
  #stops;
  #wait = FIRST_WAIT;
  #timer = null;
  #url;
  #dial;
  #onLine;
  #onChanged;

  /** `onLine(true | false)`: the line is there, or went. `onChanged(message)`: a story of the library was changed. `stops`: what an earlier life of this page could not end. `open` makes the socket (tests pass their own). */
  constructor(url, { onLine = () => {}, onChanged = () => {}, stops = [], open = (to) => new WebSocket(to) } = {}) {
    this.#url = url;
    this.#stops = [...stops];
    this.#dial = open;
    this.#onLine = onLine;
    this.#onChanged = onChanged;
  }

  /**
   * Send a request. `listen(message)` gets every answer once and in order, the last of which is `done`, `error`, or
   * `{type: "lost"}` when the server does not know of the request any more. In between it hears `{type: "away"}` when the
   * line drops, or cannot be had; the request goes on at the server, and is heard from there when the line is back.
   */
  request(message, listen) {
    this.#add(message.id, { message, listen, next: 0 });
  }

  /** Listen to a request that was made before, by an earlier life of this page say, from chunk `seq` on. */
  resume(id, seq, listen) {
    this.#add(id, { message: null, listen, next: seq, isUnasked: true });
  }

  /** Ids of requests that were ended here, which the server does not know yet. */
  get stops() {
    return [...this.#stops];
  }

  /**
   * End a request; its listener still gets the last answer. Without a line, or when it drops meanwhile, it is ended here,
   * and the server told later.
   */
  stop(id) {
    const request = this.#open.get(id);
    if (!request) return;
    request.isStopped = true;
    if (this.#isUp) return this.#send(stop(id));
    if (this.#socket && request.isUnasked) return; // the line is about to be there, and what was told meanwhile with it
    if (!request.message) this.#stops.push(id);
    this.#open.delete(id);
    queueMicrotask(() => request.listen({ type: "done", id, finish_reason: "cancelled" }));
  }

  /** What was told of a request is here and kept, to its end or as far as it was wanted. */
  keep(id) {
    if (this.#isUp) this.#send(kept(id));
  }

  /** Nothing will be heard again: another server answers there, which does not let us in. */
  giveUp() {
    if (!this.#isUp) for (const id of [...this.#open.keys()]) this.#tell(id, { type: "lost", id });
  }

  connect() {
    clearTimeout(this.#timer);
    if (this.#socket) return;
    const socket = this.#dial(this.#url);
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => this.#heard(data);
    socket.onclose = () => this.#closed(socket);
  }

  get #isUp() {
    return this.#socket?.readyState === 1;
  }

  #add(id, request) {
    this.#open.set(id, request);
    if (this.#isUp) this.#ask(id, request);
    else this.connect();
  }

  #ask(id, request) {
    this.#send(request.message ?? resume(id, request.next));
    Object.assign(request, { message: null, isUnasked: false });
    if (request.isStopped) this.#send(stop(id));
  }

  #send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  #opened() {
    this.#wait = FIRST_WAIT;
    for (const id of this.#stops.splice(0)) for (const message of [stop(id), kept(id)]) this.#send(message);
    for (const [id, request] of this.#open) this.#ask(id, request);
    this.#onLine(true);
  }

  #heard(frame) {
    const message = readServerMessage(frame);
    if (!message) return;
    if (message.type === "changed") return this.#onChanged(message);
    const addressed = message.id === null ? [...this.#open.keys()] : [message.id];
    for (const id of addressed) this.#tell(id, message.code === "unknown_request" ? { type: "lost", id } : message);
  }

  #tell(id, message) {
    const request = this.#open.get(id);
    if (!request || (message.type === "chunk" && !this.#isDue(request, message))) return;
    if (isLast(message)) this.#open.delete(id);
    request.listen(message);
  }

  /** A chunk is taken once; one that comes too early is asked for again, with those before it. */
  #isDue(request, { id, seq }) {
    if (seq > request.next) this.#send(resume(id, request.next));
    if (seq !== request.next) return false;
    request.next += 1;
    return true;
  }

  #closed(socket) {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#onLine(false);
    for (const [id, { listen, isStopped }] of [...this.#open]) isStopped ? this.stop(id) : listen({ type: "away", id });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.connect(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
  }
}
