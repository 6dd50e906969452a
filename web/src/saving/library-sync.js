// Brings this window's stories into the library, and follows what other windows do there. Knows no DOM: the page is
// read and told through `page`, time passes through `clock`.

import { DeskStories } from "./desk-stories.js";
import { Pause } from "./pause.js";
import { SaveLoop } from "./save-loop.js";

export class LibrarySync {
  /** The id of the story that the page knows to be in the trash. */
  #trashed = null;

  /**
   * `page`: `id()` and `read()` give the story's id or null, and its `{text, origins, settings, model}`; `name(id)` names it; `take(story)` puts another text there;
   * `forkTitle(theirs)` names our half of two; `followed()`, `forked(theirs, ours)` and `trashed(isTrashed)` say what happened;
   * `keptApart(theirs, ours)`, if it is there, says of a story that is not on the page that both are kept;
   * `isTelling()`, if it is there: words for the story on the page are on their way;
   * `changed()`: there is something to keep or to show. `channel` is a BroadcastChannel or null; `clock` has now, set and clear.
   */
  constructor({ api, page, channel, clock, newId }) {
    Object.assign(this, { api, page, channel, clock, newId });
    const later = (act) => (story, theirs) => this.#isBeingTold(story) || act(story, theirs);
    const on = { api, onTheirs: later((story, theirs) => this.#take(story, theirs)), onFork: later((story, theirs) => this.#fork(story, theirs)) };
    this.stories = new DeskStories({ page, newId, on });
    this.loop = new SaveLoop({ clock, work: () => this.#push(), onProblem: () => page.changed() });
    this.pause = new Pause({ clock, onPause: () => this.keep("pause") });
    channel?.addEventListener("message", ({ data }) => this.#hear(data));
  }

  /** Begin with what a desk kept. */
  open({ library = [], draftTitle = "" } = {}) {
    this.stories.draftTitle = draftTitle;
    for (const record of library) this.stories.bring(record);
    this.touch();
  }

  /** Take care of these stories too. */
  bring(records) {
    this.look();
    for (const record of records) this.stories.bring(record);
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

  /**
   * A story was told to its end, or as far as it came; `tale` knows what the server may have saved of it. What others did
   * meanwhile to the story on the page is met now. Resolves to whether the library has it.
   */
  async written(tale) {
    if (tale.begun) {
      this.look();
      if (this.current) this.current.tale = tale;
      await this.keep("generation");
    }
    await this.follow();
    return !this.stories.isDirty;
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
    if (!story?.revision || this.#isBeingTold(story)) return;
    const { revision } = story;
    const theirs = await this.api.readStory(story.id).catch(() => null);
    await this.loop.working;
    this.look();
    if (!theirs || story !== this.current || this.#isBeingTold(story)) return;
    if (story.revision !== revision) return this.follow(); // what was read is older than what was saved meanwhile
    if (Boolean(theirs.trashed_at) !== (this.#trashed === story.id)) this.#trash(Boolean(theirs.trashed_at));
    if (theirs.revision === revision && story.knows(theirs.text)) return;
    if (story.isSetBack(theirs)) this.#fork(story, theirs);
    else if (story.isDirty && !story.goesOnIn(theirs)) this.touch();
    else this.#take(story, theirs);
  }

  /** The server tells of every change, of our own too: those are known by the time that their answer is here. */
  async heard({ id, revision, isTrashed }) {
    await this.loop.working;
    const story = this.current;
    if (story?.id !== id) return;
    if (isTrashed !== (this.#trashed === id)) this.#trash(isTrashed);
    if (revision > story.revision) await this.follow();
  }

  /**
   * Have the library make another text of the story on the page: `ask(story)` resolves to what it holds then, once the page
   * shows that. What is heard of the change meanwhile is no news: taken for another window's, it would be a step to undo of its own.
   */
  change(ask) {
    return this.loop.instead(async () => {
      const story = this.current;
      const { revision } = await ask(story);
      this.look();
      story.settled(revision, story.want);
      this.#tell(story);
    });
  }

  /** What others did to a story is met at the end of its writing: the server may have saved words that are still on their way here. */
  #isBeingTold(story) {
    return story === this.current && Boolean(this.page.isTelling?.());
  }

  #hear({ id, revision, isTrashed }) {
    const story = this.current;
    if (story?.id !== id) return;
    if (isTrashed !== undefined) this.#trash(isTrashed);
    else if (revision !== story.revision) this.follow();
  }

  #trash(isTrashed) {
    this.#trashed = isTrashed ? this.current.id : null;
    this.page.trashed(isTrashed);
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
      if (story.revision === revision) continue;
      this.#tell(story);
      if (story.id === this.#trashed) this.follow(); // who writes on takes it out again
    }
    if (trouble) throw trouble;
    this.look();
    return this.stories.due.length > 0;
  }

  #take(story, theirs) {
    const isHere = story === this.current;
    const before = story.want?.text;
    if (!story.isRenamed) story.title = theirs.title;
    if (isHere) this.page.take({ ...theirs, title: story.title });
    story.wish(isHere ? this.page.read() : theirs);
    story.settled(theirs.revision, { ...story.want, title: theirs.title });
    if (!isHere) return;
    this.pause.know(theirs.text);
    if (before !== theirs.text) this.page.followed();
    this.page.changed();
  }

  /** Both were changed: theirs stays where it is, ours becomes a story of its own, and stays on the page if it was there. */
  #fork(story, theirs) {
    const isHere = story === this.current;
    const ours = this.stories.part(story, theirs);
    this.stories.remove(story);
    if (isHere) {
      this.page.name(ours.id);
      this.page.forked(theirs, ours.want);
    } else this.page.keptApart?.(theirs, { id: ours.id, ...ours.want });
    this.touch();
    this.page.changed();
  }
}
