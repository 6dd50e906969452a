"""Where a passage ends that a model writes: before what follows it, and inside its own sentence. Pure."""

from __future__ import annotations

import string

from storaiteller.answers.length import ends_sentence, sentence_end
from storaiteller.story import WORD

SHORTEST_MARKER = 12
"""Characters. A text after the passage that is shorter betrays nothing by itself."""

MARKER = 18
"""Characters of the text after the passage, up to the next word's end, that betray that the model
has reached it."""

_LOOSE_END = string.whitespace + "\u00a0\u3000.!?…。！？,;:–—-"


class EndWatcher:
    """Ends the passage where the model goes on to ``after``, or to a paragraph nobody asked for."""

    def __init__(self, after: str, *, one_paragraph: bool, begun: bool = False) -> None:
        self.full = False
        self._marker = _marker(after)
        # Too short to be sure of in mid-stream: cut only where the model ends with it.
        self._last_words = after.strip() if not self._marker else ""
        self._one_paragraph = one_paragraph
        self._held = ""
        self._anything = begun

    def feed(self, text: str) -> str:
        if self.full:
            return ""
        self._held += text
        sure = len(self._held) - self._possible_beginning(self._marker or self._last_words)
        return self._release(sure)

    def finish(self) -> str:
        if self._last_words and self._held.strip() == self._last_words:
            self._held = ""
        return self._release(len(self._held))

    def _release(self, sure: int) -> str:
        """Let out the first ``sure`` characters, or those before the end that is found in them."""
        ends = []
        if self._marker and (at := self._held.find(self._marker)) >= 0:
            ends.append(at)
        if self._one_paragraph:
            text_begins = 0 if self._anything else len(self._held) - len(self._held.lstrip())
            if (at := self._held.find("\n", text_begins, sure)) >= 0:
                ends.append(at)
        released, self._held = self._held[: min([sure, *ends])], self._held[sure:]
        if ends:
            self.full, self._held = True, ""
        self._anything = self._anything or bool(released.strip())
        return released

    def _possible_beginning(self, following: str) -> int:
        """Characters at the end of what is held that may be the beginning of ``following``.

        The space before it counts in: whether it stays depends on what comes.
        """
        held = self._held.rstrip() if self._held.strip() == following else self._held
        longest = min(len(following), len(held))
        found = next((n for n in range(longest, 0, -1) if following.startswith(held[-n:])), 0)
        return found + len(self._held) - len(held)


def _marker(after: str) -> str:
    """What betrays the text after: its beginning, up to a word's end; nothing if that is too short."""
    text = after.strip()
    if len(text) <= MARKER:
        sure = len(text) >= SHORTEST_MARKER or (" " in text and ends_sentence(text))
        return text if sure else ""
    word_ends = text.find(" ", MARKER)
    return text[: word_ends + 1 if 0 < word_ends < 3 * MARKER else MARKER]


class FragmentKeeper:
    """Keeps a part of a sentence a part: no full stop at its end, and no sentence too many."""

    def __init__(self, max_words: int, *, one_sentence: bool) -> None:
        self.full = False
        self._max_words = max_words
        self._one_sentence = one_sentence
        self._text = ""
        self._shown = 0

    def feed(self, text: str) -> str:
        if self.full:
            return ""
        self._text += text
        ends = [match.end() for match in WORD.finditer(self._text)]
        if len(ends) > self._max_words:
            self._text, self.full = self._text[: ends[self._max_words - 1]], True
        if self._one_sentence and (end := sentence_end(self._text)) is not None:
            self._text, self.full = self._text[:end], True
        at = max(self._shown, len(self._text.rstrip(_LOOSE_END)))
        released, self._shown = self._text[self._shown : at], at
        return released

    def finish(self, *, cut_off: bool = False) -> str:
        """Nothing is left: loose punctuation at the end belongs to what comes after."""
        return ""
