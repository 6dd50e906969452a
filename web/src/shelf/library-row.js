// One story on the shelf, as it looks. Reports what the writer wants of it.

import { make } from "../common/elements.js";
import { nameOf } from "../saving/library-words.js";
import { when } from "../saving/version-words.js";
import { exportPath } from "../server/library-api.js";
import { words } from "../text/figures.js";
import { marked } from "./shelf-words.js";

const FORMATS = [["txt", "Text"], ["md", "Markdown"], ["docx", "Word"]];

/** The row of `story`; `on`: rename, tag, trash, untrash, destroy get the story, `filter` a tag. */
export function storyRow(story, { query, isTrash, on }) {
  const name = query && !story.title.trim() ? "Untitled" : nameOf(story, story.title.trim() ? 300 : 60); // what was found is not how it begins
  const row = make("li", { className: "book" });
  row.dataset.story = story.id;
  row.append(heading(story, { name, query, isTrash }), excerpt(story, query), facts(story, { isTrash, on }), actions(story, { name, isTrash, on }));
  return row;
}

const pieces = (text, query) => marked(text, query).map(({ text: part, isFound }) => (isFound ? make("mark", {}, part) : part));

function heading(story, { name, query, isTrash }) {
  const link = isTrash ? make("span") : make("a", { href: `/?story=${story.id}` });
  link.append(...pieces(name, query));
  if (isTrash) link.tabIndex = -1;
  link.dataset.act = "open";
  return make("h2", { className: `book-title${story.title.trim() ? "" : " is-untitled"}`, dir: "auto" }, link);
}

const excerpt = (story, query) => make("p", { className: "book-excerpt", dir: "auto" }, ...pieces(story.excerpt, query));

function facts(story, { isTrash, on }) {
  const at = isTrash ? `in the trash since ${when(story.trashed_at)}` : when(story.updated_at);
  const line = make("p", { className: "book-facts" }, make("span", {}, `${words(story.words)} · ${at}`));
  for (const tag of story.tags) {
    const button = make("button", { type: "button", className: "tag", textContent: tag, dir: "auto" });
    button.dataset.act = `tag ${tag}`;
    button.setAttribute("aria-label", `Stories with the tag ${tag}`);
    button.addEventListener("click", () => on.filter(tag));
    line.append(button);
  }
  return line;
}

function actions(story, { name, isTrash, on }) {
  const act = (key, label) => {
    const button = make("button", { type: "button", className: key === "destroy" ? "quiet is-wrong" : "quiet", textContent: label });
    button.dataset.act = key;
    button.setAttribute("aria-label", `${label}: ${name}`);
    button.addEventListener("click", () => on[key](story));
    return button;
  };
  if (isTrash) return make("div", { className: "book-actions" }, act("untrash", "Put back"), act("destroy", "Delete for ever"));
  const more = make("details", { className: "book-more", name: "book" }, make("summary", { className: "quiet" }, "More"));
  more.firstElementChild.dataset.act = "more";
  more.firstElementChild.setAttribute("aria-label", `More to do with ${name}`);
  const exports = FORMATS.map(([format, label]) => {
    const link = make("a", { className: "button quiet", href: exportPath(story.id, format), download: "", textContent: label });
    link.dataset.act = format;
    link.setAttribute("aria-label", `Export as ${label}: ${name}`);
    return link;
  });
  const exporting = make("span", { className: "book-exports" }, make("span", { className: "soft" }, "Export as"), ...exports);
  more.append(make("div", { className: "book-actions" }, act("rename", "Rename"), act("tag", "Tags"), exporting, act("trash", "Move to trash")));
  return more;
}
