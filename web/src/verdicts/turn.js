// One word at a time about the story on the page: while one is on its way to the server, no other is said.

import { isBlank } from "../text/story.js";

export class Turn {
  #taken = false;

  /** `onDone()` hears that it went well, `onTrouble(error)` that it did not, `onChange()` of either. */
  constructor({ editor, onDone, onTrouble, onChange }) {
    Object.assign(this, { editor, onDone, onTrouble, onChange });
  }

  /** Do `act(text)`, if there is a story, and nothing is being written or said. */
  async take(act) {
    const { text } = this.editor;
    if (this.#taken || this.editor.isWriting || isBlank(text)) return;
    this.#taken = true;
    try {
      await act(text);
      this.onDone();
    } catch (error) {
      this.onTrouble(error);
    } finally {
      this.#taken = false;
      this.onChange();
    }
  }
}
