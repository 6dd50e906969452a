// One story being told: from the request to its end, whatever end that is.

import { AWAY, endNote, LOST, progressNote, restoredNote, UNANSWERED } from "../server/notes.js";
import { countWords } from "../text/story.js";
import { Ink } from "./ink.js";
import { Pace } from "./pace.js";
import { Tale } from "./tale.js";

/** A server that does not answer a stop is not waited for any longer. */
const STOP_PATIENCE_MS = 8000;

const idle = { phase: "idle", note: "", tone: "", speed: null, elapsed: null };

export class Telling {
  /** What the page shows: phase (idle, waiting, writing, away, stopping), note, tone, speed, elapsed. */
  state = idle;
  #now = null;
  #ink = new Ink((text) => this.editor.write(text));

  /**
   * `onAsked()` hears that there is a story on its way, which is to be kept, `onOver(tale)` that it came to an end, words or
   * none, and tells, or resolves to, whether it is safe; `onTrouble(error)` hears of every error message; `diagnose()` says
   * why the line dropped.
   */
  constructor({ editor, connection, announcer, onChange, onAsked, onOver, onTrouble, diagnose }) {
    Object.assign(this, { editor, connection, announcer, onChange, onAsked, onOver, onTrouble, diagnose });
  }

  get busy() {
    return this.#now !== null;
  }

  /** What a reload needs to go on with the story on its way, or null. Flush before: it tells of the text as it is then. */
  get kept() {
    return this.#now?.tale.record(this.editor.pen) ?? null;
  }

  write(settings, model) {
    this.#ask(...Tale.asked({ settings, model }));
  }

  continue(settings, model) {
    const { text, story } = this.editor;
    this.#ask(...Tale.asked({ settings, model, text, story: story ?? undefined }));
  }

  /** Go on with a story that was on its way when the page went; `kept` is what `kept` gave then. */
  resume(kept) {
    const tale = new Tale(kept);
    this.#start(tale, { isResumed: true });
    // From its beginning, so that the whole is known; what is on the page already is not written again.
    this.connection.resume(tale.id, 0, (answer) => this.#now?.tale === tale && this.#hear(answer));
    if (tale.isStopped) this.stop();
  }

  stop() {
    if (!this.busy || this.state.phase === "stopping") return;
    this.#show({ phase: "stopping", note: "Stopping…" });
    const { tale } = this.#now;
    tale.isStopped = true;
    this.connection.stop(tale.id);
    setTimeout(() => this.#now?.tale === tale && this.#done({ finish_reason: "cancelled" }), STOP_PATIENCE_MS);
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

  #ask(tale, message) {
    if (this.busy) return;
    this.#start(tale);
    this.onAsked();
    this.connection.request(message, (answer) => this.#now?.tale === tale && this.#hear(answer));
  }

  #start(tale, { isResumed = false } = {}) {
    const timer = setInterval(() => this.#tick(), 250);
    this.#now = { tale, isResumed, pace: new Pace(), since: performance.now(), timer };
    this.state = { ...idle, phase: tale.begun ? "writing" : "waiting", elapsed: 0 };
    this.say("Writing…");
  }

  #hear(answer) {
    if (answer.type === "away") return this.#away();
    if (this.state.phase === "away") this.#show({ phase: this.#now.tale.begun ? "writing" : "waiting", note: "Writing…" });
    if (answer.type === "started") this.#now.tale.model = answer.model;
    if (answer.type === "progress" && this.state.phase === "waiting") this.#show({ note: progressNote(answer) });
    if (answer.type === "chunk") this.#heard(answer);
    if (answer.type === "done") this.#done(answer);
    if (answer.type === "error") this.#failed(answer);
    if (answer.type === "lost") this.#lost();
  }

  #heard({ text }) {
    const { tale, pace } = this.#now;
    if (text && !tale.begun) this.#begin();
    const words = tale.hear(text);
    if (!words) return;
    pace.hear(words, performance.now());
    this.#ink.add(words);
    this.announcer.hear(words);
  }

  #begin() {
    const { tale } = this.#now;
    const { settings, model, replacing, story } = tale;
    const told = { id: story, settings, model, ended: null };
    const card = replacing || !this.editor.card ? told : { ...this.editor.card, settings, model, ended: null };
    tale.begun = true; // before the pen is put down, for the desk may be kept at that very moment
    this.editor.begin(card, { replacing });
    if (this.state.phase === "waiting") this.#show({ phase: "writing", note: "Writing…" });
  }

  /** The line dropped; the server writes on. */
  #away() {
    if (this.state.phase === "away") return;
    this.state = { ...this.state, phase: "away", speed: null };
    this.say(AWAY);
  }

  #done({ finish_reason: reason, words = 0, tokens_per_second: speed = null }) {
    const { settings, begun } = this.#now.tale;
    const delivered = begun ? Math.max(words, 1) : 0;
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
    const { isResumed, tale } = this.#now;
    this.#end("failed");
    if (isResumed && tale.begun) return this.say(restoredNote(this.editor.card, countWords(this.editor.text)));
    this.say(tale.begun ? LOST : UNANSWERED, "error");
    const why = await this.diagnose();
    if (why) this.announcer.error(why);
  }

  #end(ended, figures = {}) {
    const { tale, since, timer } = this.#now;
    clearInterval(timer);
    this.#ink.flush();
    this.announcer.finish();
    if (tale.begun) {
      this.editor.recard({ ended });
      this.editor.end();
    }
    this.#now = null;
    this.#handOver(tale);
    this.#show({ phase: "idle", elapsed: performance.now() - since, ...figures });
  }

  /** The server need see to it no longer, now that the desk, or else the library, has it. */
  async #handOver(tale) {
    if (await this.onOver(tale)) this.connection.keep(tale.id);
  }

  #tick() {
    const now = performance.now();
    this.#show({ elapsed: now - this.#now.since, ...(this.state.phase === "away" ? {} : { speed: this.#now.pace.at(now) }) });
  }

  #show(change) {
    this.state = { ...this.state, ...change };
    this.onChange();
  }
}
