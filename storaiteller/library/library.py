"""The library: every story with its versions, tags and trash, in one database."""

# ruff: noqa: A002 - a story's id is called id wherever it goes

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from storaiteller.library import adopting, checks, stories, tagging, takes, timeline
from storaiteller.library.database import Database
from storaiteller.library.drafts import (
    adopted_passages,
    adopted_story,
    adopted_versions,
    changed_story,
    is_same,
    new_story,
    restored_story,
)
from storaiteller.library.errors import ConflictError, NotInTrashError
from storaiteller.library.exporting import Exported, exported
from storaiteller.library.favourites import Favourites
from storaiteller.library.schema import stories as table
from storaiteller.library.values import (
    Adopted,
    Origins,
    Page,
    Passage,
    Reason,
    Sort,
    Story,
    StoryId,
    Summary,
    Tag,
    Version,
    VersionText,
)
from storaiteller.library.words import terms_of


class Library:
    """Stories in the database at ``url``: ``sqlite:////folder/library.db`` or ``postgresql://host/name``.

    Safe to share between threads, and the database between processes. Every method waits for the disk, and
    up to ``patience`` seconds for another program, so call it off the event loop. When a method that
    changes something returns, the change is on the disk; when it raises, nothing has changed. All of them
    raise the ``LibraryError`` family when the database fails, ``InvalidRequestError`` for what cannot be
    kept, and ``StoryMissingError`` for an id that is not there.
    """

    def __init__(self, url: str, *, patience: float = 5.0) -> None:
        """Opens nothing yet. Raises ``ConfigError`` for an address that is none."""
        self._database = Database(url, patience=patience)
        self.passages = takes.Passages(self._database)
        self.favourites = Favourites(self._database)

    def open(self) -> None:
        """Make the database, or bring it up to date. The other methods do so too: this one tells early."""
        self._database.open()

    def close(self) -> None:
        """Let go of the database; whatever is asked next opens it again."""
        self._database.close()

    # --- stories ----------------------------------------------------------------------------------

    def create(
        self,
        *,
        text: str = "",
        title: str = "",
        settings: dict[str, Any] | None = None,
        model: str | None = None,
        tags: Iterable[str] = (),
        id: StoryId | None = None,
        reason: Reason | None = None,
        origins: Origins | None = None,
    ) -> Story:
        """Add a story; with a ``reason`` its text is its first version too.

        Asked twice with the same ``id`` and the same story, as after an answer that was lost, it adds one.
        Raises ``ConflictError`` if another story has the ``id``.
        """
        now = datetime.now(UTC)
        given = checks.story_id(id) if id is not None else secrets.token_hex(16)
        story = new_story(
            given, text, title, settings, model, tags, created_at=now, updated_at=now, runs=origins
        )
        with self._database.writing() as connection:
            if found := stories.look_up(connection, story.id):
                if is_same(found[1], story):
                    return found[1]
                raise ConflictError(found[1])
            key = stories.add(connection, story)
            if reason is not None:
                timeline.keep(connection, key, story, at=now, reason=reason)
            return stories.find(connection, story.id)[1]

    def get(self, id: StoryId) -> Story:
        """A story, out of the trash too."""
        with self._database.reading() as connection:
            return stories.find(connection, id)[1]

    def save(
        self,
        id: StoryId,
        revision: int,
        *,
        text: str | None = None,
        title: str | None = None,
        settings: dict[str, Any] | None = None,
        model: str | None = None,
        tags: Iterable[str] | None = None,
        origins: Origins | None = None,
    ) -> Story:
        """Change what is given; None leaves it as it is. ``revision`` is the one that was changed.

        Origins are those of the text as it will be; a text that changes without any loses those it had.
        To change them alone is a change too.

        Raises ``ConflictError`` if that is not the stored one. What changes nothing raises no revision.
        A story in the trash whose text changes comes out of it, so that emptying the trash deletes nothing
        that was written since; with another title, origins, settings, model or tags alone it stays there.
        """
        changes = {
            "text": None if text is None else checks.story_text(text),
            "title": None if title is None else checks.title(title),
            "settings": checks.settings(settings),
            "model": checks.model(model),
            "tags": None if tags is None else checks.tags(tags),
            "origins": origins,
        }
        given = {name: value for name, value in changes.items() if value is not None}
        with self._database.writing() as connection:
            key, story = stories.find(connection, id)
            if story.revision != revision:
                raise ConflictError(story)
            changed = changed_story(story, given)
            return story if changed is story else stories.change(connection, key, story, changed)

    def page(
        self,
        *,
        query: str = "",
        tag: str = "",
        sort: Sort = "updated",
        trash: bool = False,
        offset: int = 0,
        limit: int = 50,
    ) -> Page:
        """Part of the list of stories, or of those in the trash.

        A story is found if its title and text have every word of the ``query``, the last one at least as the
        beginning of one. A query without a word in it, say “?!”, finds nothing.
        """
        offset, limit = checks.window(offset, limit)
        terms = terms_of(query)
        if (query.strip() and not terms) or not checks.is_storable(tag):
            return Page(stories=(), total=0)
        with self._database.reading() as connection:
            return stories.page(connection, terms, tag.strip(), trash, sort, offset, limit)

    def tags(self) -> list[Tag]:
        """Every tag of a story that is not in the trash, in alphabetical order."""
        with self._database.reading() as connection:
            return tagging.all_tags(connection)

    # --- versions ---------------------------------------------------------------------------------

    def versions(self, id: StoryId) -> list[Version]:
        """The timeline of a story, newest first."""
        with self._database.reading() as connection:
            return timeline.listed(connection, stories.key_of(connection, id))

    def version(self, id: StoryId, number: int) -> VersionText:
        """Raises ``VersionMissingError``."""
        with self._database.reading() as connection:
            return timeline.whole(connection, stories.key_of(connection, id), number)

    def keep_version(
        self, id: StoryId, reason: Reason, name: str | None = None, *, text: str | None = None
    ) -> Version:
        """Keep the story as it is now as a version; with ``text`` as it might have been, and does not become.

        If the newest version has the same text and settings it is that one, renamed if a ``name`` is given,
        and with the story's origins if they are known.
        """
        name, now = checks.version_name(name), datetime.now(UTC)
        with self._database.writing() as connection:
            key, story = stories.find(connection, id)
            state = story if text is None else changed_story(story, {"text": checks.story_text(text)})
            return timeline.keep(connection, key, state, at=now, reason=reason, name=name)

    def name_version(self, id: StoryId, number: int, name: str | None) -> Version:
        """Name a version, or take its name away. Raises ``VersionMissingError``."""
        name = checks.version_name(name)
        with self._database.writing() as connection:
            return timeline.rename(connection, stories.key_of(connection, id), number, name)

    def restore(self, id: StoryId, number: int, revision: int) -> Story:
        """Make a version's text, origins and settings the story's own, having kept the present ones as one.

        Origins that the version does not know do not take away those of the same text.

        Raises ``VersionMissingError``, and ``ConflictError`` as ``save`` does. A story in the trash whose
        text changes comes out of it.
        """
        now = datetime.now(UTC)
        with self._database.writing() as connection:
            key, story = stories.find(connection, id)
            if story.revision != revision:
                raise ConflictError(story)
            old = timeline.whole(connection, key, number)
            restored = restored_story(story, old)
            if restored is story:
                return story
            timeline.keep(connection, key, story, at=now, reason="before_restore")
            timeline.keep(connection, key, old, at=now, reason="restore")
            return stories.change(connection, key, story, restored)

    # --- the trash --------------------------------------------------------------------------------

    def trash(self, id: StoryId) -> Summary:
        """Put a story in the trash; it stays as it is, until its text is changed: then it comes out."""
        return self._trashed(id, lambda before: before or datetime.now(UTC))

    def untrash(self, id: StoryId) -> Summary:
        return self._trashed(id, lambda _: None)

    def delete(self, id: StoryId) -> None:
        """Delete a story for good, with its versions and passages. Raises ``NotInTrashError``."""
        with self._database.writing() as connection:
            key, story = stories.find(connection, id)
            if story.trashed_at is None:
                raise NotInTrashError
            stories.remove(connection, [key])

    def empty_trash(self) -> int:
        """Delete all that is in the trash for good; return how many stories that were."""
        with self._database.writing() as connection:
            keys = connection.scalars(select(table.c.key).where(table.c.trashed_at.is_not(None))).all()
            stories.remove(connection, keys)
            return len(keys)

    def _trashed(self, id: StoryId, when: Callable[[datetime | None], datetime | None]) -> Summary:
        with self._database.writing() as connection:
            key, story = stories.find(connection, id)
            at = when(story.trashed_at)
            stories.set_trashed(connection, key, at)
            return stories.summary(replace(story, trashed_at=at))

    # --- everything -------------------------------------------------------------------------------

    def export(self) -> Generator[Exported, None, None]:
        """Every story with its versions, oldest first, and passages, newest first, as all were when the first
        was read.

        One text at a time is in memory: take the versions and the passages of a story before you ask for the
        next.
        """
        return exported(self._database)

    def adopt(
        self, story: Story, versions: Sequence[VersionText], passages: Sequence[Passage] = ()
    ) -> Adopted:
        """Take a story over from an archive, with its times and all that belongs to it, counted anew from 1.

        Under its own id, unless another text has that: then under one that is made of both, so that the same
        archive adds nothing the second time. A story that is there with the same text stays as it is, but
        comes out of the trash if the archive's is not in it, has the archive's versions or origins if it has
        none, and the passages and takes that it lacks, the newest while there is room.
        """
        checked, kept, whole = adopted_story(story), adopted_versions(versions), adopted_passages(passages)
        with self._database.writing() as connection:
            return adopting.adopt(connection, checked, kept, whole)
