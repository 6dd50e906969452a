// The story in a few sentences, in a dialog: written anew whenever it is asked for, and never kept.

import { byId, copyText, onPress, setText } from "../common/elements.js";
import { summary } from "../server/protocol.js";
import { put } from "../server/question.js";
import { newId } from "../text/new-id.js";
import { isBlank } from "../text/story.js";

const NONE = "The model had nothing to say this time.";

export class Summary {
  #dialog = byId("summary");
  #request = null;
  #text = "";
  #of = null;

  /** `ask()` gives `{settings, model}` for a request, or null when they are not in order. */
  constructor({ editor, connection, diagnose, announcer, ask }) {
    Object.assign(this, { editor, connection, diagnose, announcer, ask });
    onPress(byId("summary-close"), () => this.#dialog.close());
    onPress(byId("summary-copy"), async () => this.#say(await copyText(this.#text)));
    onPress(byId("summary-again"), () => this.#ask());
    onPress(byId("summary-stop"), () => this.#request && this.connection.stop(this.#request));
    this.#dialog.addEventListener("click", ({ target }) => target === this.#dialog && this.#dialog.close());
    this.#dialog.addEventListener("close", () => this.#request && this.connection.stop(this.#request));
  }

  /** Show the summary of the story as it is; one that is there already is shown again. */
  open() {
    this.#dialog.showModal();
    if (this.#of !== this.editor.text || !this.#text) this.#ask();
    else this.#focus();
  }

  #ask() {
    const now = this.ask();
    const { text } = this.editor;
    if (!now || isBlank(text)) return this.#say(now ? "There is no story to sum up yet." : "The settings need a look first.");
    const id = newId();
    this.#request = id;
    this.#of = text;
    this.#text = "";
    const ifAsked = (act) => (said) => this.#request === id && act(said);
    put(this, summary(id, now.settings, text, { model: now.model }), {
      began: ifAsked((progress) => progress && this.#say(progress, { isSpoken: false })),
      wrote: ifAsked((piece) => ((this.#text += piece), this.#say(""), this.announcer.hear(piece), this.#draw())),
      ended: ifAsked((reason) => this.#ended(reason === "cancelled" ? "Stopped." : this.#text.trim() ? "" : NONE)),
      failed: ifAsked((sentence) => this.#ended(sentence)),
    });
    this.#say("Reading your story…");
    this.#draw();
    this.#focus();
  }

  #ended(sentence) {
    this.#request = null;
    if (sentence) this.#of = null;
    this.announcer.finish();
    const hadFocus = document.activeElement === byId("summary-stop");
    this.#draw();
    this.#say(sentence);
    if (hadFocus) this.#focus();
  }

  #draw() {
    const isWriting = this.#request !== null;
    setText(byId("summary-text"), this.#text);
    byId("summary-stop").hidden = !isWriting;
    byId("summary-again").hidden = isWriting;
    byId("summary-copy").hidden = isWriting || !this.#text.trim();
  }

  #focus() {
    [byId("summary-stop"), byId("summary-copy"), byId("summary-again")].find((button) => !button.hidden).focus();
  }

  #say(sentence, { isSpoken = true } = {}) {
    byId("summary-state").ariaLive = isSpoken ? "polite" : "off";
    setText(byId("summary-state"), sentence);
  }
}
