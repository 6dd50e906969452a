"""Emphasis within a line: ``*italics*``, ``**bold**``, ``***both***``, and what is neither. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

_MARKS = re.compile(r"(\*+)")
_BOLD, _ITALIC = 2, 1
_BOTH = _BOLD + _ITALIC


class Span(NamedTuple):
    """A piece of text in one style."""

    text: str
    bold: bool = False
    italic: bool = False


def marked(spans: Iterable[Span]) -> str:
    """The text of ``spans`` with stars around what is emphasised, line by line, white space outside."""
    return "".join(
        _with_stars("".join(span.text for span in same), "*" * (_BOLD * bold + _ITALIC * italic))
        for (bold, italic), same in groupby(spans, lambda span: (span.bold, span.italic))
    )


def spans_of(line: str) -> list[Span]:
    """One line taken apart at the stars that belong together; all other stars are text.

    In one pass, for a line may be a whole novel.
    """
    parts = _MARKS.split(line)  # text, stars, text, … text
    opening, closing = _pairs(parts)
    spans, bold, italic = [], 0, 0
    for number, part in enumerate(parts):
        left = len(part) if number % 2 else 0
        for width in closing.get(number, ()):
            bold, italic, left = bold - (width >> 1), italic - (width & 1), left - width
        opened = opening.get(number, 0)
        literal = part if number % 2 == 0 else "*" * (left - opened)
        if literal:
            spans.append(Span(literal, bold > 0, italic > 0))
        bold, italic = bold + (opened >> 1), italic + (opened & 1)
    return list(_joined(spans))


def _pairs(parts: list[str]) -> tuple[dict[int, int], dict[int, list[int]]]:
    """How many stars open emphasis, and how many close it, at each run of stars that does either."""
    opening: dict[int, int] = {}
    closing: dict[int, list[int]] = {}
    waiting: dict[int, int] = {}  # width -> the run of stars that opened with it
    for number in range(1, len(parts), 2):
        width = len(parts[number])
        closes = _closable(waiting, width) if parts[number - 1][-1:].strip() else []
        for each in closes:
            width_there = each if each in waiting else _BOTH
            at = waiting.pop(width_there)
            opening[at] = opening.get(at, 0) + each
            waiting = {wide: run for wide, run in waiting.items() if run < at}
            if width_there > each:
                waiting[width_there - each] = at
        if closes:
            closing[number] = closes
        rest = width - sum(closes)
        if 1 <= rest <= _BOTH and parts[number + 1][:1].strip():
            waiting[rest] = number
    return opening, closing


def _closable(waiting: dict[int, int], width: int) -> list[int]:
    """Which of the open widths a run of ``width`` stars closes, innermost first."""
    if width in waiting:
        return [width]
    inner_first = sorted(waiting, key=lambda wide: -waiting[wide])
    if width == _BOTH and {_BOLD, _ITALIC} <= waiting.keys():
        return [wide for wide in inner_first if wide != _BOTH]
    closes = [wide for wide in inner_first if 0 < width - wide <= _BOTH][:1]
    return closes or ([width] if _BOTH in waiting and width < _BOTH else [])


def _joined(spans: list[Span]) -> Iterator[Span]:
    for (bold, italic), same in groupby(spans, lambda span: (span.bold, span.italic)):
        yield Span("".join(span.text for span in same), bold, italic)


def _with_stars(text: str, stars: str) -> str:
    return "\n".join(_line_with_stars(line, stars) for line in text.split("\n")) if stars else text


def _line_with_stars(line: str, stars: str) -> str:
    core = line.strip()
    if not core:
        return line
    at = line.index(core)
    return f"{line[:at]}{stars}{core}{stars}{line[at + len(core) :]}"
