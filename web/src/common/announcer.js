// Says aloud, through live regions, what the eye sees: the story by the sentence, states, errors.

import { SentenceReader } from "../text/sentences.js";
import { make } from "./elements.js";

const KEPT = 12;

export class Announcer {
  #regions;
  #reader = new SentenceReader();

  /** `story` is a log, `state` polite, `error` assertive. */
  constructor(regions) {
    this.#regions = regions;
  }

  /** A piece of streamed text; whole sentences are said. */
  hear(text) {
    for (const sentence of this.#reader.push(text)) this.#say(sentence);
  }

  /** The stream has ended: say what is left. */
  finish() {
    for (const sentence of this.#reader.rest()) this.#say(sentence);
  }

  state(sentence) {
    this.#regions.state.replaceChildren(make("p", {}, sentence));
  }

  error(sentence) {
    this.#regions.error.replaceChildren(make("p", {}, sentence));
  }

  #say(sentence) {
    const { story } = this.#regions;
    story.append(make("p", {}, sentence));
    while (story.children.length > KEPT) story.firstElementChild.remove();
  }
}
