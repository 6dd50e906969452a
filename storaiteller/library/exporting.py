"""The whole library, story by story, out of one snapshot of the database."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from sqlalchemy import Connection, select

from storaiteller.library import stories, takes, timeline
from storaiteller.library.database import Database
from storaiteller.library.schema import stories as table
from storaiteller.library.trouble import in_sentences
from storaiteller.library.values import Passage, Story, VersionText

Exported = tuple[Story, Iterator[VersionText], Iterator[Passage]]
"""A story with its versions, oldest first, and its passages, newest first."""


def exported(database: Database) -> Generator[Exported, None, None]:
    """Every story, oldest first; holds a connection until it is exhausted or closed."""
    with database.reading() as connection:
        ids = connection.scalars(select(table.c.id).order_by(table.c.key)).all()
        for each in ids:
            key, story = stories.find(connection, each)
            yield story, _versions(database, connection, key), _passages(database, connection, key)


def _versions(database: Database, connection: Connection, key: int) -> Iterator[VersionText]:
    """Read by whoever has the story, so that ``exported`` itself would not see what goes wrong."""
    with in_sentences(database.place):
        yield from timeline.all_whole(connection, key)


def _passages(database: Database, connection: Connection, key: int) -> Iterator[Passage]:
    with in_sentences(database.place):
        yield from takes.listed(connection, key)
