// The same prompts, written for by the base model, the version before and this one: fetched when opened.

import { make } from "../common/elements.js";
import { versionSamples } from "../server/api.js";
import { rivalOf } from "./learned-words.js";

const FIRST_WORDS = 9;

/** A fold that fetches a version's samples the first time it is opened, and again if that failed. */
export function samplesFold(version) {
  const content = make("div", { className: "samples" });
  const fold = make("details", { className: "fold" }, make("summary", {}, "Samples: the same prompt, before and after"), content);
  let isThere = false;
  fold.addEventListener("toggle", async () => {
    if (!fold.open || isThere) return;
    isThere = true;
    content.replaceChildren(make("p", { className: "soft" }, "Fetching what it wrote…"));
    try {
      content.replaceChildren(...shown(await versionSamples(version.name), version));
    } catch (error) {
      isThere = false;
      content.replaceChildren(make("p", { className: "problem", role: "alert" }, error.message));
    }
  });
  return fold;
}

function shown(samples, version) {
  if (!samples.length) return [make("p", { className: "soft" }, "No samples were kept of this version.")];
  return samples.map((sample, number) => one(sample, version, number === 0));
}

function one(sample, { name, metrics }, open) {
  const writers = [
    ["The base model", sample.base],
    [`Before, ${rivalOf(metrics)}`, sample.active],
    [`This version, ${name}`, sample.candidate],
  ].filter(([, text]) => text !== null);
  const summary = make("summary", {}, `For your story “${begun(sample.liked)}”`);
  return make(
    "details",
    { className: "sample", open },
    summary,
    make("p", { className: "sample-prompt" }, sample.prompt),
    make("div", { className: "sample-writers" }, ...writers.map(([title, text]) => written(title, text))),
    make("details", { className: "fold" }, make("summary", {}, "Your own story"), prose(sample.liked)),
  );
}

const prose = (text) => make("p", { className: "sample-text", dir: "auto" }, text.trim() || "(nothing)");
const written = (title, text) => make("section", { className: "sample-writer" }, make("h4", {}, title), prose(text));

function begun(story) {
  const words = story.trim().split(/\s+/);
  const first = words.slice(0, FIRST_WORDS).join(" ");
  return words.length > FIRST_WORDS ? `${first}…` : first;
}
