"""The versions of stories. Their texts are kept once each, by what is in them, compressed."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from storaiteller.library.checks import same_settings
from storaiteller.library.errors import VersionMissingError
from storaiteller.library.schema import contents, versions
from storaiteller.library.values import Reason, Version, VersionText
from storaiteller.story import count_words

_AT_A_TIME = 500

_LISTED = (versions.c.number, versions.c.at, versions.c.reason, versions.c.name, versions.c.words)
_WHOLE = select(*_LISTED, versions.c.settings, contents.c.compressed).join(contents)


def listed(connection: Connection, story: int) -> list[Version]:
    """Newest first."""
    query = select(*_LISTED).where(versions.c.story == story).order_by(versions.c.number.desc())
    return [Version(**row._mapping) for row in connection.execute(query)]


def whole(connection: Connection, story: int, number: int) -> VersionText:
    """Raises ``VersionMissingError``."""
    _check(connection, story, number)
    query = _WHOLE.where(versions.c.story == story, versions.c.number == number)
    return _text(connection.execute(query).one())


def all_whole(connection: Connection, story: int) -> Iterator[VersionText]:
    """Oldest first, one at a time in memory."""
    for number in range(1, last_number(connection, story) + 1):
        query = _WHOLE.where(versions.c.story == story, versions.c.number == number)
        yield _text(connection.execute(query).one())


def last_number(connection: Connection, story: int) -> int:
    query = select(func.coalesce(func.max(versions.c.number), 0)).where(versions.c.story == story)
    number: int = connection.execute(query).scalar_one()
    return number


def keep(
    connection: Connection,
    story: int,
    text: str,
    settings: dict[str, Any] | None,
    *,
    at: datetime,
    reason: Reason,
    name: str | None = None,
) -> Version:
    """Add a version; or rename the newest, if a name is given, where it has the same text and settings."""
    last = last_number(connection, story)
    digest = hashlib.sha256(text.encode()).digest()
    of_last = (versions.c.story == story, versions.c.number == last)
    newest = connection.execute(
        select(*_LISTED, versions.c.digest, versions.c.settings).where(*of_last)
    ).first()
    if newest is not None and newest.digest == digest and same_settings(newest.settings, settings):
        if name is not None:
            connection.execute(update(versions).where(*of_last).values(name=name))
    else:
        last += 1
        given = Version(number=last, at=at, reason=reason, name=name, words=count_words(text))
        add(connection, story, given, text, settings)
    return one(connection, story, last)


def add(
    connection: Connection, story: int, version: Version, text: str, settings: dict[str, Any] | None
) -> None:
    _insert(connection, story, version, _put(connection, text), settings)


def add_all(connection: Connection, story: int, given: Sequence[VersionText]) -> None:
    """Add versions as they are; a text that many of them have is looked at once."""
    digests: dict[str, bytes] = {}
    for each in given:
        if each.text not in digests:
            digests[each.text] = _put(connection, each.text)
        _insert(connection, story, each, digests[each.text], each.settings)


def rename(connection: Connection, story: int, number: int, name: str | None) -> Version:
    """Raises ``VersionMissingError``."""
    one(connection, story, number)
    of_this = (versions.c.story == story, versions.c.number == number)
    connection.execute(update(versions).where(*of_this).values(name=name))
    return one(connection, story, number)


def one(connection: Connection, story: int, number: int) -> Version:
    """Raises ``VersionMissingError``."""
    _check(connection, story, number)
    query = select(*_LISTED).where(versions.c.story == story, versions.c.number == number)
    return Version(**connection.execute(query).one()._mapping)


def drop_all(connection: Connection, keys: Sequence[int]) -> None:
    """Remove the versions of these stories, and every text that no other version has."""
    for start in range(0, len(keys), _AT_A_TIME):
        of_these = versions.c.story.in_(keys[start : start + _AT_A_TIME])
        digests = list(connection.scalars(select(versions.c.digest).where(of_these).distinct()))
        connection.execute(delete(versions).where(of_these))
        for at in range(0, len(digests), _AT_A_TIME):
            some = contents.c.digest.in_(digests[at : at + _AT_A_TIME])
            needed = select(versions.c.digest).where(versions.c.digest == contents.c.digest).exists()
            connection.execute(delete(contents).where(some, ~needed))


def _put(connection: Connection, text: str) -> bytes:
    """Have the text there, once; return its digest."""
    raw = text.encode()
    digest = hashlib.sha256(raw).digest()
    if connection.scalar(select(contents.c.digest).where(contents.c.digest == digest)) is None:
        connection.execute(insert(contents).values(digest=digest, compressed=zlib.compress(raw)))
    return digest


def _insert(
    connection: Connection, story: int, version: Version, digest: bytes, settings: dict[str, Any] | None
) -> None:
    row = {column.name: getattr(version, column.name) for column in _LISTED}
    connection.execute(insert(versions).values(story=story, settings=settings, digest=digest, **row))


def _check(connection: Connection, story: int, number: int) -> None:
    """They are numbered without a gap, so that a number too large for the database never comes to it."""
    count = last_number(connection, story)
    if not 0 < number <= count:
        raise VersionMissingError(number, count)


def _text(row: Row[*tuple[Any, ...]]) -> VersionText:
    values = dict(row._mapping)
    return VersionText(text=zlib.decompress(values.pop("compressed")).decode(), **values)
