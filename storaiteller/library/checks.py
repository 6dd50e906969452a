"""What the library takes: each function returns a value as it is kept, or raises ``InvalidRequestError``."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, cast, get_args

from storaiteller.errors import InvalidRequestError
from storaiteller.library.values import MAX_TEXT_BYTES, Reason

MAX_TITLE, MAX_TAG, MAX_TAGS, MAX_NAME, MAX_MODEL = 300, 50, 50, 100, 300
"""Characters; ``MAX_TAGS`` is tags of a story."""
MAX_SETTINGS = 100_000
"""Characters of the settings as JSON."""
MOST = 2**31 - 1
"""The largest number that every database can hold."""


def is_id(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{32}", text) is not None


def story_id(given: str) -> str:
    if not is_id(given):
        raise InvalidRequestError("The id of a story is 32 characters of 0 to 9 and a to f.", field="id")
    return given


def story_text(given: str, field: str = "text") -> str:
    """The text itself, to the character."""
    size = len(given.encode("utf-8", "surrogatepass"))
    if size > MAX_TEXT_BYTES:
        told = (
            f"This text is {size:,} bytes long, and a story may have {MAX_TEXT_BYTES:,}. "
            "Make two stories of it."
        )
        raise InvalidRequestError(told, field=field)
    return storable(given, field)


def title(given: str) -> str:
    return line(given, "title", MAX_TITLE)


def model(given: str | None) -> str | None:
    return None if given is None else line(given, "model", MAX_MODEL)


def version_name(given: str | None) -> str | None:
    """Nothing but spaces is no name."""
    return line(given.strip(), "name", MAX_NAME) or None if given else None


def tags(given: Iterable[str]) -> tuple[str, ...]:
    """Each once, without regard to case; the first way of writing one counts."""
    known: dict[str, str] = {}
    for each in given:
        tag = line(" ".join(each.split()), "tags", MAX_TAG)
        if not tag:
            raise InvalidRequestError("A tag needs at least one letter or sign.", field="tags")
        known.setdefault(tag_key(tag), tag)
    if len(known) > MAX_TAGS:
        told = f"A story may have {MAX_TAGS} tags, and these are {len(known):,}. Leave some of them away."
        raise InvalidRequestError(told, field="tags")
    return tuple(known.values())


def tag_key(tag: str) -> str:
    """The same for every way of writing a tag that counts as the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", " ".join(tag.split())).casefold())


def settings(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """The settings as they will be when they are read again."""
    if given is None:
        return None
    try:
        written = json.dumps(given, allow_nan=False, ensure_ascii=False)
        read = json.loads(written)
    except (TypeError, ValueError, RecursionError) as error:
        told = f"The settings cannot be kept: {error}. They may have texts, numbers, lists and yes or no."
        raise InvalidRequestError(told, field="settings") from error
    if len(written) > MAX_SETTINGS:
        told = f"The settings have {len(written):,} characters, and may have {MAX_SETTINGS:,}."
        raise InvalidRequestError(told, field="settings")
    for text in _texts_in(read):
        storable(text, "settings")
    return dict(read)


def same_settings(one: dict[str, Any] | None, other: dict[str, Any] | None) -> bool:
    """As JSON: Python takes 1 and true for the same."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def reason(given: str) -> Reason:
    if given not in get_args(Reason):
        told = f"A version is kept for one of these reasons: {', '.join(get_args(Reason))}."
        raise InvalidRequestError(told, field="reason")
    return cast("Reason", given)


def instant(given: datetime) -> datetime:
    """A time without a zone is taken for one in UTC."""
    try:
        return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    except OverflowError as error:
        raise InvalidRequestError(f"{given} is no time that can be kept.", field="at") from error


def window(offset: int, limit: int) -> tuple[int, int]:
    """Which part of a list is asked for."""
    if not 0 <= offset <= MOST:
        raise InvalidRequestError("A page of the library begins at 0 or later.", field="offset")
    if not 0 <= limit <= 1_000:
        raise InvalidRequestError("A page of the library has at most 1,000 stories.", field="limit")
    return offset, limit


def is_storable(text: str) -> bool:
    """Whether every database can keep it: no NUL, and no half of a surrogate pair."""
    return "\0" not in text and not re.search("[\ud800-\udfff]", text)


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for each in pair for text in _texts_in(each))
    elif isinstance(value, list):
        yield from (text for each in value for text in _texts_in(each))


def storable(text: str, field: str) -> str:
    """The text itself, if every database can keep it."""
    if not is_storable(text):
        told = (
            f"The {field} has a character in it that cannot be kept: a NUL, or half of one that takes two. "
            "It is invisible, and usually comes from a damaged file. Remove it, and try again."
        )
        raise InvalidRequestError(told, field=field)
    return text


def line(text: str, field: str, longest: int) -> str:
    """The text itself, if it is one line and not too long."""
    one = "tag" if field == "tags" else field
    if len(storable(text, field)) > longest:
        told = f"A {one} may have {longest} characters, and this has {len(text):,}. Shorten it."
        raise InvalidRequestError(told, field=field)
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text):
        raise InvalidRequestError(f"A {one} is one line of plain text.", field=field)
    return text
