"""Stories in their tables, and changes to them. Everything happens in the transaction that is handed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from storaiteller.library import checks, search, tagging, timeline
from storaiteller.library.errors import ConflictError, StoryMissingError
from storaiteller.library.schema import stories, story_tags, story_texts, tags
from storaiteller.library.values import Origins, Page, Sort, Story, StoryId, Summary
from storaiteller.library.words import Term, fold, passage

_LISTED = (
    stories.c.key,
    stories.c.id,
    stories.c.title,
    stories.c.excerpt,
    stories.c.words,
    stories.c.created_at,
    stories.c.updated_at,
    stories.c.trashed_at,
    stories.c.revision,
)
_WHOLE = select(
    *_LISTED, stories.c.settings, stories.c.model, story_texts.c.text, story_texts.c.origins
).join(story_texts)

_ORDERS: dict[Sort, tuple[ColumnElement[Any], ...]] = {
    "updated": (stories.c.updated_at.desc(), stories.c.key.desc()),
    "created": (stories.c.created_at.desc(), stories.c.key.desc()),
    "title": (stories.c.title_order, stories.c.key),
    "words": (stories.c.words.desc(), stories.c.key.desc()),
}
_LONGEST_ORDER = 100
"""Characters of a title that decide about its place."""


def find(connection: Connection, story_id: StoryId) -> tuple[int, Story]:
    """A story and its key. Raises ``StoryMissingError``."""
    if (found := look_up(connection, story_id)) is None:
        raise StoryMissingError
    return found


def look_up(connection: Connection, story_id: StoryId) -> tuple[int, Story] | None:
    if not checks.is_id(story_id):
        return None
    row = connection.execute(_WHOLE.where(stories.c.id == story_id)).first()
    if row is None:
        return None
    values = dict(row._mapping)
    key = int(values.pop("key"))
    return key, Story(**values, tags=tagging.tags_of(connection, [key]).get(key, ()))


def key_of(connection: Connection, story_id: StoryId) -> int:
    """Raises ``StoryMissingError``."""
    known = checks.is_id(story_id)
    key: int | None = (
        connection.scalar(select(stories.c.key).where(stories.c.id == story_id)) if known else None
    )
    if key is None:
        raise StoryMissingError
    return key


def add(connection: Connection, story: Story) -> int:
    """Add a story as it is; return its key."""
    made = connection.execute(insert(stories).values(id=story.id, **_columns(story)).returning(stories.c.key))
    key: int = made.scalar_one()
    connection.execute(insert(story_texts).values(story=key, text=story.text, origins=story.origins))
    search.index(connection, key, story.title, story.text)
    if story.tags:
        tagging.set_tags(connection, key, story.tags)
    return key


def change(connection: Connection, key: int, old: Story, new: Story) -> Story:
    """Put ``new`` in the place of ``old``. Raises ``ConflictError`` if that is not what is stored."""
    of_this = (stories.c.key == key, stories.c.revision == old.revision)
    raised = replace(new, revision=old.revision + 1)
    if connection.execute(update(stories).where(*of_this).values(**_columns(raised))).rowcount != 1:
        raise ConflictError(find(connection, old.id)[1])
    written = {name: getattr(new, name) for name in ("text", "origins")}
    changed = {name: value for name, value in written.items() if value != getattr(old, name)}
    if changed:
        connection.execute(update(story_texts).where(story_texts.c.story == key).values(**changed))
    if (new.title, new.text) != (old.title, old.text):
        search.index(connection, key, new.title, new.text)
    if new.tags != old.tags:
        tagging.set_tags(connection, key, new.tags)
    return find(connection, old.id)[1]


def set_trashed(connection: Connection, key: int, at: datetime | None) -> None:
    connection.execute(update(stories).where(stories.c.key == key).values(trashed_at=at))


def set_origins(connection: Connection, key: int, origins: Origins | None) -> None:
    """Tell who wrote a text, which stays what it is, and so does its revision."""
    connection.execute(update(story_texts).where(story_texts.c.story == key).values(origins=origins))


def remove(connection: Connection, keys: Sequence[int]) -> None:
    """Delete stories for good, with all that only they had."""
    timeline.drop_all(connection, keys)
    for key in keys:
        search.forget(connection, key)
        connection.execute(delete(stories).where(stories.c.key == key))
    tagging.drop_unused(connection)


def page(
    connection: Connection, terms: Sequence[Term], tag: str, trash: bool, sort: Sort, offset: int, limit: int
) -> Page:
    where = [stories.c.trashed_at.is_not(None) if trash else stories.c.trashed_at.is_(None)]
    if terms:
        where.append(stories.c.key.in_(search.found(connection, terms)))
    if tag:
        tagged = select(story_tags.c.story).join(tags).where(tags.c.folded == checks.tag_key(tag))
        where.append(stories.c.key.in_(tagged))
    total = connection.execute(select(func.count()).select_from(stories).where(*where)).scalar_one()
    chosen = select(stories.c.key).where(*where).order_by(*_ORDERS[sort]).offset(offset).limit(limit)
    keys = list(connection.scalars(chosen))  # of all that are found, only these are read whole
    rows = connection.execute(select(*_LISTED).where(stories.c.key.in_(keys)).order_by(*_ORDERS[sort])).all()
    tags_by_key = tagging.tags_of(connection, keys)
    passages = _passages(connection, keys, terms)
    return Page(
        stories=tuple(
            _summary(row, tags=tags_by_key.get(row.key, ()), excerpt=passages.get(row.key, row.excerpt))
            for row in rows
        ),
        total=total,
    )


def summary(story: Story) -> Summary:
    return Summary(**{name: getattr(story, name) for name in Summary.__dataclass_fields__})


def _passages(connection: Connection, keys: Sequence[int], terms: Sequence[Term]) -> dict[int, str]:
    """What is shown of the stories that were found; one text at a time in memory."""
    if not terms:
        return {}
    texts = connection.execute(
        select(story_texts.c.story, story_texts.c.text).where(story_texts.c.story.in_(keys))
    )
    return {row.story: passage(row.text, terms) for row in texts}


def _summary(row: Row[*tuple[Any, ...]], **instead: Any) -> Summary:
    values = dict(row._mapping) | instead
    del values["key"]
    return Summary(**values)


def _columns(story: Story) -> dict[str, Any]:
    names = (
        "title",
        "excerpt",
        "words",
        "settings",
        "model",
        "created_at",
        "updated_at",
        "trashed_at",
        "revision",
    )
    order = fold(story.title or story.excerpt)[:_LONGEST_ORDER]
    return {"title_order": order, **{name: getattr(story, name) for name in names}}
