// What the page's buttons and keys do.

import { byId, onPress } from "./elements.js";
import { listenToKeys } from "./keyboard.js";

export function listen({ page, editor, telling, bar, feedback, models, versions, who }) {
  // A double click is one wish to write, not one to write and one to stop.
  onPress(byId("primary"), ({ detail }) => detail > 1 || page.next());
  onPress(byId("continue"), () => page.continue());
  onPress(byId("undo"), editor.undo);
  onPress(byId("redo"), editor.redo);
  onPress(byId("model-button"), () => models.open());
  onPress(byId("choose-model"), () => models.open());
  onPress(byId("get-model"), () => page.getModel());
  onPress(byId("versions-button"), () => versions.open());
  onPress(byId("who-wrote"), () => who.toggle());
  window.addEventListener("beforeunload", (event) => page.leave() && event.preventDefault());
  listenToKeys({
    write: () => (telling.busy || page.next(), true),
    rewrite: () => (bar.open() || telling.say("Select the words to rewrite first."), true),
    good: () => (feedback.good.toggle(), true),
    notForMe: () => (feedback.notForMe.toggle({ fromKeys: true }), true),
    whoWrote: () => (who.toggle(), true),
    library: () => (document.querySelector(".to-library").click(), true),
    escape: () => page.escape(),
  });
}
