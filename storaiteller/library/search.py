"""Which stories have the words that are looked for: FTS5 on SQLite, a tsvector under GIN on PostgreSQL.

Both are given the words ready made (``words``), and keep nothing else. The statements are of the transaction
that they are executed in, so that the index is never behind the stories.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    ARRAY,
    Connection,
    Select,
    Text,
    bindparam,
    cast,
    column,
    literal,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from storaiteller.library.words import Term, index_words

_INDEX = {
    "sqlite": text("INSERT OR REPLACE INTO story_words (rowid, words) VALUES (:story, :words)"),
    "postgresql": text(
        "INSERT INTO story_words (story, words) VALUES (:story, array_to_tsvector(:words)) "
        "ON CONFLICT (story) DO UPDATE SET words = excluded.words"
    ).bindparams(bindparam("words", type_=ARRAY(Text))),
}
_BY_INDEX = text("SET LOCAL enable_seqscan = off")
"""PostgreSQL takes reading the words of all stories for cheap: its index is four times as fast."""
_FORGET = text("DELETE FROM story_words WHERE rowid = :story")


def index(connection: Connection, key: int, title: str, story: str) -> None:
    """Let a story be found by the words of its title and text, and by no others."""
    words = index_words(title, story)
    dialect = connection.dialect.name
    given = " ".join(words) if dialect == "sqlite" else words
    connection.execute(_INDEX[dialect], {"story": key, "words": given})


def forget(connection: Connection, key: int) -> None:
    """Take a story out of the index. PostgreSQL does so by itself when the story goes."""
    if connection.dialect.name == "sqlite":
        connection.execute(_FORGET, {"story": key})


def found(connection: Connection, terms: Sequence[Term]) -> Select[tuple[int]]:
    """The keys of the stories that have all of the terms; there is at least one."""
    if connection.dialect.name == "sqlite":
        words = table("story_words", column("rowid"))
        match = literal(" ".join(f'"{term.word}"{"*" * term.begins}' for term in terms))
        return select(words.c.rowid).where(column("story_words", is_literal=True).op("MATCH")(match))
    connection.execute(_BY_INDEX)
    words = table("story_words", column("story"), column("words"))
    query = " & ".join(f"'{term.word}'{':*' * term.begins}" for term in terms)
    return select(words.c.story).where(words.c.words.op("@@")(cast(query, TSQUERY)))
