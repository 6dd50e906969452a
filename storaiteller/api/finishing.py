"""A story that nobody waits for any more is finished in the library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from storaiteller.library.errors import ConflictError, StoryMissingError
from storaiteller.library.library import Library
from storaiteller.library.origins import extended
from storaiteller.library.values import Story
from storaiteller.story import count_words

TRIES = 3
"""Somebody may save between our looking and our saving; once or twice, but not for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedStory:
    """What was generated after ``before``, for the story ``id`` of the library."""

    id: str
    before: str
    generated: str
    settings: dict[str, Any]
    model: str

    @property
    def text(self) -> str:
        return self.before + self.generated


def finish_story(library: Library, story: FinishedStory) -> Story | None:
    """Save the whole story, with a version, if the library holds a beginning of it that has ``before``.

    Anything else there is the writer's own: a text that was edited or replaced stays, in the trash too, and
    the whole becomes a version of it; a beginning stays if it was the whole before, of which the page keeps
    a version as soon as it has it. Returns the story as it is then, or None where its
    text stayed as it was. Waits for the disk. Raises the ``LibraryError`` family, and ``ConflictError``
    for a story that somebody changes again and again.
    """
    for left in reversed(range(TRIES)):
        try:
            return _finish(library, story)
        except ConflictError:
            if not left:
                raise
    raise AssertionError


def _finish(library: Library, story: FinishedStory) -> Story | None:
    if not story.generated:
        return None
    about: dict[str, Any] = {"settings": story.settings, "model": story.model or None}
    try:
        stored = library.get(story.id)
    except StoryMissingError:
        origins = None if story.before else extended((), len(story.text), "model")
        return library.create(id=story.id, text=story.text, origins=origins, reason="generation", **about)
    if stored.text != story.text:
        if _was_whole(library, story):
            return None
        if stored.trashed_at or not _is_beginning(stored.text, story):
            library.keep_version(story.id, "generation", text=story.text)
            return None
        origins = extended(stored.origins, len(story.text) - len(stored.text), "model")
        stored = library.save(story.id, stored.revision, text=story.text, origins=origins, **about)
    library.keep_version(story.id, "generation")
    return stored


def _is_beginning(stored: str, story: FinishedStory) -> bool:
    return story.text.startswith(stored) and len(stored) >= len(story.before)


def _was_whole(library: Library, story: FinishedStory) -> bool:
    """Whether all of it was there already: what is missing now, the writer has taken away."""
    words = count_words(story.text)
    numbers = [version.number for version in library.versions(story.id) if version.words == words]
    return any(library.version(story.id, number).text == story.text for number in numbers)
