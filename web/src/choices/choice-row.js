// One pair, as it looks. Reports what the writer wants of it.

import { make } from "../common/elements.js";
import { WAITING, called, heading, idle, sides, storyHref } from "./choices-words.js";

const LONG = 600;
const MANY_LINES = 12;

/** The row of `pair`; `toggle(pair)` when it is to be struck out, or put back. */
export function choiceRow(pair, toggle) {
  const row = make("li", { className: `choice${pair.struck_out ? " is-struck" : ""}` });
  row.dataset.pair = pair.id;
  row.append(head(pair), ...reason(pair), texts(pair), asked(pair), foot(pair, toggle));
  return row;
}

function head(pair) {
  const mark = idle(pair);
  const title = make("h2", { className: "pair-title", tabIndex: -1 }, heading(pair));
  return make("div", { className: "pair-head" }, title, ...(mark ? [make("span", { className: "pair-mark" }, mark)] : []));
}

const reason = ({ reason: why }) => (why ? [make("p", { className: "pair-reason", dir: "auto" }, `“${why}”`)] : []);

function texts(pair) {
  const over = sides(pair);
  return make("div", { className: "pair-texts" }, side(over.chosen, pair.chosen, "is-chosen"), side(over.rejected, pair.rejected, "is-rejected"));
}

function side(title, text, className) {
  const element = make("section", { className: `pair-side ${className}` }, make("h3", {}, title));
  element.append(text ? prose(text, title) : make("p", { className: "soft" }, WAITING));
  return element;
}

/** A long text scrolls in itself, by the keyboard too. */
function prose(text, title) {
  const isLong = text.length > LONG || text.split("\n").length > MANY_LINES;
  const element = make("div", { className: "pair-text", dir: "auto" }, text);
  if (!isLong) return element;
  element.classList.add("is-long");
  element.tabIndex = 0;
  element.setAttribute("role", "region");
  element.setAttribute("aria-label", title);
  return element;
}

const asked = ({ prompt }) =>
  make("details", { className: "pair-asked" }, make("summary", {}, "What was asked"), make("p", { className: "pair-prompt", dir: "auto" }, prompt));

function foot(pair, toggle) {
  const label = pair.struck_out ? "Put back" : "Strike out";
  const button = make("button", { type: "button", className: "outlined pair-toggle", textContent: label });
  button.setAttribute("aria-label", `${label}: ${called(pair)}`);
  button.addEventListener("click", () => toggle(pair));
  const href = storyHref(pair);
  const link = href && make("a", { className: "button quiet", href, textContent: "Open the story" });
  link?.setAttribute("aria-label", `Open the story: ${called(pair)}`);
  return make("div", { className: "pair-foot" }, button, ...(link ? [link] : []));
}
