// Brings this window's stories into the library, and follows what other windows do there. Knows no DOM: the page is
// read and told through `page`, time passes through `clock`.

import { DeskStories } from "./desk-stories.js";
import { Pause } from "./pause.js";
import { SaveLoop } from "./save-loop.js";

export class LibrarySync {
  /**
   * `page`: `id()` and `read()` give the story's id or null, and its `{text, settings, model}`; `name(id)` names it; `take(story)` puts another text there;
   * `forkTitle(theirs)` names our half of two; `followed()`, `forked(theirs, ours)` and `trashed(isTrashed)` say what happened;
   * `changed()`: there is something to keep or to show. `channel` is a BroadcastChannel or null; `clock` has now, set and clear.
   */
  constructor({ api, page, channel, clock, newId }) {
    Object.assign(this, { api, page, channel, clock, newId });
    const on = { api, onTheirs: (story, theirs) => this.#take(story, theirs), onFork: (story, theirs) => this.#fork(story, theirs) };
    this.stories = new DeskStories({ page, newId, on });
    this.loop = new SaveLoop({ clock, work: () => this.#push(), onProblem: () => page.changed() });
    this.pause = new Pause({ clock, onPause: () => this.keep("pause") });
    channel?.addEventListener("message", ({ data }) => this.#hear(data));
  }

  /** Begin with what a desk kept. */
  open({ library = [], draftTitle = "" } = {}) {
    this.stories.draftTitle = draftTitle;
    this.bring(library);
  }

  /** Take care of these stories too. */
  bring(records) {
    for (const record of records) this.stories.add(record);
    this.touch();
  }

  get current() {
    return this.stories.current;
  }

  /** Why the words are not in the library, as an ApiError, or null. */
  get problem() {
    return this.loop.problem;
  }

  get title() {
    return this.stories.title;
  }

  set title(title) {
    this.stories.title = title;
    this.touch();
  }

  /** Something may have changed: it is saved soon. */
  touch() {
    this.loop.touch();
  }

  /** Read the page now. */
  look() {
    this.stories.look();
    this.pause.see(this.page.read().text);
  }

  /** The page went on to another story; the one it left was last `content`. */
  leave(id, content) {
    this.stories.leave(id, content);
    this.touch();
  }

  /** Keep a version of the story as it is now, once it is saved. */
  keep(reason) {
    this.look();
    this.current?.reasons.add(reason);
    return this.settle();
  }

  /** Save now, and wait for it. Resolves to whether everything is in the library. */
  async settle() {
    await this.loop.now();
    this.look();
    return !this.stories.isDirty;
  }

  /** See whether another window went on with the story, if it has not been changed here. */
  async follow() {
    await this.loop.working;
    const story = this.current;
    if (!story?.revision) return;
    const theirs = await this.api.readStory(story.id).catch(() => null);
    await this.loop.working;
    this.look();
    if (!theirs || story !== this.current || theirs.revision <= story.revision) return;
    if (story.isDirty) this.touch();
    else this.#take(story, theirs);
  }

  /** The library holds `told` of the story on the page, and so does the page. */
  adopted(told) {
    this.look();
    this.current.settled(told.revision, this.current.want);
    this.#tell(this.current);
  }

  #hear({ id, revision, isTrashed }) {
    const story = this.current;
    if (story?.id !== id) return;
    if (isTrashed !== undefined) this.page.trashed(isTrashed);
    else if (revision > story.revision) this.follow();
  }

  #tell({ id, revision }) {
    this.channel?.postMessage({ id, revision });
    this.page.changed();
  }

  /** One story that cannot be saved does not hold up the others. */
  async #push() {
    this.look();
    let trouble = null;
    for (const story of this.stories.due) {
      const { revision } = story;
      await story.push().catch((error) => (trouble ??= error));
      if (story.revision !== revision) this.#tell(story);
    }
    if (trouble) throw trouble;
    this.look();
    return this.stories.due.length > 0;
  }

  #take(story, theirs) {
    const isHere = story === this.current;
    const before = story.want?.text;
    if (isHere) this.page.take(theirs);
    story.title = theirs.title;
    story.wish(isHere ? this.page.read() : theirs);
    story.settled(theirs.revision, story.want);
    if (!isHere) return;
    this.pause.know(theirs.text);
    if (before !== theirs.text) this.page.followed();
    this.page.changed();
  }

  /** Both were changed: theirs stays where it is, ours becomes a story of its own, on this page. */
  #fork(story, theirs) {
    const ours = this.stories.add({ id: this.newId(), title: this.page.forkTitle(theirs), want: story.want });
    this.stories.remove(story);
    if (this.page.id() === story.id) this.page.name(ours.id);
    this.page.forked(theirs, ours.want);
    this.page.changed();
  }
}
