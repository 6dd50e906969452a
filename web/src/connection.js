// One socket to the server: requests go out, each one's answers come back to whoever asked.

import { isLast, readServerMessage, stop } from "./protocol.js";

const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;

/** Connects when there is something to say, and again, with growing pauses, when the line drops. */
export class Connection {
  #socket = null;
  #listeners = new Map();
  #outbox = [];
  #wait = FIRST_WAIT;
  #timer = null;
  #url;
  #open;
  #onLine;

  /** `onLine(true | false)`: the line is there, or went. `open` makes the socket (tests pass their own). */
  constructor(url, { onLine = () => {}, open = (to) => new WebSocket(to) } = {}) {
    this.#url = url;
    this.#open = open;
    this.#onLine = onLine;
  }

  /**
   * Send a request. `listen(message)` gets every answer, the last of which is `done`, `error`, or
   * `{type: "lost"}` when the line dropped before the end.
   */
  request(message, listen) {
    this.#listeners.set(message.id, listen);
    this.#send(message);
  }

  /** Ask the server to end a request; its listener still gets the last answer. */
  stop(id) {
    if (this.#listeners.has(id)) this.#send(stop(id));
  }

  connect() {
    clearTimeout(this.#timer);
    if (this.#socket) return;
    const socket = this.#open(this.#url);
    this.#socket = socket;
    socket.onopen = () => this.#opened(socket);
    socket.onmessage = ({ data }) => this.#heard(data);
    socket.onclose = () => this.#closed(socket);
  }

  #send(message) {
    if (this.#socket?.readyState === 1) {
      this.#socket.send(JSON.stringify(message));
    } else {
      this.#outbox.push(message);
      this.connect();
    }
  }

  #opened(socket) {
    this.#wait = FIRST_WAIT;
    for (const message of this.#outbox.splice(0)) socket.send(JSON.stringify(message));
    this.#onLine(true);
  }

  #heard(frame) {
    const message = readServerMessage(frame);
    if (!message) return;
    const addressed = message.id === null ? [...this.#listeners.keys()] : [message.id];
    for (const id of addressed) this.#tell(id, message);
  }

  #tell(id, message) {
    const listen = this.#listeners.get(id);
    if (isLast(message)) this.#listeners.delete(id);
    listen?.(message);
  }

  #closed(socket) {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#outbox = [];
    this.#onLine(false);
    for (const id of [...this.#listeners.keys()]) this.#tell(id, { type: "lost", id });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.connect(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
  }
}
