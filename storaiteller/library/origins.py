"""Who wrote what of a text: runs of code points, checked. No I/O."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast, get_args

from storaiteller.errors import InvalidRequestError
from storaiteller.library.values import MAX_TEXT_BYTES, Origins, Who

MAX_RUNS = 200_000
"""As many as fit into a request beside the longest text."""

_WHO = get_args(Who)


def checked(given: Sequence[Any] | None, text: str) -> Origins | None:
    """The origins of ``text``, if they can be; None, which is not known, always is."""
    if given is None:
        return None
    origins = structured(given)
    if (total := length(origins)) != len(text):
        raise _refused(f"tell of {total:,} characters (code points), and the text has {len(text):,}")
    return origins


def structured(given: Any) -> Origins:
    """Origins that some text may have. Raises ``InvalidRequestError``."""
    if not isinstance(given, list | tuple):
        raise _refused("are a list of runs")
    if len(given) > MAX_RUNS:
        raise _refused(f"have {len(given):,} runs, and may have {MAX_RUNS:,}")
    known: dict[tuple[int, Who], tuple[int, Who]] = {}  # each kept once: a hostile archive has very many
    origins = tuple(known.setdefault(run, run) for run in map(_run, given))
    if any(one == other for (_, one), (_, other) in pairwise(origins)):
        raise _refused("have two runs of the same side by side: make one of them")
    if (total := length(origins)) > MAX_TEXT_BYTES:
        raise _refused(f"tell of {total:,} characters, more than any story has")
    return origins


def length(origins: Origins) -> int:
    """Code points of the text."""
    return sum(each for each, _ in origins)


def written(origins: Origins) -> bytes:
    """As JSON, the same for the same origins."""
    return json.dumps(origins, separators=(",", ":")).encode()


def read(raw: bytes) -> Origins:
    """What ``written`` wrote."""
    return tuple((length, who) for length, who in json.loads(raw))


def _run(given: Any) -> tuple[int, Who]:
    if isinstance(given, list | tuple) and len(given) == 2:
        count, who = given
        if type(count) is int and count >= 1 and isinstance(who, str) and who in _WHO:
            return count, cast("Who", who)
    raise _refused(
        f'are runs such as [12, "model"]: a length from 1, and one of {", ".join(_WHO)}; one of these is not'
    )


def _refused(what: str) -> InvalidRequestError:
    return InvalidRequestError(f"The origins {what}.", field="origins")
