// A library as the server keeps it, a clock that is moved by hand, and windows that write into the one by the other.
import { LibrarySync } from "../../web/src/saving/library-sync.js";
import { forkTitle } from "../../web/src/saving/library-words.js";

class Refused extends Error {
  constructor(message, { status = 0, code = "offline" } = {}) {
    super(message);
    Object.assign(this, { status, code });
  }
}

export class FakeLibrary {
  stories = new Map();
  versions = [];
  saves = 0;
  most = 0;
  #now = 0;
  /** "up"; "down": nothing arrives; "mute": all arrives, and no answer comes back; "full": refused with a sentence. */
  state = "up";
  /** Resolves when a held save may go on; null: at once. */
  gate = null;

  async #ask(act) {
    this.#now += 1;
    this.most = Math.max(this.most, this.#now);
    try {
      await this.gate;
      if (this.state === "down") throw new Refused("No answer.");
      if (this.state === "full") throw new Refused("The disk is full.", { status: 507, code: "disk_full" });
      const told = act();
      if (this.state === "mute") throw new Refused("No answer.");
      return told;
    } finally {
      this.#now -= 1;
    }
  }

  #found(id) {
    if (!this.stories.has(id)) throw new Refused("It is gone.", { status: 404, code: "no_story" });
    return this.stories.get(id);
  }

  createStory = ({ id, ...content }) =>
    this.#ask(() => {
      if (this.stories.has(id)) throw new Refused("Changed elsewhere.", { status: 409, code: "conflict" });
      this.saves += 1;
      this.stories.set(id, { id, ...content, revision: 1 });
      return { ...this.stories.get(id) };
    });

  saveStory = (id, { revision, ...content }) =>
    this.#ask(() => {
      const story = this.#found(id);
      if (story.revision !== revision) throw new Refused("Changed elsewhere.", { status: 409, code: "conflict" });
      this.saves += 1;
      if (JSON.stringify({ ...story, ...content }) !== JSON.stringify(story)) this.change(id, { ...content, ...(content.text !== story.text && { trashed_at: null }) });
      return { id, title: story.title, revision: story.revision };
    });

  readStory = (id) => this.#ask(() => ({ ...this.#found(id) }));

  keepVersion = (id, reason) => this.#ask(() => this.versions.push([reason, this.#found(id).text]));

  /** Somebody else's change. */
  change(id, content) {
    const story = this.stories.get(id);
    Object.assign(story, content, { revision: story.revision + 1 });
  }

  get texts() {
    return [...this.stories.values()].map(({ text }) => text).sort();
  }
}

export class FakeClock {
  #time = 0;
  #timers = new Map();
  #next = 0;
  now = () => this.#time;
  set = (act, milliseconds) => (this.#timers.set((this.#next += 1), { at: this.#time + milliseconds, act }), this.#next);
  clear = (timer) => this.#timers.delete(timer);

  /** Let time pass, and everything that is asked meanwhile be answered. */
  async pass(milliseconds) {
    const end = this.#time + milliseconds;
    for (;;) {
      await settled();
      const [timer, due] = [...this.#timers].sort(([, one], [, other]) => one.at - other.at)[0] ?? [];
      if (!due || due.at > end) break;
      this.#time = due.at;
      this.#timers.delete(timer);
      due.act();
    }
    this.#time = end;
  }
}

/** Everything that was promised and waits for no clock has happened. */
export const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** Windows of one browser hear each other. */
export class FakeChannels {
  #all = [];
  open() {
    const channel = new EventTarget();
    channel.postMessage = (data) => {
      for (const other of this.#all) if (other !== channel) other.dispatchEvent(Object.assign(new Event("message"), { data }));
    };
    this.#all.push(channel);
    return channel;
  }
}

let made = 0;

/** A window with one page. */
export class Window {
  id = null;
  text = "";
  origins = null;
  title = "";
  settings = { genre: "Fantasy" };
  said = [];
  changes = 0;
  isTelling = false;

  constructor({ library, clock, channels = new FakeChannels(), desk = {} }) {
    Object.assign(this, { id: desk.story ?? null, text: desk.text ?? "", origins: desk.origins ?? null });
    const page = {
      id: () => this.id,
      isTelling: () => this.isTelling,
      read: () => ({ text: this.text, origins: this.origins, settings: this.settings, model: null }),
      name: (id) => (this.id = id),
      take: ({ text, title, origins }) => Object.assign(this, { text, title, origins }),
      forkTitle,
      followed: () => this.said.push("followed"),
      forked: (theirs, ours) => this.said.push(["forked", theirs.title, ours.title]),
      keptApart: (theirs, ours) => this.said.push(["kept apart", theirs.title, ours.title]),
      trashed: (isTrashed) => this.said.push(["trashed", isTrashed]),
      changed: () => (this.changes += 1),
    };
    const newId = () => String((made += 1)).padStart(32, "0");
    this.sync = new LibrarySync({ api: library, page, channel: channels.open(), clock, newId });
    this.sync.open(desk);
  }

  type(text) {
    this.text += text;
    if (this.origins) this.origins = [...this.origins, [text.length, this.origins.length % 2 ? "writer" : "model"]];
    this.sync.touch();
  }

  /** What the desk would keep, as a reload finds it. */
  get desk() {
    return JSON.parse(JSON.stringify({ story: this.id, text: this.text, origins: this.origins, draftTitle: this.sync.stories.draftTitle, library: this.sync.stories.records() }));
  }
}
