"""Stories, their texts, versions and tags, and the words they are found by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_WORDS = {
    "sqlite": ["CREATE VIRTUAL TABLE story_words USING fts5(words, tokenize='ascii', detail=none)"],
    "postgresql": [
        "CREATE TABLE story_words (story INTEGER PRIMARY KEY REFERENCES stories (key) ON DELETE CASCADE, "
        "words TSVECTOR NOT NULL)",
        "CREATE INDEX ix_story_words_words ON story_words USING gin (words) WITH (fastupdate = off)",
    ],
}
"""``ascii`` parts words at signs that none of ours has in it: they stay as ``words`` made them."""


def upgrade() -> None:
    op.create_table(
        "stories",
        sa.Column("key", sa.Integer, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("title_order", _SORTED, nullable=False),
        sa.Column("excerpt", sa.Text, nullable=False),
        sa.Column("words", sa.Integer, nullable=False),
        sa.Column("settings", sa.JSON),
        sa.Column("model", sa.Text),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("trashed_at", _TIME),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_stories"),
        sa.UniqueConstraint("id", name="uq_stories_id"),
        sa.CheckConstraint("revision >= 1", name="ck_stories_revision"),
    )
    op.create_index("ix_stories_updated_at", "stories", ["updated_at"])
    op.create_table(
        "story_texts",
        sa.Column("story", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("story", name="pk_story_texts"),
        _of_story("story_texts"),
    )
    op.create_table(
        "contents",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("compressed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_contents"),
    )
    _create_versions()
    _create_tags()
    for statement in _WORDS[op.get_bind().dialect.name]:
        op.execute(statement)


def _create_versions() -> None:
    op.create_table(
        "versions",
        sa.Column("story", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("words", sa.Integer, nullable=False),
        sa.Column("settings", sa.JSON),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("story", "number", name="pk_versions"),
        _of_story("versions"),
        sa.ForeignKeyConstraint(["digest"], ["contents.digest"], name="fk_versions_digest"),
        sa.CheckConstraint("number >= 1", name="ck_versions_number"),
    )
    op.create_index("ix_versions_digest", "versions", ["digest"])


def _create_tags() -> None:
    op.create_table(
        "tags",
        sa.Column("key", sa.Integer, nullable=False),
        sa.Column("folded", _SORTED, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_tags"),
        sa.UniqueConstraint("folded", name="uq_tags_folded"),
    )
    op.create_table(
        "story_tags",
        sa.Column("story", sa.Integer, nullable=False),
        sa.Column("tag", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("story", "tag", name="pk_story_tags"),
        _of_story("story_tags"),
        sa.ForeignKeyConstraint(["tag"], ["tags.key"], name="fk_story_tags_tag"),
    )
    op.create_index("ix_story_tags_tag", "story_tags", ["tag"])


def _of_story(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["story"], ["stories.key"], name=f"fk_{table}_story", ondelete="CASCADE")
