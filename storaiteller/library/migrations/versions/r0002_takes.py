"""Who wrote what of a story, the takes of its passages, and favourite instructions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("story_texts", sa.Column("origins", sa.JSON))  # of what is there, nobody knows them
    binary = {"sqlite": "BLOB", "postgresql": "BYTEA"}[op.get_bind().dialect.name]
    references = "CONSTRAINT fk_versions_origins REFERENCES contents (digest)"
    op.execute(f"ALTER TABLE versions ADD COLUMN origins {binary} {references}")
    op.create_index("ix_versions_origins", "versions", ["origins"])
    op.create_table(
        "passages",
        sa.Column("key", sa.Integer, nullable=False),
        sa.Column("story", sa.Integer, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("original", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("instruction", sa.Text, nullable=False),
        sa.Column("register", sa.Text),
        sa.Column("settings", sa.JSON),
        sa.Column("model", sa.Text),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_passages"),
        sa.UniqueConstraint("story", "id", name="uq_passages_story_id"),
        sa.ForeignKeyConstraint(["story"], ["stories.key"], name="fk_passages_story", ondelete="CASCADE"),
    )
    op.create_table(
        "takes",
        sa.Column("passage", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("by", sa.String(20), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("finish", sa.String(20)),
        sa.PrimaryKeyConstraint("passage", "place", name="pk_takes"),
        sa.ForeignKeyConstraint(["passage"], ["passages.key"], name="fk_takes_passage", ondelete="CASCADE"),
    )
    op.create_table(
        "favourites",
        sa.Column("key", sa.Integer, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_favourites"),
        sa.UniqueConstraint("id", name="uq_favourites_id"),
    )
