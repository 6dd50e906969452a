"""The tables of the library, as the newest migration leaves them.

A story's text and its origins have a table of their own, so that lists never touch them. The words that
stories are found by are in ``story_words``, which every kind of database has in its own way: see ``search``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from storaiteller.library.values import Origins


class Instant(TypeDecorator[datetime]):
    """A time in UTC, on SQLite too, which keeps no zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Runs(TypeDecorator[Origins]):
    """Origins as JSON."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_result_value(self, value: list[list[Any]] | None, dialect: Dialect) -> Origins | None:
        return None if value is None else tuple((length, who) for length, who in value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Sorted = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that is in the same order in every database."""

stories = Table(
    "stories",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("title_order", Sorted, nullable=False),
    Column("excerpt", Text, nullable=False),
    Column("words", Integer, nullable=False),
    Column("settings", JSON(none_as_null=True)),
    Column("model", Text),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("trashed_at", Instant),
    Column("revision", Integer, nullable=False),
    CheckConstraint("revision >= 1", name="revision"),
    Index(None, "updated_at"),
)

story_texts = Table(
    "story_texts",
    metadata,
    Column("story", ForeignKey("stories.key", ondelete="CASCADE"), primary_key=True),
    Column("text", Text, nullable=False),
    Column("origins", Runs),
)

contents = Table(
    "contents",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("compressed", LargeBinary, nullable=False),
)
"""The texts of versions, and their origins as JSON, each once, by their SHA-256."""

versions = Table(
    "versions",
    metadata,
    Column("story", ForeignKey("stories.key", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("reason", String(20), nullable=False),
    Column("name", Text),
    Column("words", Integer, nullable=False),
    Column("settings", JSON(none_as_null=True)),
    Column("digest", ForeignKey("contents.digest"), nullable=False, index=True),
    Column("origins", ForeignKey("contents.digest"), index=True),
    CheckConstraint("number >= 1", name="number"),
)

tags = Table(
    "tags",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("folded", Sorted, nullable=False, unique=True),
    Column("name", Text, nullable=False),
)

story_tags = Table(
    "story_tags",
    metadata,
    Column("story", ForeignKey("stories.key", ondelete="CASCADE"), primary_key=True),
    Column("tag", ForeignKey("tags.key"), primary_key=True, index=True),
)

passages = Table(
    "passages",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("story", ForeignKey("stories.key", ondelete="CASCADE"), nullable=False),
    Column("id", String(32), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("before", Text, nullable=False),
    Column("original", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("instruction", Text, nullable=False),
    Column("register", Text),
    Column("settings", JSON(none_as_null=True)),
    Column("model", Text),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("size", Integer, nullable=False),
    UniqueConstraint("story", "id"),
)
"""``size``: bytes of the whole record, takes included, as JSON."""

takes = Table(
    "takes",
    metadata,
    Column("passage", ForeignKey("passages.key", ondelete="CASCADE"), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("by", String(20), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("finish", String(20)),
)

favourites = Table(
    "favourites",
    metadata,
    Column("key", Integer, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("text", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)
"""The ``id`` is made of the text, so that none is there twice."""
