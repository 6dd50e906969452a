// Reads streamed text by the sentence, for the ear. Pure.

const segmenter = new Intl.Segmenter(undefined, { granularity: "sentence" });
const ENDED = /[.!?…。！？:;]["'”’»)\]]*\s+$|\n\s*$/;

/** Split text into sentences; joined they are the text again. */
export function splitSentences(text) {
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** Collects pieces of text and hands out whole sentences. */
export class SentenceReader {
  #tail = "";

  /** Take the next piece; returns the sentences that it completed, trimmed. */
  push(text) {
    this.#tail += text;
    const parts = splitSentences(this.#tail);
    const open = parts.length && !ENDED.test(parts.at(-1)) ? parts.pop() : "";
    this.#tail = open;
    return parts.map((part) => part.trim()).filter(Boolean);
  }

  /** What is left when the stream has ended. */
  rest() {
    const left = this.#tail.trim();
    this.#tail = "";
    return left ? [left] : [];
  }
}
