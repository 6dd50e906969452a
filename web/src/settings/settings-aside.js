// The form shows the settings of the story on the page; those that it takes the place of stay within reach until they are no longer wanted.

import { byId, onPress } from "../common/elements.js";
import { card, storyId } from "../manuscript/manuscript.js";
import { isBlank } from "../text/story.js";
import { isSame } from "./settings.js";

export class SettingsAside {
  #line = byId("aside");

  /** `announcer` says aloud what became of the form; `onChange()`: there is something to keep. */
  constructor({ form, announcer, onChange }) {
    Object.assign(this, { form, announcer, onChange, kept: null });
    onPress(byId("aside-back"), () => this.#bringBack());
  }

  /** Begin with the settings of `desk`, in the place of those on the one that was `left`. Returns whether that kept some aside. */
  open(desk, left) {
    this.#keep(left?.aside ?? null);
    if (left?.settings) this.form.show(left.settings);
    return this.adopt(desk?.settings, left?.card?.settings ?? (isBlank(left?.text ?? "") ? null : left.settings));
  }

  /** Show the settings of a story. What was there is kept aside, unless the story that was there was told with it. Returns whether it is. */
  adopt(settings, told = null) {
    if (!settings) return false;
    const before = this.form.value;
    this.form.show(settings);
    const isKept = ![this.form.value, this.form.defaults, told].some((other) => isSame(before, other));
    if (isKept) this.#keep(before);
    return isKept;
  }

  /** Undo and redo may bring back how the story was told before: a form in which nothing else was asked for goes along. */
  follow({ startState, state }) {
    const [before, now] = [startState.field(card), state.field(card)];
    if (before?.settings === now?.settings || startState.field(storyId) !== state.field(storyId)) return;
    if (isSame(this.form.value, before?.settings)) this.adopt(now?.settings, before.settings);
  }

  /** The writer went on with what the form says. */
  drop() {
    this.#keep(null);
  }

  #bringBack() {
    this.form.show(this.kept);
    this.#keep(null);
    this.announcer.state("Your settings are back.");
    byId("characters").focus({ preventScroll: true });
  }

  #keep(settings) {
    this.kept = settings;
    this.#line.hidden = !settings;
    this.onChange();
  }
}
