"""What stands in the JSON files of an archive, and what the files in it are called. Format 1."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from storaiteller.library.values import Reason, Story, VersionText

FORMAT = 1
MANIFEST = "library.json"
ENTRY = re.compile(r"library\.json|versions/[0-9a-f]{64}\.txt|stories/(?P<id>[0-9a-f]{32})\.(?:json|txt)")

_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
_FromOne = Annotated[int, Field(strict=True, ge=1)]
_Count = Annotated[int, Field(strict=True, ge=0)]


class Format(BaseModel):
    """All that is read of a manifest before it is known which other fields it may have."""

    format: _FromOne


class _Record(BaseModel):
    """Strict: a field that is not known here would be lost without a word."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class VersionRecord(_Record):
    """A version; its text is the file named by ``sha256``."""

    number: _FromOne
    at: AwareDatetime
    reason: Reason
    name: str | None
    words: _Count
    settings: dict[str, Any] | None
    sha256: _Sha256

    @classmethod
    def of(cls, version: VersionText, sha256: str) -> Self:
        return cls(**_values(cls, version), sha256=sha256)

    def with_text(self, text: str) -> VersionText:
        return VersionText(text=text, **_values(type(self), self))


class StoryRecord(_Record):
    """A story, all but its text."""

    id: _Id
    title: str
    words: _Count
    created_at: AwareDatetime
    updated_at: AwareDatetime
    tags: tuple[str, ...]
    trashed_at: AwareDatetime | None
    revision: _FromOne
    settings: dict[str, Any] | None
    model: str | None
    sha256: _Sha256
    versions: tuple[VersionRecord, ...]

    @classmethod
    def of(cls, story: Story, sha256: str, versions: Sequence[VersionRecord]) -> Self:
        return cls(**_values(cls, story), sha256=sha256, versions=tuple(versions))

    def with_text(self, text: str) -> Story:
        return Story(text=text, excerpt="", **_values(type(self), self))


class Listed(_Record):
    """A story as the manifest lists it."""

    id: _Id
    title: str


class Manifest(_Record):
    """``app`` says what wrote the archive, for people who look inside."""

    format: int
    app: str
    exported_at: AwareDatetime
    stories: tuple[Listed, ...]


def _values(model: type[BaseModel], given: object) -> dict[str, Any]:
    """The fields that a record and a value have in common."""
    return {name: getattr(given, name) for name in model.model_fields if name not in ("sha256", "versions")}
