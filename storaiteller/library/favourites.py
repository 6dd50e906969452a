"""The instructions that the writer wants at hand, in their table."""

# ruff: noqa: A002 - a favourite's id is called id wherever it goes

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, func, insert, select

from storaiteller.errors import InvalidRequestError
from storaiteller.library import checks
from storaiteller.library.database import Database
from storaiteller.library.errors import TooManyFavouritesError
from storaiteller.library.schema import favourites
from storaiteller.library.values import Favourite

MAX_FAVOURITES, MAX_FAVOURITE = 100, 1_000
"""``MAX_FAVOURITE`` is characters of one."""

_ALL = select(favourites.c.id, favourites.c.text, favourites.c.created_at).order_by(
    favourites.c.created_at.desc(), favourites.c.key.desc()
)


class Favourites:
    """Favourite instructions, each text once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Favourite]:
        """Newest first."""
        with self._database.reading() as connection:
            return listed(connection)

    def add(self, text: str) -> tuple[Favourite, bool]:
        """The favourite, and whether it is new. Raises ``TooManyFavouritesError``."""
        given = _made(text, datetime.now(UTC))
        with self._database.writing() as connection:
            is_new = _add(connection, given)
            return _one(connection, given.id), is_new

    def adopt(self, given: Sequence[Favourite]) -> tuple[int, int]:
        """Add those of an archive that are not there yet, while there is room: how many, and how many not.

        The newest go first.
        """
        checked = [_made(each.text, checks.instant(each.created_at)) for each in given]
        with self._database.writing() as connection:
            there = {each.id for each in listed(connection)}
            new = list({each.id: each for each in checked if each.id not in there}.values())
            new.sort(key=lambda each: each.created_at, reverse=True)
            fitting = new[: MAX_FAVOURITES - len(there)]
            for each in reversed(fitting):
                _add(connection, each)
            return len(fitting), len(new) - len(fitting)

    def delete(self, id: str) -> None:
        """Have a favourite no more; whether it was there or not."""
        with self._database.writing() as connection:
            if checks.is_id(id):
                connection.execute(delete(favourites).where(favourites.c.id == id))


def listed(connection: Connection) -> list[Favourite]:
    """Newest first."""
    return [Favourite(**row._mapping) for row in connection.execute(_ALL)]


def _made(text: str, at: datetime) -> Favourite:
    text = checks.line(text.strip(), "text", MAX_FAVOURITE)
    if not text:
        raise InvalidRequestError("A favourite needs at least one word.", field="text")
    return Favourite(id=hashlib.sha256(text.encode()).hexdigest()[:32], text=text, created_at=at)


def _one(connection: Connection, id: str) -> Favourite:
    return Favourite(**connection.execute(_ALL.where(favourites.c.id == id)).one()._mapping)


def _add(connection: Connection, given: Favourite) -> bool:
    """Whether it was not there."""
    if connection.scalar(select(favourites.c.key).where(favourites.c.id == given.id)) is not None:
        return False
    if connection.scalar(select(func.count()).select_from(favourites)) == MAX_FAVOURITES:
        raise TooManyFavouritesError(MAX_FAVOURITES)
    values = {"id": given.id, "text": given.text, "created_at": given.created_at}
    connection.execute(insert(favourites).values(**values))
    return True
