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

Who = Literal["model", "edited", "writer"]
"""Who wrote a run of a text: the model, the model with a change by the writer, or the writer."""

Origins = tuple[tuple[int, Who], ...]
"""Who wrote a text, run by run: code points, at least one, and who. Neighbours differ, and the lengths add up
to the text's."""

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
    """When text, origins, title, settings, model or tags last changed."""
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
    origins: Origins | None = None
    """None: not known."""


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
    origins: Origins | None = None


PassageKind = Literal["passage", "insertion", "story"]
"""What takes were made of: words that stood there, a gap between two, or all of a story."""

By = Literal["model", "mix"]
"""Who made a take: the model, or the writer out of several takes."""

Outcome = Literal["open", "accepted", "discarded"]

Finish = Literal["stop", "length", "cancelled", "failed"]
"""How a take came to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One of the texts that may stand in a passage's place."""

    id: str
    text: str
    by: By
    outcome: Outcome
    finish: Finish | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A place in a story with its takes. ``before`` and ``after`` are what stood next to it."""

    id: str
    kind: PassageKind
    before: str
    original: str
    after: str
    action: str
    instruction: str
    register: str | None
    settings: dict[str, Any] | None
    model: str | None
    created_at: datetime
    updated_at: datetime
    takes: tuple[Take, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Favourite:
    """An instruction that the writer wants at hand."""

    id: str
    text: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Adopted:
    """What came of taking a story over: the story as it is in the library now."""

    story: Story
    is_taken: bool
    """Whether that changed the library: it was not there before, or in the trash, or without its versions,
    its origins or some of its passages or takes."""
    left_out: int = 0
    """Passages for which, or for whose takes, there was no room."""


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
