// Small hands for the page: make an element, find one, say whether a button can be pressed.

export const byId = (id) => document.getElementById(id);

/** An element with properties and children; text is only ever text. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A button that cannot be pressed keeps the focus it has, so it is marked, not disabled. */
export const enable = (button, able) => button.setAttribute("aria-disabled", String(!able));

/** Run `act` when a button is pressed that can be. */
export const onPress = (button, act) =>
  button.addEventListener("click", (event) => {
    if (button.getAttribute("aria-disabled") !== "true") act(event);
  });

/** Change text only when it differs, so that nothing is drawn or read out twice. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Copy text; resolves to what became of it, as a sentence. */
export function copyText(text) {
  const refused = "Copying is not allowed here. Select the text to copy it.";
  return navigator.clipboard?.writeText(text).then(() => "Copied.", () => refused) ?? Promise.resolve(refused);
}
