"""A passage with its takes as it is about to be kept: checked, and its size counted. No I/O."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any, get_args

from storaiteller.errors import InvalidRequestError
from storaiteller.library import checks
from storaiteller.library.errors import TooManyTakesError
from storaiteller.library.values import By, Finish, Outcome, Passage, PassageKind, Take

MAX_TAKES, MAX_AROUND, MAX_INSTRUCTION, MAX_WORD, MAX_TAKE_ID = 100, 2_000, 1_000, 50, 128
"""Takes of a passage; all others are characters. ``MAX_WORD`` is an action, or a register."""

MAX_BYTES = 8_000_000
"""A passage with all that belongs to it, as JSON: twice the longest text."""


def checked(given: Passage) -> Passage:
    """The passage, if it can be kept. Its times are looked at by nobody."""
    if len(given.takes) > MAX_TAKES:
        told = f"A passage may have {MAX_TAKES} takes, and this has {len(given.takes):,}. Leave some away."
        raise InvalidRequestError(told, field="takes")
    _check(given.kind, PassageKind, "kind")
    for take in given.takes:
        _check_take(take)
    if len({take.id for take in given.takes}) < len(given.takes):
        raise InvalidRequestError("Two takes of a passage have the same id.", field="takes")
    passage = replace(
        given,
        id=checks.story_id(given.id),
        before=_short(given.before, "before", MAX_AROUND),
        original=checks.story_text(given.original, "original"),
        after=_short(given.after, "after", MAX_AROUND),
        action=checks.line(given.action, "action", MAX_WORD),
        instruction=_short(given.instruction, "instruction", MAX_INSTRUCTION),
        register=None if given.register is None else checks.line(given.register, "register", MAX_WORD),
        settings=checks.settings(given.settings),
        model=checks.model(given.model),
    )
    if (size := size_of(passage)) > MAX_BYTES:
        told = f"This passage is {size:,} bytes long with its takes, and may have {MAX_BYTES:,}. Take fewer."
        raise InvalidRequestError(told, field="takes")
    return passage


def check_limits(passage: Passage) -> None:
    """``TooManyTakesError`` where several windows made more takes of a passage than it may have."""
    if len(passage.takes) > MAX_TAKES:
        raise TooManyTakesError(f"{MAX_TAKES} takes")
    if size_of(passage) > MAX_BYTES:
        raise TooManyTakesError(f"takes of {MAX_BYTES:,} bytes together")


def size_of(passage: Passage) -> int:
    """Bytes of the passage as JSON, its times aside."""
    values = {name: value for name, value in asdict(passage).items() if not name.endswith("_at")}
    return len(json.dumps(values, ensure_ascii=False).encode())


def is_same(one: Passage, other: Passage) -> bool:
    """Whether they differ in nothing but their times."""
    same_but_times = replace(one, created_at=other.created_at, updated_at=other.updated_at) == other
    return same_but_times and checks.same_settings(one.settings, other.settings)


def _check_take(take: Take) -> None:
    if not 0 < len(take.id) <= MAX_TAKE_ID:
        raise InvalidRequestError(f"The id of a take has 1 to {MAX_TAKE_ID} characters.", field="takes")
    checks.storable(take.id, "takes")
    checks.story_text(take.text, "takes")
    _check(take.by, By, "takes.by")
    _check(take.outcome, Outcome, "takes.outcome")
    if take.finish is not None:
        _check(take.finish, Finish, "takes.finish")


def _check(given: str | None, allowed: Any, field: str) -> None:
    if given not in get_args(allowed):
        told = f"{field} must be one of {', '.join(get_args(allowed))}, not {given!r}."
        raise InvalidRequestError(told, field=field)


def _short(text: str, field: str, longest: int) -> str:
    if len(text) > longest:
        told = f"{field} may have {longest:,} characters, and this has {len(text):,}."
        raise InvalidRequestError(told, field=field)
    return checks.storable(text, field)
