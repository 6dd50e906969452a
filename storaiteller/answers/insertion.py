"""Fitting a new passage in between two others, with the space and the line breaks it needs. Pure."""

from __future__ import annotations

import re

from storaiteller.answers.beginnings import StartTrimmer
from storaiteller.answers.endings import EndWatcher, FragmentKeeper
from storaiteller.answers.length import SentenceKeeper, ends_sentence
from storaiteller.answers.splice import SpliceFilter
from storaiteller.bounds import PARAGRAPH, insertion_words
from storaiteller.story import UNSPACED

MOST_IN_A_SENTENCE = 24
"""Words put into the middle of a sentence."""

_BREAKS_BEFORE = re.compile(r"\s*\Z")
_BREAKS_AFTER = re.compile(r"\A\s*")
_NO_SPACE_AFTER = re.compile(rf"[\s“‘\"'(\[{{«¿¡—-]|{UNSPACED.pattern}")
_NO_SPACE_BEFORE = re.compile(rf"[\s.,;:!?…”’)\]}}»—]|{UNSPACED.pattern}")


class InsertionFilter(SpliceFilter):
    """The passage to put between ``before`` and ``after``, with the seams it needs."""

    def __init__(self, before: str, after: str, instruction: str = "") -> None:
        lead, trail = seams(before, after)
        inside = _in_a_sentence(before, after)
        enough, most = insertion_words(instruction)
        in_a_line = not _breaks_before(before) and not _breaks_after(after) and bool(after.strip())
        super().__init__(
            StartTrimmer(before),
            EndWatcher(after, one_paragraph=in_a_line or enough <= PARAGRAPH),
            FragmentKeeper(min(most, MOST_IN_A_SENTENCE), one_sentence=True)
            if inside
            else SentenceKeeper(most, enough=enough),
            lead=lead,
            trail=trail,
        )


def seams(before: str, after: str) -> tuple[str, str]:
    """What has to stand before and after a passage that is put in here.

    At the end or the beginning of a paragraph it becomes one of its own, set off as the others are.
    """
    newline = "\r\n" if "\r\n" in before + after else "\n"
    above, below = _breaks_before(before), _breaks_after(after)
    wanted = 1 if (above + below == 1 and not _has_blank_line(before + after)) else 2
    new_paragraph = newline * wanted
    lead = trail = ""
    if before.strip():
        if above:
            lead = newline * max(0, wanted - above)
        elif ends_sentence(before) and (below or not after.strip()):
            lead = new_paragraph
        elif not _NO_SPACE_AFTER.match(before[-1]):
            lead = " "
    if after.strip():
        if below:
            trail = newline * max(0, wanted - below) if above or lead.strip(" ") else ""
        elif above or not before.strip():
            trail = new_paragraph
        elif not _NO_SPACE_BEFORE.match(after[0]):
            trail = " "
    return lead, trail


def _in_a_sentence(before: str, after: str) -> bool:
    begun = before.strip() and not _breaks_before(before) and not ends_sentence(before)
    return bool(begun and after.strip() and not _breaks_after(after))


def _breaks_before(text: str) -> int:
    found = _BREAKS_BEFORE.search(text)
    return found[0].count("\n") if found else 0


def _breaks_after(text: str) -> int:
    found = _BREAKS_AFTER.search(text)
    return found[0].count("\n") if found else 0


def _has_blank_line(text: str) -> bool:
    return "\n\n" in text.replace("\r\n", "\n")
