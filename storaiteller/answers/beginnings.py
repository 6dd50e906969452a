"""How a passage begins that a model writes: with no echo of what is before it, and rightly spaced. Pure."""

from __future__ import annotations

import re

from storaiteller.answers.length import ends_sentence, sentence_end
from storaiteller.story import UNSPACED, WORD

SHORTEST_ECHO = 12
"""Characters. Agreement with a neighbour that is shorter than this is taken for chance."""

LONGEST_ECHO = 2_000
"""Characters before the passage in which an echo may begin, besides the very beginning."""

_OPENERS = ("here", "sure", "certainly", "of course", "okay", "the new", "the rewritten")
_TALKERS = (
    "the story ", "this story ", "this passage ", "the passage ", "this is a ", "this is the ", "i'm ",
    "i am ", "i will ", "you have ", "your ", "please ", "to write ", "to rewrite ",
)  # fmt: skip
_TALK = re.compile(
    r"\b(?:the|this|your|a) (?:new |rewritten |revised |entire )?(?:story|passage|draft|version|text)"
    r"\b.{0,40}\b(?:(?:ends?|begins?|continues?) (?:by|with)|could continue|can be|has been|written)\b"
    r"|\b(?:new|rewritten|revised) (?:passage|version)\b|\bextra comment|\benjoyed my\b|\bnext draft\b"
    r"|\byou have written\b|\bin a \w+ (?:register|manner)\b",
    re.IGNORECASE,
)
"""How a small model speaks of its task instead of doing it, as seen in its answers."""

_PREAMBLE = re.compile(
    r"[^\n]{0,160}?:\s*\n+\s*|[^\n]{0,80}?\b(?:new|rewritten|revised) passage[^\n:]{0,60}:\s*",
    re.IGNORECASE,
)


class OpeningSeam:
    """The space between an opening and what the model writes after it."""

    def __init__(self, opening: str) -> None:
        self._after_space = opening != opening.rstrip()
        unspaced = UNSPACED.match(opening[-1:])
        self._after_sentence = not self._after_space and not unspaced and ends_sentence(opening)
        self._begun = False

    def feed(self, text: str) -> str:
        if self._begun:
            return text
        text = text.lstrip() if self._after_space else text
        if text and self._after_sentence and not text[0].isspace():
            text = f" {text}"
        self._begun = bool(text)
        return text

    def finish(self) -> str:
        return ""


class StartTrimmer:
    """Holds the beginning back until it is clear that it is the passage.

    What it repeats of the end of ``before`` is cut, and a first sentence about the task is as well.
    """

    def __init__(self, before: str) -> None:
        before = before.rstrip()
        reach = max(0, len(before) - LONGEST_ECHO)
        starts = [0, *(match.start() for match in WORD.finditer(before, reach))]
        tails = (before[at:] for at in starts)
        self._tails = [tail for tail in tails if len(tail) >= SHORTEST_ECHO]
        self._openers = _TALKERS if before else _OPENERS + _TALKERS
        self._held: str | None = ""

    def feed(self, text: str) -> str:
        if self._held is None:
            return text
        self._held = (self._held + text).lstrip()
        return "" if self._undecided(self._held) else self.finish()

    def finish(self) -> str:
        held, self._held = self._held or "", None
        if held.lower().startswith(_OPENERS) and _PREAMBLE.match(held):
            return _PREAMBLE.sub("", held, count=1)
        if held.lower().startswith(_TALKERS):
            end = sentence_end(held) or len(held)
            return held[end:] if _TALK.search(held[:end]) else held
        echo = max((len(tail) for tail in self._tails if held.startswith(tail)), default=0)
        return held[echo:].lstrip()

    def _undecided(self, held: str) -> bool:
        if not held:
            return True
        opening = held.lower()
        if opening.startswith(_TALKERS):
            return sentence_end(held) is None and len(held) < 300
        if opening.startswith(self._openers):
            return len(held) < 160 and "\n" not in held.rstrip()
        if any(opener.startswith(opening) for opener in self._openers):
            return True
        return any(tail.startswith(held) for tail in self._tails)
