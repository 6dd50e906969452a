import assert from "node:assert/strict";
import { test } from "node:test";
import { nameOf, notSaved } from "../../web/src/saving/library-words.js";
import { importOutcome, marked, standing, tagsIn } from "../../web/src/shelf/shelf-words.js";

test("a story without a title is called by its first words", () => {
  assert.equal(nameOf({ title: " Tide ", text: "x" }), "Tide");
  assert.equal(nameOf({ text: "\n Once upon a time.\nMore" }), "Once upon a time.");
  assert.equal(nameOf({ text: "🌙".repeat(50) }), `${"🌙".repeat(40)}…`);
  assert.equal(nameOf({}), "Untitled");
});

test("why nothing is saved is said with where the text is meanwhile", () => {
  const full = { code: "disk_full", message: "The disk is full." };
  assert.equal(notSaved(full), "Not saved yet: The disk is full. Your text is safe in this browser.");
  assert.match(notSaved(full, { isFull: true }), /copy your text/);
  assert.match(notSaved({ code: "offline", message: "…" }), /does not answer/);
  assert.equal(notSaved({ code: "unauthorized", message: "Open the address." }), "Open the address.");
});

test("the list says how many there are, or why there are none", () => {
  const asked = { query: "", tag: "", isTrash: false };
  assert.equal(standing({ ...asked, total: 1 }), "1 story");
  assert.equal(standing({ ...asked, total: 2, tag: "sea" }), "2 stories with the tag “sea”");
  assert.equal(standing({ ...asked, total: 0, query: "x" }), "No story has “x” in it.");
  assert.equal(standing({ ...asked, total: 0, isTrash: true }), "The trash is empty.");
});

test("what became of files is said in one sentence", () => {
  const story = { title: "Tide", excerpt: "" };
  assert.equal(importOutcome({ taken: [story], known: 0, refused: [] }), "“Tide” is in your library now.");
  assert.equal(importOutcome({ taken: [], known: 2, refused: [] }), "2 stories were here already.");
  assert.equal(importOutcome({ taken: [], known: 1, favourites: 2, refused: [] }), "1 story was here already. 2 favourites were added.");
  assert.equal(importOutcome({ taken: [], known: 0, refused: [{}] }), "1 file could not be taken:");
  assert.equal(importOutcome({ taken: [], known: 0, refused: [] }), "There was no story in there.");
});

test("tags are parted by commas, each once", () => {
  assert.deepEqual(tagsIn(" sea, War ,war,, for  Ada"), ["sea", "War", "for Ada"]);
});

test("what was found is marked from the beginning of a word, whatever was typed", () => {
  const found = (text, query) => marked(text, query).filter(({ isFound }) => isFound).map(({ text: part }) => part);
  assert.deepEqual(found("The lighthouse, the Lamp", "li lam"), ["lighthouse", "Lamp"]);
  assert.deepEqual(found("delight", "light"), []);
  assert.deepEqual(found("a.b (c) שלום", "(?: c) של"), ["c", "שלום"]);
  for (const query of ["", "?!", "\\", "[a"]) assert.equal(marked("a [a \\ b", query).map(({ text }) => text).join(""), "a [a \\ b");
});
