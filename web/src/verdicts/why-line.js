// The line in which a reason may be given: over the dock, in nobody's way, and gone when it is saved or put away.

import { byId, onPress } from "../common/elements.js";

export class WhyLine {
  #form = byId("why");
  #field = byId("why-reason");

  /** `save(reason)` resolves to whether it was; `focusBack()` takes the focus when the line goes from under it. */
  constructor({ save, focusBack }) {
    Object.assign(this, { save, focusBack });
    this.#form.addEventListener("submit", (event) => (event.preventDefault(), this.#submit()));
    onPress(byId("why-close"), () => this.close());
    this.#form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing) return;
      event.preventDefault();
      this.close();
    });
  }

  open({ focus }) {
    this.#field.value = "";
    this.#form.hidden = false;
    if (focus) this.#field.focus();
  }

  close() {
    if (this.#form.hidden) return;
    const hadFocus = this.#form.contains(document.activeElement);
    this.#form.hidden = true;
    if (hadFocus) this.focusBack();
  }

  /** Nobody is going to finish the reason: what is typed of it is saved. */
  settle() {
    if (this.#form.hidden) return;
    const reason = this.#field.value.trim();
    this.close();
    if (reason) this.save(reason);
  }

  async #submit() {
    const reason = this.#field.value.trim();
    if (!reason || (await this.save(reason))) this.close();
  }
}
