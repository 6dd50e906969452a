"""Where the lines, dots and marks of a plot go, in percent of its area from the top left. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Point = tuple[float, float]

_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """``points`` as SVG's polyline takes them, and for dots."""

    name: str
    dots: tuple[Point, ...]

    @property
    def points(self) -> str:
        return " ".join(f"{x:.2f},{y:.2f}" for x, y in self.dots)


@dataclass(frozen=True, slots=True)
class Plot:
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A length in percent, and the marks of its interval, if it has one."""

    name: str
    value: float
    length: float
    low: float | None
    high: float | None


def line_plot(series: Mapping[str, Sequence[Point]], across: Sequence[float]) -> Plot | None:
    """Lines over the places named in ``across``, or nothing if there are no points to draw."""
    heights = [y for points in series.values() for _, y in points]
    if not heights or len(across) < 2:
        return None
    marks = _round_marks(min(heights), max(heights))
    left, right, bottom, top = across[0], across[-1], marks[0], marks[-1]

    def placed(point: Point) -> Point:
        return _share(point[0], left, right), 100 - _share(point[1], bottom, top)

    return Plot(
        tuple(Line(name, tuple(map(placed, points))) for name, points in series.items() if points),
        tuple(Tick(_share(mark, left, right), f"{mark:g}") for mark in across),
        tuple(Tick(100 - _share(mark, bottom, top), f"{mark:g}") for mark in marks),
    )


def bars(values: Mapping[str, tuple[float, float | None, float | None]]) -> list[Bar]:
    """Bars from 0 for values with their intervals; a little room is left for the longest."""
    most = max((max(value, high or 0) for value, _, high in values.values()), default=0)
    scale = 100 / most if most > 0 else 0
    return [
        Bar(name, value, value * scale, *(None if mark is None else mark * scale for mark in (low, high)))
        for name, (value, low, high) in values.items()
    ]


def _share(value: float, low: float, high: float) -> float:
    return 100 * (value - low) / (high - low)


def _round_marks(low: float, high: float) -> list[float]:
    """Round numbers around and between both, four to seven of them."""
    span = max(high - low, abs(high) * 0.05, 1e-6)
    power = 10 ** math.floor(math.log10(span / 4))
    step = power * next(each for each in _STEPS if each * power * 5 >= span)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(number * step, 10) for number in range(first, max(last, first + 1) + 1)]
