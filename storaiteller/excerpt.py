"""The parts of a long story that show the whole of it, or what stands next to a place. Pure."""

from __future__ import annotations

import re

GAP = "\n\n[…]\n\n"
"""Stands where something is left out; the model is shown it, too."""

_ENDS = re.compile(r"[.!?…。！？][\"”’»)]*(?=\s)|[。！？]|\n")
_SHARES = ((0.0, 0.45), (0.38, 0.1), (0.62, 0.1), (1.0, 0.35))
"""Where each part stands in the story, and how much of the room it gets: how a story begins and ends
tells most of it."""


def excerpt(text: str, most: int) -> str:
    """``text`` in at most about ``most`` characters: its beginning, two looks into it, and its end."""
    text = text.strip()
    if len(text) <= most:
        return text
    parts = []
    for place, share in _SHARES:
        size = int(share * most)
        at = int(place * (len(text) - size))
        parts.append(_whole_sentences(text[at : at + size], cut_before=at > 0, cut_after=place < 1))
    return GAP.join(part for part in parts if part)


def ending(text: str, most: int) -> str:
    """The last ``most`` characters of ``text`` at most, from the beginning of a sentence on."""
    if len(text) <= most:
        return text
    part = text[len(text) - most :]
    end = _ENDS.search(part)
    return part[end.end() :].lstrip() if end and end.end() < most // 2 else part


def around(before: str, after: str, most: int) -> tuple[str, str]:
    """What is next to the place between the two, in ``most`` characters at most: two thirds lead up to it."""
    lead = ending(before, max(most * 2 // 3, most - len(after)))
    rest = most - len(lead)
    if len(after) <= rest:
        return lead, after
    part = after[:rest]
    ends = [match.end() for match in _ENDS.finditer(part)]
    return lead, part[: ends[-1]] if ends and ends[-1] > rest // 2 else part


def _whole_sentences(part: str, *, cut_before: bool, cut_after: bool) -> str:
    """``part`` without the half sentences at its ends; as it is where no sentence ends in it."""
    ends = [match.end() for match in _ENDS.finditer(part)]
    start = ends[0] if cut_before and ends and ends[0] < len(part) // 2 else 0
    stop = ends[-1] if cut_after and ends and ends[-1] > len(part) // 2 else len(part)
    return part[start:stop].strip()
