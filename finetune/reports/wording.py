"""Numbers as they are said in sentences. Pure."""

from __future__ import annotations

import math
from typing import Any


def number(value: Any) -> float | None:
    """The value if it is a number that can be reckoned with, else None."""
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def plain(value: float | None, digits: int = 1) -> str:
    return "unknown" if value is None else f"{value:,.{digits}f}"


def percent(share: float | None) -> str:
    """A share in percent, to the tenth where a whole percent would say little."""
    if share is None:
        return "an unknown share"
    digits = 1 if abs(share) < 0.0995 else 0
    return f"{100 * share:.{digits}f}".removesuffix(".0") + " %"


def change(ratio: float) -> str:
    """What a ratio means for the thing it is of."""
    return f"{percent(1 - ratio)} less" if ratio < 1 else f"{percent(ratio - 1)} more"
