"""Holding a proofreader to the passage: what is no correction of a sentence leaves it as it was. Pure."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from storaiteller.answers.length import sentence_end

_LINE_END = re.compile(r"\S[^\S\n]*\n\s*(?=\S)")
_KEPT = re.compile("[\u2190-\u2bff\U0001f000-\U0001faff]|\\d+")
"""Pictures and numbers: whoever changes one changes what is told."""

_OF_THE_PASSAGE, _CORRECTED, _BEGUN = 0.5, 0.6, 0.85
_LOOKED_AT = 400
"""Characters of a sentence by which another one is said to be like it."""

_FEW = 2
"""Words next to each other that may become others, however different."""

_REACH = 3
"""Sentences of the passage in which the next one of the answer is looked for."""


class CorrectionKeeper:
    """Lets through what a model says of ``text``, sentence by sentence, as far as it corrects it.

    What ``feed`` and ``finish`` return, joined, is all of ``text``: a sentence that was left out, or told
    anew, is as it was, and so is the space after each. Nothing at all where none of it was said.
    """

    def __init__(self, text: str, opening: str = "") -> None:
        """``opening`` is how the answer begins; it is let out already."""
        self._sentences = _sentences(text)
        self._next = 0
        self._opening = self._held = opening.lstrip()
        self._half = ""

    def feed(self, text: str) -> str:
        """Take the next piece of the answer; return what may be shown."""
        *whole, self._held = _sentences(self._held + text)
        return "".join(map(self._take, whole))

    def finish(self) -> str:
        """The answer has ended: return the rest of the passage."""
        released = self._take(self._held)
        if not self._next and not self._half:
            return ""
        rest, self._sentences = "".join(self._sentences[self._next :]), []
        return released + self._without_opening(rest, rest)

    def _take(self, said: str) -> str:
        said, self._half = (self._half + said).rstrip(), ""
        reach = self._sentences[self._next : self._next + _REACH]
        likeness = [_likeness(each.rstrip(), said) for each in reach]
        if not said or not reach or (max(likeness) < _OF_THE_PASSAGE and not self._opening):
            return ""
        best = likeness.index(max(likeness))
        left_out, asked = "".join(reach[:best]), reach[best]
        both = asked + "".join(reach[best + 1 : best + 2])
        if _likeness(both.rstrip(), said) > likeness[best] and is_correction(both, said):
            best, asked = best + 1, both  # of two sentences it makes one
        is_right = is_correction(asked, said)
        if not is_right and _likeness(asked[: len(said)], said) > _BEGUN and len(said) < len(asked) * _BEGUN:
            self._half = f"{said} "  # of one sentence it makes two
            return ""
        self._next += best + 1
        told = said + asked[len(asked.rstrip()) :]
        return self._without_opening(left_out + (told if is_right else asked), told)

    def _without_opening(self, text: str, said: str) -> str:
        """``text``, or ``said`` where that alone begins as it has to."""
        if not self._opening:
            return text
        begun = self._opening[: len(said)]
        self._opening = self._opening[len(begun) :]
        return (text if text.startswith(begun) else said).removeprefix(begun)


def is_correction(asked: str, said: str) -> bool:
    """Whether ``said`` is ``asked`` without mistakes, and not another sentence."""
    if _likeness(asked.strip(), said.strip()) < _CORRECTED or _KEPT.findall(asked) != _KEPT.findall(said):
        return False
    ours, theirs = asked.split(), said.split()
    changes = SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    return all(
        kind == "equal"
        or max(i2 - i1, j2 - j1) <= _FEW
        or _likeness(" ".join(ours[i1:i2]), " ".join(theirs[j1:j2])) >= _CORRECTED
        for kind, i1, i2, j1, j2 in changes
    )


def _likeness(ours: str, theirs: str) -> float:
    ours, theirs = ours[:_LOOKED_AT].casefold(), theirs[:_LOOKED_AT].casefold()
    return SequenceMatcher(None, ours, theirs, autojunk=False).ratio()


def _sentences(text: str) -> list[str]:
    """The sentences and the lines of ``text``, each with the space after it; at least one."""
    parts: list[str] = []
    while True:
        line = _LINE_END.search(text)
        ends = [end for end in (sentence_end(text), line and line.end()) if end]
        if not ends:
            return [*parts, text]
        parts.append(text[: min(ends)])
        text = text[min(ends) :]
