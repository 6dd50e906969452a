// The stories of one window: the one on its page, those it left, and those it still owes the library. Knows no DOM.

import { fingerprint } from "../text/fingerprint.js";
import { isBlank } from "../text/story.js";
import { onlyAdds } from "../text/text-diff.js";
import { StorySync } from "./story-sync.js";

export class DeskStories {
  /** The title of a page without words. */
  draftTitle = "";
  #stories = new Map();

  /** For `page` see LibrarySync; `on` is what a StorySync needs besides `look`. */
  constructor({ page, newId, on }) {
    Object.assign(this, { page, newId, on });
  }

  add(record) {
    const story = new StorySync(record, { ...this.on, look: () => this.look() });
    this.#stories.set(story.id, story);
    return story;
  }

  /** Add what was left over elsewhere. A story that is known here stays as it is: words it lacks, and does not know, become one of their own. */
  bring(record) {
    const living = this.#stories.get(record.id);
    if (!living) return this.add(record);
    if (living === this.current) living.wish(this.page.read());
    const { want } = record;
    if (!want || fingerprint(want.text) === record.base || living.knows(want.text)) return living;
    if (living.want && onlyAdds(want.text, living.want.text)) return living;
    const theirs = { ...want, ...living.want, id: living.id, title: living.title };
    const ours = this.part(record, theirs);
    this.page.keptApart?.(theirs, { id: ours.id, ...ours.want });
    return ours;
  }

  /** The words of `story` become a story of their own beside `theirs`; a title that was changed here goes with them. */
  part({ title = "", baseTitle = "", want }, theirs) {
    const isOurs = title && title !== baseTitle && title !== theirs.title;
    return this.add({ id: this.newId(), title: isOurs ? title : this.page.forkTitle(theirs), want });
  }

  remove({ id }) {
    this.#stories.delete(id);
  }

  /** The story on the page, or null before its first words are seen. */
  get current() {
    return this.#stories.get(this.page.id()) ?? null;
  }

  get title() {
    return this.current?.title ?? this.draftTitle;
  }

  set title(title) {
    if (this.current) this.current.title = title;
    else this.draftTitle = title;
  }

  /** Those that have something to be saved. */
  get due() {
    return [...this.#stories.values()].filter((story) => story.isDue);
  }

  get isDirty() {
    return [...this.#stories.values()].some((story) => story.isDirty);
  }

  /** What the library is known to hold of each, as records. */
  get held() {
    return [...this.#stories.values()].map((story) => story.record());
  }

  /** What a desk has to keep of them; `others` are ids that its page can come back to. */
  records(others = []) {
    const id = this.page.id();
    const kept = [...this.#stories.values()].filter((story) => story.id === id || story.isDirty || others.includes(story.id));
    return kept.map((story) => story.record({ content: story.id !== id }));
  }

  /** The page went on to another story; the one it left, named or not yet, was last `content`; what it was told with stays. */
  leave(id, content) {
    if (!id && isBlank(content.text)) return;
    const story = this.#find(id);
    story.wish({ ...content, ...story.want, text: content.text, origins: content.origins });
  }

  /** Read the page; the first words that are worth keeping make a story. */
  look() {
    const id = this.page.id();
    const content = this.page.read();
    if (!id && isBlank(content.text)) return;
    const story = this.#find(id);
    if (!id) this.page.name(story.id);
    story.wish(content);
  }

  /** The story with this id, or a new one with the title that was typed for it. */
  #find(id) {
    const story = this.#stories.get(id) ?? this.add({ id: id ?? this.newId(), title: this.draftTitle });
    this.draftTitle = "";
    return story;
  }
}
