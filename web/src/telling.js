// One story being told: from the request to its end, whatever end that is.

import { newId } from "./desks.js";
import { Ink } from "./ink.js";
import { endNote, LOST, progressNote, UNANSWERED } from "./notes.js";
import { Pace } from "./pace.js";
import { continueFrom, generate } from "./protocol.js";
import { countWords } from "./story.js";

/** A server that does not answer a stop is not waited for any longer. */
const STOP_PATIENCE_MS = 8000;

const idle = { phase: "idle", note: "", tone: "", speed: null, elapsed: null };

export class Telling {
  /** What the page shows: phase (idle, waiting, writing, stopping), note, tone, speed, elapsed. */
  state = idle;
  #now = null;
  #ink = new Ink((text) => this.editor.write(text));

  /** `onWritten()` hears that words were written, `onTrouble(error)` of every error message; `diagnose()` says why the line dropped. */
  constructor({ editor, connection, announcer, onChange, onWritten, onTrouble, diagnose }) {
    Object.assign(this, { editor, connection, announcer, onChange, onWritten, onTrouble, diagnose });
  }

  get busy() {
    return this.#now !== null;
  }

  write(settings, model) {
    const id = newId();
    this.#start(generate(id, settings, { model }), { settings, model, replacing: true });
  }

  continue(settings, model) {
    const id = newId();
    this.#start(continueFrom(id, settings, this.editor.text, { model }), { settings, model, replacing: false });
  }

  stop() {
    if (!this.busy || this.state.phase === "stopping") return;
    this.#show({ phase: "stopping", note: "Stopping…" });
    const { id } = this.#now;
    this.connection.stop(id);
    setTimeout(() => this.#now?.id === id && this.#done({ finish_reason: "cancelled" }), STOP_PATIENCE_MS);
  }

  /** Say something that is no state of a story. */
  say(note, tone = "") {
    this.#show({ note, tone });
    if (note && tone === "error") this.announcer.error(note);
    else if (note) this.announcer.state(note);
  }

  /** Another story is on the page: nothing said of the last one holds. */
  forget(note = "") {
    this.state = { ...idle, note };
  }

  /** Put down what is on its way, before the text is kept. */
  flush() {
    this.#ink.flush();
  }

  #start(message, { settings, model, replacing }) {
    if (this.busy) return;
    const timer = setInterval(() => this.#tick(), 250);
    this.#now = { id: message.id, settings, model, replacing, pace: new Pace(), since: performance.now(), timer, begun: false };
    this.state = { ...idle, phase: "waiting", elapsed: 0 };
    this.say("Writing…");
    this.connection.request(message, (answer) => this.#now?.id === message.id && this.#hear(answer));
  }

  #hear(answer) {
    if (answer.type === "started") this.#now.model = answer.model;
    if (answer.type === "progress" && this.state.phase === "waiting") this.#show({ note: progressNote(answer) });
    if (answer.type === "chunk") this.#heard(answer.text);
    if (answer.type === "done") this.#done(answer);
    if (answer.type === "error") this.#failed(answer);
    if (answer.type === "lost") this.#lost();
  }

  #heard(text) {
    if (!text) return;
    if (!this.#now.begun) this.#begin();
    this.#now.pace.hear(text, performance.now());
    this.#ink.add(text);
    this.announcer.hear(text);
  }

  #begin() {
    const { settings, model, replacing } = this.#now;
    const told = { id: newId(), settings, model, ended: null };
    const card = replacing || !this.editor.card ? told : { ...this.editor.card, settings, model, ended: null };
    this.#now.begun = true;
    this.editor.begin(card, { replacing });
    if (this.state.phase === "waiting") this.#show({ phase: "writing", note: "Writing…" });
  }

  #done({ finish_reason: reason, words = 0, tokens_per_second: speed = null }) {
    const { settings } = this.#now;
    const delivered = this.#now.begun ? Math.max(words, 1) : 0;
    this.#end(reason, { speed: delivered ? speed : null });
    const total = countWords(this.editor.text);
    this.say(endNote({ reason, asked: settings.max_words, total, delivered }));
  }

  #failed(error) {
    this.#end("failed");
    this.say(error.message, "error");
    this.onTrouble(error);
  }

  async #lost() {
    const { begun } = this.#now;
    this.#end("failed");
    this.say(begun ? LOST : UNANSWERED, "error");
    const why = await this.diagnose();
    if (why) this.announcer.error(why);
  }

  #end(ended, figures = {}) {
    const { begun, since, timer } = this.#now;
    clearInterval(timer);
    this.#ink.flush();
    this.announcer.finish();
    if (begun) {
      this.editor.recard({ ended });
      this.editor.end();
    }
    this.#now = null;
    if (begun) this.onWritten();
    this.#show({ phase: "idle", elapsed: performance.now() - since, ...figures });
  }

  #tick() {
    const now = performance.now();
    this.#show({ elapsed: now - this.#now.since, speed: this.#now.pace.at(now) });
  }

  #show(change) {
    this.state = { ...this.state, ...change };
    this.onChange();
  }
}
