"""Cutting a story that is too long for the window, where a reader would pause. Pure.

Places are in characters, ``room`` is in tokens, and ``count`` says how many tokens a text has. White space
at a cut goes to what follows it, as a model writes it that goes on after a whole sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

Count = Callable[[str], int]

USUAL_TOKEN, LONGEST_TOKEN = 6, 16
"""Characters. Of a text, so many for each token of its room are looked at: if they fit, the latter."""

_CLOSERS, _WIDE_CLOSERS = "[\"'”’»)\\]*_]*", "[」』”’）]*"
_ENDS = (
    re.compile(r"(?<=\S)(?=[^\S\n]*\n[^\S\n]*\n)"),  # a paragraph
    re.compile(r"(?<=\S)(?=[^\S\n]*\n)"),  # a line
    re.compile(rf"(?<=[.!?…]){_CLOSERS}(?=\s)|(?<=[。！？]){_WIDE_CLOSERS}"),  # a sentence
    re.compile(r"(?<=\S)(?=\s)"),  # a word
)
_BEGINS = (
    re.compile(rf"(?:[.!?…]{_CLOSERS}\s+|\n\s*|[。！？]{_WIDE_CLOSERS})(?=\S)"),  # a sentence
    re.compile(r"\s+(?=\S)"),  # a word
)


def cut(text: str, room: int, count: Count) -> int:
    """Where the longest beginning of ``text`` ends that has ``room``: at least one character in.

    At the end of a paragraph if one does, else of a line, a sentence, a word, else anywhere.
    """
    reach = text[: room * USUAL_TOKEN]
    if count(reach) <= room:
        reach = text[: room * LONGEST_TOKEN]
        if len(reach) == len(text) and count(text) <= room:
            return len(text)

    def fits(place: int) -> bool:
        return count(reach[:place]) <= room

    for ends in _ENDS:
        places = [match.end() for match in ends.finditer(reach)]
        if found := _last(places, fits):
            return found
    return _last(range(1, len(reach) + 1), fits) or 1


def tail(text: str, room: int, count: Count) -> str:
    """The longest ending of ``text`` that has ``room``, from the beginning of a sentence if it can be."""
    reach = text[max(0, len(text) - room * USUAL_TOKEN) :]
    if count(reach) <= room:
        reach = text[max(0, len(text) - room * LONGEST_TOKEN) :]
        if len(reach) == len(text) and count(text) <= room:
            return text

    def fits(place: int) -> bool:
        return count(reach[place:]) <= room

    for begins in _BEGINS:
        places = [match.end() for match in begins.finditer(reach)]
        if found := _last(places[::-1], fits):
            return reach[found:]
    found = _last(range(len(reach) - 1, 0, -1), fits)
    return reach[found:] if found else ""


def _last(places: Sequence[int], fits: Callable[[int], bool]) -> int | None:
    """The last of ``places`` that fits, if those that do come first."""
    low, high = 0, len(places)
    while low < high:
        middle = (low + high) // 2
        if fits(places[middle]):
            low = middle + 1
        else:
            high = middle
    return places[low - 1] if low else None
