"""Taking a proofread passage from what a model says: all of it, and nothing besides. Pure."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from storaiteller.answers.beginnings import OpeningSeam
from storaiteller.answers.corrections import CorrectionKeeper
from storaiteller.answers.length import SentenceKeeper
from storaiteller.answers.splice import is_fragment
from storaiteller.bounds import lengths
from storaiteller.story import Passage, Wish

_QUOTES = '"“”«»'
_TAIL = re.compile(r"[.\s\"“”«»]*\Z")
_LINE = re.compile(r"[^\n]*\S[^\n]*")
_LONGEST_TALK, _LONGEST_PREAMBLE = 120, 60
_SURE = 24
"""Characters by which it is known whether an answer begins like the passage."""

_ALIKE = 0.6


def _likeness(heard: str, core: str) -> float:
    """From 0 to 1, of how they begin."""
    ours, theirs = (text.strip(_QUOTES)[:_SURE].casefold() for text in (core, heard))
    return SequenceMatcher(None, ours, theirs, autojunk=False).ratio()


class ProofreadFilter:
    """What ``feed`` and ``finish`` return, joined, is ``passage.selected`` as the model corrected it.

    It ends after as many paragraphs as that has: what comes then is talk about the mistakes. A sentence that
    the model tells anew, or leaves out, stays as it is. An answer that does not begin like the passage is
    none, and nothing is shown of it.
    """

    def __init__(self, passage: Passage, wish: Wish) -> None:
        core = passage.selected.strip()
        at = passage.selected.index(core)
        self._lead, self._trail = passage.selected[:at], passage.selected[at + len(core) :]
        self._core, self._opening = core, wish.opening
        self._is_part = is_fragment(core, passage.after)
        self._seam = OpeningSeam(wish.opening)
        self._keeper = SentenceKeeper(lengths(core, wish).most)
        self._corrections = CorrectionKeeper(core, wish.opening)
        self._lines = sum(1 for line in core.splitlines() if line.strip())
        self._heard = wish.opening
        self._undecided = not wish.opening
        self._tail = ""
        self._over = self._quoted = self._begun = False

    @property
    def full(self) -> bool:
        return self._over or self._keeper.full

    def feed(self, text: str) -> str:
        """Take the next piece of the stream; return what may be shown."""
        if self.full:
            return ""
        if self._undecided:
            self._heard = (self._heard + text).lstrip()
            if self._may_be_talk(self._heard):
                return ""
            text, self._heard = self._without_talk(self._heard), ""
            self._undecided = False
        elif self._opening:
            text = self._seam.feed(text)
        return self._show(self._corrections.feed(self._keeper.feed(self._within_its_lines(text))))

    def finish(self, *, cut_off: bool = False) -> str:
        """The stream has ended: return the rest."""
        held = ""
        if self._undecided and not self._over:
            self._undecided, held = False, self._without_talk(self._heard)
        rest = self._keeper.feed(held) if held else ""
        said = self._corrections.feed(rest + self._keeper.finish(cut_off=cut_off))
        shown = self._show(said + self._corrections.finish())
        tail = self._tail.rstrip()
        if self._quoted:
            tail = tail.rstrip(_QUOTES) + self._core[len(self._core.rstrip(_QUOTES)) :]
        if self._is_part and not self._core.endswith("."):
            tail = tail.replace(".", "")
        return shown + tail + self._trail if self._begun else ""

    def _may_be_talk(self, heard: str) -> bool:
        """Until it is the passage, or a line has ended."""
        answer = self._without_preamble(heard)
        if len(answer) < len(self._core[:_SURE]):
            return True
        waits = "\n" not in heard or heard.rstrip().endswith(":")
        return waits and len(heard) < _LONGEST_TALK and _likeness(answer, self._core) < _ALIKE

    def _without_talk(self, heard: str) -> str:
        heard = self._without_preamble(heard)
        if heard[:1] in tuple(_QUOTES) and self._core[0] not in _QUOTES:
            heard, self._quoted = heard[1:], True
        self._over = _likeness(heard, self._core) < _ALIKE
        return "" if self._over else heard

    def _without_preamble(self, heard: str) -> str:
        first, _, rest = heard.partition("\n")
        if first.rstrip().endswith(":") and rest.strip() and not self._core.startswith(first.strip()):
            return rest.lstrip()
        said, colon, rest = heard.partition(": ")
        talks = said.lower().startswith(("corrected", "here")) and len(said) < _LONGEST_PREAMBLE
        return rest if colon and talks and not self._core.startswith(said) else heard

    def _within_its_lines(self, text: str) -> str:
        """``text`` up to where a line begins that the passage has not."""
        before, self._heard = self._heard, self._heard + text
        lines = list(_LINE.finditer(self._heard))
        if len(lines) <= self._lines:
            return text
        self._over = True
        return self._heard[len(before) : max(len(before), lines[self._lines].start())]

    def _show(self, text: str) -> str:
        """What is sure to stay: full stops and quotes at the end wait for what follows."""
        text = self._tail + text
        found = _TAIL.search(text)
        at = found.start() if found else len(text)
        text, self._tail = text[:at], text[at:]
        if not text:
            return ""
        lead = "" if self._begun or self._opening else self._lead
        self._begun = True
        return lead + text
