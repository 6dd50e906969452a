"""The tags of stories: one row for each tag, however it is written, and none that no story has."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from sqlalchemy import Connection, delete, func, insert, select

from storaiteller.library import checks
from storaiteller.library.schema import stories, story_tags, tags
from storaiteller.library.values import Tag

_NAMES = select(story_tags.c.story, tags.c.name).join(tags).order_by(story_tags.c.story, tags.c.folded)


def tags_of(connection: Connection, keys: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The tags of each story that has any, in alphabetical order."""
    rows = connection.execute(_NAMES.where(story_tags.c.story.in_(keys)))
    return {key: tuple(row.name for row in each) for key, each in groupby(rows, lambda row: int(row.story))}


def set_tags(connection: Connection, key: int, names: Sequence[str]) -> None:
    """Let a story have just these."""
    connection.execute(delete(story_tags).where(story_tags.c.story == key))
    wanted = {checks.tag_key(name): name for name in names}
    known = {
        row.folded: row.key
        for row in connection.execute(select(tags.c.folded, tags.c.key).where(tags.c.folded.in_(wanted)))
    }
    for folded, name in wanted.items():
        if folded not in known:
            made = insert(tags).values(folded=folded, name=name).returning(tags.c.key)
            known[folded] = connection.execute(made).scalar_one()
    if known:
        connection.execute(insert(story_tags), [{"story": key, "tag": tag} for tag in known.values()])
    drop_unused(connection)


def drop_unused(connection: Connection) -> None:
    connection.execute(delete(tags).where(tags.c.key.not_in(select(story_tags.c.tag))))


def all_tags(connection: Connection) -> list[Tag]:
    count = func.count().label("stories")
    query = (
        select(tags.c.name, count)
        .join(story_tags, story_tags.c.tag == tags.c.key)
        .join(stories, stories.c.key == story_tags.c.story)
        .where(stories.c.trashed_at.is_(None))
        .group_by(tags.c.key, tags.c.folded, tags.c.name)
        .order_by(tags.c.folded)
    )
    return [Tag(name=row.name, stories=row.stories) for row in connection.execute(query)]
