// What the page's buttons and keys do.

import { byId, onPress } from "../common/elements.js";
import { ariaKeys } from "../common/keys.js";
import { listenToKeys } from "./keyboard.js";

export function listen({ page, editor, telling, taking, takes, bar, feedback, models, versions, takesList, keys, who }) {
  // A double click is one wish to write, not one to write and one to stop.
  onPress(byId("primary"), ({ detail }) => detail > 1 || page.next());
  onPress(byId("continue"), () => page.continue());
  onPress(byId("reopen"), () => takes.reopenLeft() || takesList.open());
  onPress(byId("undo"), editor.undo);
  onPress(byId("redo"), editor.redo);
  onPress(byId("model-button"), () => models.open());
  onPress(byId("choose-model"), () => models.open());
  onPress(byId("get-model"), () => page.getModel());
  onPress(byId("versions-button"), () => versions.open());
  onPress(byId("who-wrote"), () => who.toggle());
  onPress(byId("keys-button"), () => keys.open());
  window.addEventListener("beforeunload", (event) => page.leave() && event.preventDefault());
  for (const element of document.querySelectorAll("[data-key]")) element.setAttribute("aria-keyshortcuts", ariaKeys(element.dataset.key));
  listenToKeys({
    write: () => (telling.busy || page.next(), true),
    escape: () => page.escape(),
    rewrite: () => (taking.isOpen ? taking.again() : bar.open() || telling.say("Select the words to rewrite first."), true),
    insert: () => (takes.insert(), true),
    words: () => (bar.otherWords() || telling.say("Put the cursor into a word first."), true),
    earlier: () => (taking.step(-1), true),
    later: () => (taking.step(1), true),
    takes: () => (takesList.open(), true),
    good: () => (feedback.good.toggle(), true),
    notForMe: () => (feedback.notForMe.toggle({ fromKeys: true }), true),
    whoWrote: () => (who.toggle(), true),
    library: () => (document.querySelector(".to-library").click(), true),
    keys: () => (keys.open(), true),
  });
}
