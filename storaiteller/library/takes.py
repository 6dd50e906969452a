"""The passages of stories with their takes, in their tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from storaiteller.library import stories
from storaiteller.library.checks import is_id
from storaiteller.library.database import Database
from storaiteller.library.errors import TooManyPassagesError, TooManyTakesError
from storaiteller.library.merging import joined, merged
from storaiteller.library.passages import check_limits, checked, is_same, size_of
from storaiteller.library.schema import passages, takes
from storaiteller.library.values import Passage, StoryId, Take

MAX_PASSAGES = 1_000
MAX_BYTES = 64_000_000
"""Of all passages of a story, which are read together."""

_COLUMNS = tuple(name for name in Passage.__dataclass_fields__ if name != "takes")
_TAKE_COLUMNS = tuple(takes.c[name] for name in Take.__dataclass_fields__)


class Passages:
    """The passages that takes were made of, each a record that grows: ``merging`` says how.

    They belong to their story: in the trash it keeps them, deleted for good it takes them along. Everything
    raises ``StoryMissingError``, and what ``Library`` does.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, story: StoryId) -> list[Passage]:
        """Newest first."""
        with self._database.reading() as connection:
            return listed(connection, stories.key_of(connection, story))

    def keep(self, story: StoryId, passage: Passage) -> Passage:
        """Keep the passage, with the takes that an earlier one with its id has besides. Returns all of it.

        All else is as it is given, but the times are the library's own. Done again it changes nothing. Raises
        ``TooManyPassagesError`` and ``TooManyTakesError``: none is dropped for a new one.
        """
        given, now = checked(passage), datetime.now(UTC)
        with self._database.writing() as connection:
            key = stories.key_of(connection, story)
            of_this = passages.c.story == key, passages.c.id == given.id
            before = next(iter(_found(connection, *of_this)), None)
            kept = given if before is None else _joined(before, given)
            if before is not None and is_same(before, kept):
                return before
            kept = replace(kept, created_at=now if before is None else before.created_at, updated_at=now)
            _put(connection, key, kept)
            return kept

    def delete(self, story: StoryId, passage: str) -> None:
        """Have a passage no more; whether it was there or not."""
        with self._database.writing() as connection:
            key = stories.key_of(connection, story)
            if is_id(passage):
                connection.execute(delete(passages).where(passages.c.story == key, passages.c.id == passage))


def listed(connection: Connection, story: int) -> list[Passage]:
    """The passages of a story, newest first."""
    return _found(connection, passages.c.story == story)


def adopt(connection: Connection, story: int, given: Sequence[Passage]) -> tuple[int, int]:
    """Add the passages that are not there yet, as they are, and the takes that those which are lack.

    While there is room, the newest first: how many passages that changed, and how many found none.
    """
    there = set(connection.scalars(select(passages.c.id).where(passages.c.story == story)))
    newest = sorted({each.id: each for each in given}.values(), key=_made, reverse=True)
    new = [each for each in newest if each.id not in there]
    fitting = _fitting(connection, story, new)
    for each in reversed(fitting):
        _add(connection, story, each)
    came = [_join(connection, story, each) for each in newest if each.id in there]
    return len(fitting) + came.count(True), len(new) - len(fitting) + came.count(None)


def _made(passage: Passage) -> datetime:
    return passage.created_at


def _fitting(connection: Connection, story: int, given: Sequence[Passage]) -> list[Passage]:
    """The first of them, as many as there is room for."""
    count, size = _taken(connection, story)
    fitting: list[Passage] = []
    for each in given:
        count, size = count + 1, size + size_of(each)
        if count > MAX_PASSAGES or size > MAX_BYTES:
            break
        fitting.append(each)
    return fitting


def _join(connection: Connection, story: int, other: Passage) -> bool | None:
    """Have the takes of an archive beside those that are here. Whether that changed them; None: no room."""
    [here] = _found(connection, passages.c.story == story, passages.c.id == other.id)
    both = joined(here, other)
    if is_same(here, both):
        return False
    try:
        check_limits(both)
        with connection.begin_nested():
            _put(connection, story, both)
    except (TooManyTakesError, TooManyPassagesError):
        return None
    return True


def _joined(before: Passage, given: Passage) -> Passage:
    both = replace(given, takes=merged(before.takes, given.takes))
    check_limits(both)
    return both


def _put(connection: Connection, story: int, passage: Passage) -> None:
    """Write a passage down in the place of an earlier one, if there is one."""
    connection.execute(delete(passages).where(passages.c.story == story, passages.c.id == passage.id))
    _check_room(connection, story, size_of(passage))
    _add(connection, story, passage)


def _found(connection: Connection, *where: ColumnElement[bool]) -> list[Passage]:
    """Newest first."""
    order = (passages.c.created_at.desc(), passages.c.key.desc())
    rows = connection.execute(select(passages).where(*where).order_by(*order)).all()
    query = select(takes.c.passage, *_TAKE_COLUMNS).join(passages).where(*where)
    in_order = connection.execute(query.order_by(takes.c.passage, takes.c.place))
    of_passage = {
        key: tuple(Take(**{column.name: row._mapping[column] for column in _TAKE_COLUMNS}) for row in each)
        for key, each in groupby(in_order, lambda row: row.passage)
    }
    return [
        Passage(**{name: row._mapping[name] for name in _COLUMNS}, takes=of_passage.get(row.key, ()))
        for row in rows
    ]


def _check_room(connection: Connection, story: int, size: int) -> None:
    count, much = _taken(connection, story)
    if count >= MAX_PASSAGES:
        raise TooManyPassagesError(f"{MAX_PASSAGES:,} passages with takes")
    if much + size > MAX_BYTES:
        raise TooManyPassagesError(f"takes of {much:,} bytes together")


def _taken(connection: Connection, story: int) -> tuple[int, int]:
    """How many passages a story has, and their bytes together."""
    query = select(func.count(), func.coalesce(func.sum(passages.c.size), 0))
    count, size = connection.execute(query.where(passages.c.story == story)).one()
    return int(count), int(size)


def _add(connection: Connection, story: int, passage: Passage) -> None:
    row: dict[str, Any] = {name: getattr(passage, name) for name in _COLUMNS}
    row |= {"story": story, "size": size_of(passage)}
    key = connection.execute(insert(passages).values(**row).returning(passages.c.key)).scalar_one()
    if passage.takes:
        given = [{"passage": key, "place": at, **asdict(take)} for at, take in enumerate(passage.takes)]
        connection.execute(insert(takes), given)
