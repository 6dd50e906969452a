// The library's part of the writing page: the title, the way to the library, and what is said of saving.

import { clock } from "../common/clock.js";
import { byId, enable } from "../common/elements.js";
import { nameStory, storyId, takeOver } from "../manuscript/manuscript.js";
import { kept } from "../origins/origins.js";
import * as api from "../server/library-api.js";
import { ifKnown } from "../text/runs.js";
import { isBlank } from "../text/story.js";
import { LibrarySync } from "./library-sync.js";
import { danger, FOLLOWED, forked, forkTitle, keptApart, SAVED_AGAIN, TRASHED } from "./library-words.js";

const LEAVING_MS = 1500;
const CHANNEL = "storaiteller.library";

export class LibraryDesk {
  /** What is to be said until it is read: `{note, href, link}`, or null. */
  notice = null;
  #title = byId("title");
  #read = null;
  #spoken = "";

  /** `about()` gives the `{settings, model}` a story is kept with; `isTelling()`: words are on their way to the page; `say(sentence)` says something once; `onChange()`: keep and show. */
  constructor({ editor, announcer, about, isTelling, say, newId, onChange }) {
    Object.assign(this, { editor, announcer, about, isTelling, say, onChange });
    const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(CHANNEL) : null;
    this.sync = new LibrarySync({ api, page: this.#page(), channel, clock, newId });
    this.#title.addEventListener("input", () => this.#titled());
    this.#title.addEventListener("keydown", (event) => {
      if (event.isComposing || !["Enter", "ArrowDown"].includes(event.key) || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      editor.focus();
    });
    for (const link of document.querySelectorAll(".to-library")) link.addEventListener("click", (event) => this.#go(event, link));
    byId("other-story").addEventListener("click", () => this.dismiss());
    document.addEventListener("visibilitychange", () => document.hidden || this.sync.follow());
  }

  /** The story's title, for whoever may give it one: `get()` and `set(title)`. */
  get title() {
    const set = (title) => {
      this.#title.value = title;
      this.#titled();
    };
    return { get: () => this.sync.title, set };
  }

  /** What of the library a desk has to keep. */
  get kept() {
    const { editor, sync } = this;
    return { story: editor.story, origins: editor.origins, draftTitle: sync.stories.draftTitle, library: sync.stories.records([editor.earlier?.story]) };
  }

  /** The editor changed: it may show another story now. */
  follow({ docChanged, startState, state }) {
    const before = startState.field(storyId);
    if (!docChanged || before === state.field(storyId)) return;
    this.sync.leave(before, { text: startState.doc.toString(), origins: ifKnown(kept(startState)), ...this.about() });
    this.dismiss();
  }

  dismiss() {
    this.notice = null;
    this.onChange();
  }

  /** What keeps words from being safe, as `{note, tone}`, or null; it is said aloud once, and so is its end. */
  danger({ isFull, isAway }) {
    const { problem, current, stories } = this.sync;
    const isKept = Boolean(current?.revision) || isBlank(this.#text());
    const found = danger({ problem, isFull, isAway, isDirty: stories.isDirty, isKept });
    this.#speak(found?.note ?? "");
    return found;
  }

  /** Whether the library lacks words that are here. */
  get isUnsaved() {
    const { problem, stories } = this.sync;
    stories.look();
    return problem !== null || stories.isDirty;
  }

  /** Keep the story as it is before something else is made of it. */
  keepBefore() {
    if (this.sync.current?.revision) this.sync.keep("pause");
  }

  /** Draw what there is to be drawn of the story on the page. */
  draw() {
    const { title, current } = this.sync;
    if (this.#title.value !== title && document.activeElement !== this.#title) this.#title.value = title;
    enable(byId("versions-button"), Boolean(current?.revision));
  }

  #speak(note) {
    if (note === this.#spoken || (!note && this.sync.stories.isDirty)) return;
    this.#spoken = note;
    if (note) this.announcer.error(note);
    else this.announcer.state(SAVED_AGAIN);
  }

  #titled() {
    this.sync.title = this.#title.value.replace(/[\p{Cc}\u2028\u2029]/gu, " ");
    this.onChange();
  }

  /** What is on the page goes along: the library is opened once it is saved, or cannot be soon. */
  async #go(event, link) {
    if (link.target === "_blank" || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    await Promise.race([this.sync.settle(), new Promise((resolve) => clock.set(resolve, LEAVING_MS))]);
    location.assign(link.href);
  }

  #page() {
    const { editor } = this;
    return {
      id: () => editor.story,
      isTelling: this.isTelling,
      read: () => ({ text: this.#text(), origins: ifKnown(editor.origins), ...this.about() }),
      name: (id) => editor.change(nameStory, id),
      take: ({ text, title, origins }) => {
        editor.change(takeOver, text, origins);
        this.#title.value = title;
      },
      followed: () => this.say(FOLLOWED),
      forkTitle,
      forked: (theirs, ours) => {
        this.notice = { note: forked(theirs, ours), href: `/?story=${theirs.id}`, link: "Open the other" };
        this.announcer.state(this.notice.note);
      },
      keptApart: (theirs, ours) => {
        this.notice = { note: keptApart(theirs, ours), href: ours.id ? `/?story=${ours.id}` : "/library", link: ours.id ? "Open it" : "Open the library" };
        this.announcer.state(this.notice.note);
        this.onChange();
      },
      trashed: (isTrashed) => {
        this.notice = isTrashed ? { note: TRASHED, href: "/library#trash", link: "Open the trash" } : null;
        if (isTrashed) this.announcer.state(TRASHED);
        this.onChange();
      },
      changed: () => this.onChange(),
    };
  }

  /** The text, read only when the document is another one. */
  #text() {
    const { doc } = this.editor;
    if (this.#read?.doc !== doc) this.#read = { doc, text: this.editor.text };
    return this.#read.text;
  }
}
