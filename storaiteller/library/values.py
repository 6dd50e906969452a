"""What is kept in the library, as plain values. No I/O.

All times know their zone, which is UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

StoryId = str
"""32 lower-case hex characters, made by the server (``secrets.token_hex(16)``) or by the client."""

MAX_TEXT_BYTES = 4_000_000
"""The longest story that is kept, as UTF-8: about 700,000 words of English.

With a backslash before every letter it still fits into a request. A model is never given so much.
"""

Reason = Literal["generation", "rewrite", "pause", "restore", "before_restore", "named", "import"]
"""Why a version was kept."""

Sort = Literal["updated", "created", "title", "words"]
"""Times and words: the largest first. Titles: from A to Z, without regard to case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A story as it stands in a list."""

    id: StoryId
    title: str
    """May be empty: then a page shows the first words."""
    excerpt: str
    """The first 200 characters on one line; of a search, the passage that was found."""
    words: int
    created_at: datetime
    updated_at: datetime
    """When text, title, settings, model or tags last changed."""
    tags: tuple[str, ...]
    """In alphabetical order, without regard to case."""
    trashed_at: datetime | None
    revision: int
    """1 when the story is made, and one more with each save that changes something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story(Summary):
    """A story with all that is in it. The text is exact, to the last trailing space."""

    text: str
    settings: dict[str, Any] | None
    model: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A state of a story that was kept, as it stands on the timeline."""

    number: int
    """Counted from 1 within its story; never given twice."""
    at: datetime
    reason: Reason
    name: str | None
    words: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionText(Version):
    """A version with its text."""

    text: str
    settings: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Adopted:
    """What came of taking a story over: the story as it is in the library now."""

    story: Story
    is_taken: bool
    """Whether that changed the library: it was not there before, or in the trash, or without its versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of the stories that were asked for, and how many there are."""

    stories: tuple[Summary, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag as it was first written, and the number of stories that have it, those in the trash aside."""

    name: str
    stories: int
