"""The versions of stories. Their texts are kept once each, by what is in them, compressed."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from storaiteller.library import origins as runs
from storaiteller.library.checks import same_settings
from storaiteller.library.errors import VersionMissingError
from storaiteller.library.schema import contents, versions
from storaiteller.library.values import Origins, Reason, Story, Version, VersionText

_AT_A_TIME = 500

_LISTED = (versions.c.number, versions.c.at, versions.c.reason, versions.c.name, versions.c.words)
_OF_ORIGINS = contents.alias()
_WHOLE = (
    select(*_LISTED, versions.c.settings, contents.c.compressed, _OF_ORIGINS.c.compressed.label("origins"))
    .join(contents, versions.c.digest == contents.c.digest)
    .outerjoin(_OF_ORIGINS, versions.c.origins == _OF_ORIGINS.c.digest)
)


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
    state: Story | VersionText,
    *,
    at: datetime,
    reason: Reason,
    name: str | None = None,
) -> Version:
    """Add a version, unless the newest has the same text and settings: then it is that one.

    That takes over the name and the origins, if they are given: who wrote a text is not part of it.
    """
    last = last_number(connection, story)
    digest = hashlib.sha256(state.text.encode()).digest()
    of_last = (versions.c.story == story, versions.c.number == last)
    kept = (versions.c.digest, versions.c.settings, versions.c.origins)
    newest = connection.execute(select(*_LISTED, *kept).where(*of_last)).first()
    if newest is not None and newest.digest == digest and same_settings(newest.settings, state.settings):
        later = {"name": name, "origins": _put_origins(connection, state.origins)}
        if known := {column: value for column, value in later.items() if value is not None}:
            connection.execute(update(versions).where(*of_last).values(**known))
            _drop_unneeded(connection, [newest.origins])
    else:
        last += 1
        given = Version(number=last, at=at, reason=reason, name=name, words=state.words)
        digests = _put_text(connection, state.text), _put_origins(connection, state.origins)
        _insert(connection, story, given, state.settings, *digests)
    return one(connection, story, last)


def add_all(connection: Connection, story: int, given: Sequence[VersionText]) -> None:
    """Add versions as they are; a text, or origins, that many of them have are looked at once."""
    texts: dict[str, bytes] = {}
    origins: dict[int, bytes | None] = {}
    for each in given:
        if each.text not in texts:
            texts[each.text] = _put_text(connection, each.text)
        if id(each.origins) not in origins:
            origins[id(each.origins)] = _put_origins(connection, each.origins)
        _insert(connection, story, each, each.settings, texts[each.text], origins[id(each.origins)])


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
    """Remove the versions of these stories, and every text and origins that no other version has."""
    for start in range(0, len(keys), _AT_A_TIME):
        of_these = versions.c.story.in_(keys[start : start + _AT_A_TIME])
        of_texts, of_origins = (
            list(connection.scalars(select(column).where(of_these).distinct()))
            for column in (versions.c.digest, versions.c.origins)
        )
        connection.execute(delete(versions).where(of_these))
        _drop_unneeded(connection, [*of_texts, *of_origins])


def _drop_unneeded(connection: Connection, digests: Sequence[bytes | None]) -> None:
    """Remove those of the contents that no version has any more."""
    for at in range(0, len(digests), _AT_A_TIME):
        some = contents.c.digest.in_(digests[at : at + _AT_A_TIME])
        needed = [
            select(versions.c.number).where(column == contents.c.digest).exists()
            for column in (versions.c.digest, versions.c.origins)
        ]
        connection.execute(delete(contents).where(some, ~needed[0], ~needed[1]))


def _put_text(connection: Connection, text: str) -> bytes:
    return _put(connection, text.encode())


def _put_origins(connection: Connection, origins: Origins | None) -> bytes | None:
    return None if origins is None else _put(connection, runs.written(origins))


def _put(connection: Connection, raw: bytes) -> bytes:
    """Have the content there, once; return its digest."""
    digest = hashlib.sha256(raw).digest()
    if connection.scalar(select(contents.c.digest).where(contents.c.digest == digest)) is None:
        connection.execute(insert(contents).values(digest=digest, compressed=zlib.compress(raw)))
    return digest


def _insert(
    connection: Connection,
    story: int,
    version: Version,
    settings: dict[str, Any] | None,
    digest: bytes,
    origins: bytes | None,
) -> None:
    row = {column.name: getattr(version, column.name) for column in _LISTED}
    row |= {"settings": settings, "origins": origins, "digest": digest}
    connection.execute(insert(versions).values(story=story, **row))


def _check(connection: Connection, story: int, number: int) -> None:
    """They are numbered without a gap, so that a number too large for the database never comes to it."""
    count = last_number(connection, story)
    if not 0 < number <= count:
        raise VersionMissingError(number, count)


def _text(row: Row[*tuple[Any, ...]]) -> VersionText:
    values = dict(row._mapping)
    text, origins = values.pop("compressed"), values.pop("origins")
    return VersionText(
        text=zlib.decompress(text).decode(),
        origins=None if origins is None else runs.read(zlib.decompress(origins)),
        **values,
    )
