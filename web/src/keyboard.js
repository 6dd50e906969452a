// The keys that work everywhere on the page.

const shortcuts = [
  { name: "write", match: (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.altKey },
  { name: "rewrite", match: (event) => event.code === "KeyR" && alone(event) },
  { name: "good", match: (event) => event.code === "KeyG" && alone(event) },
  { name: "notForMe", match: (event) => event.code === "KeyN" && alone(event) },
  { name: "whoWrote", match: (event) => event.code === "KeyO" && alone(event) },
  { name: "library", match: (event) => event.code === "KeyL" && alone(event) },
  { name: "escape", match: (event) => event.key === "Escape" },
];

const alone = ({ altKey, ctrlKey, metaKey, shiftKey }) => altKey && !ctrlKey && !metaKey && !shiftKey;

/** `on[name]()` answers true when it did something; the key then does nothing else. */
export function listenToKeys(on) {
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.isComposing || event.defaultPrevented || document.querySelector("dialog[open]")) return;
      const shortcut = shortcuts.find(({ match }) => match(event));
      if (!shortcut || (event.repeat && shortcut.name !== "escape") || !on[shortcut.name](event)) return;
      event.preventDefault();
      event.stopPropagation();
    },
    { capture: true },
  );
}
