// What is to be seen, drawn from where things stand. Changes nothing but the page.

import { byId, setText } from "../common/elements.js";
import { canContinue } from "../server/notes.js";
import { countWords, isBlank } from "../text/story.js";

/** The server itself cannot be reached: that is the first thing to know. */
const AWAY = ["offline", "unauthorized"];
const LEFT = "Your open takes are kept.";
const TITLE = "StorAIteller";
const TITLE_LENGTH = 36;

export class Scene {
  #doc = null;
  #text = "";
  #words = 0;

  /** Draw `page`: its parts, and what it knows. */
  draw(page) {
    const { editor, telling, taking, settings, models, status, feedback } = page;
    this.#read(editor);
    const isEmpty = isBlank(this.#text);
    const form = settings.value;
    const told = telling.busy || !isEmpty ? editor.card?.settings : null;
    const story = { card: editor.card, asked: form.max_words, total: this.#words };
    status.show({
      ...telling.state,
      ...this.#note(page),
      words: this.#words,
      max: told?.max_words ?? (settings.hasWords && this.#words <= form.max_words ? form.max_words : null),
      model: models.isKnown ? models.name(models.current) : "",
      primary: telling.busy ? "Stop" : isEmpty ? "Write" : "Write another",
      blocked: taking.isOpen,
      canContinue: !telling.busy && !taking.isOpen && !this.#isLeft(page) && !page.isTroubled && canContinue(story),
      canReopen: this.#isLeft(page),
      canUndo: editor.canUndo,
      canRedo: editor.canRedo,
    });
    page.titles.show({ isEmpty, isBusy: telling.busy });
    feedback.show(this.#text, { busy: telling.busy });
    page.library.draw();
    byId("story").classList.toggle("is-waiting", telling.state.phase === "waiting");
    this.#keepHere(telling.busy || taking.isOpen);
    if (!telling.busy) document.title = this.#title(page.library.sync.title);
    this.#drawEmpty(page, isEmpty && !telling.busy);
  }

  /** Text and words are read only when the document is another one. */
  #read(editor) {
    if (editor.doc === this.#doc) return;
    this.#doc = editor.doc;
    this.#text = editor.text;
    this.#words = countWords(this.#text);
  }

  /** A tab is found again by its story's title, or first words. */
  #title(title) {
    const first = title.trim() || this.#text.slice(0, 200).trim().split("\n")[0];
    if (!first) return TITLE;
    const short = Array.from(first).slice(0, TITLE_LENGTH).join("").trimEnd();
    return `${short}${short.length < first.length ? "…" : ""} · ${TITLE}`;
  }

  /** The sentence in the dock: that words are not safe, else what happened to the story, else what the writer has to know. */
  #note(page) {
    const { telling, health, library, isFull, isErrorSeen } = page;
    const { now } = health;
    const { note, tone } = telling.state;
    const isAway = AWAY.includes(now?.code);
    const danger = library.danger({ isFull, isAway });
    if (danger?.tone === "error") return danger;
    if (isAway) return { note: now.detail, tone: "error" };
    if (danger && (tone !== "error" || isErrorSeen)) return danger;
    if (library.notice && tone !== "error" && !telling.busy) return { ...library.notice, tone: "" };
    if (note) return { note, tone };
    if (!now || now.ready) return { note: this.#isLeft(page) ? LEFT : "", tone: "" };
    if (now.code === "loading") return { note: now.detail || "Loading the model…", tone: "" };
    if (now.code === "model_missing" && isBlank(this.#text)) return { note: "", tone: "" };
    return { note: now.detail, tone: "error" };
  }

  /** Takes were open when the page was left. */
  #isLeft({ takes, telling, taking }) {
    return takes.left !== null && !telling.busy && !taking.isOpen;
  }

  /** To leave the page would lose what is being written, or suggested: the other page then opens in a tab beside it. */
  #keepHere(isOpen) {
    for (const link of document.querySelectorAll(".to-learned, .to-library, .to-choices")) link.target = isOpen ? "_blank" : "";
  }

  #drawEmpty({ health, drawer, models }, isEmpty) {
    const missing = health.now?.code === "model_missing";
    byId("empty").hidden = !isEmpty;
    byId("welcome").hidden = missing;
    byId("no-model").hidden = !missing;
    byId("describe-line").hidden = drawer.isOpen;
    if (!missing) return;
    setText(byId("no-model-detail"), health.now.detail);
    const wanted = models.wanted(health.now.model);
    byId("get-model").hidden = !wanted;
    if (!wanted) return;
    const pulling = models.isPulling(wanted.id);
    setText(byId("get-model"), pulling ? `Stop · ${models.pullNote(wanted.id)}` : `Get ${wanted.name}`);
  }
}
