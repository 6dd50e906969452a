"""What stands in the JSON files of an archive, and what the files in it are called. Format 2.

Of what is wrong in a list the first is enough: an error for each of a million takes gigabytes.

Format 1 has no origins, no passages and no favourites.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.dataclasses import dataclass

from storaiteller.library.values import (
    By,
    Favourite,
    Finish,
    Origins,
    Outcome,
    Passage,
    PassageKind,
    Reason,
    Story,
    Take,
    VersionText,
)

FORMAT = 2
MANIFEST, FAVOURITES = "library.json", "favourites.json"
ENTRY = re.compile(
    r"(?:library|favourites)\.json|versions/[0-9a-f]{64}\.txt|origins/[0-9a-f]{64}\.json"
    r"|stories/(?P<id>[0-9a-f]{32})\.(?:json|txt|passages\.jsonl)"
)

_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
_FromOne = Annotated[int, Field(strict=True, ge=1)]
_Count = Annotated[int, Field(strict=True, ge=0)]


class Format(BaseModel):
    """All that is read of a manifest before it is known which other fields it may have."""

    format: _FromOne


_STRICT = ConfigDict(extra="forbid")
"""A field that is not known here would be lost without a word."""


class _Record(BaseModel):
    model_config = ConfigDict(**_STRICT, frozen=True)


class VersionRecord(_Record):
    """A version; its text is the file named by ``sha256``, and its origins the one named by ``origins``."""

    number: _FromOne
    at: AwareDatetime
    reason: Reason
    name: str | None
    words: _Count
    settings: dict[str, Any] | None
    sha256: _Sha256
    origins: _Sha256 | None = None

    @classmethod
    def of(cls, version: VersionText, sha256: str, origins: str | None) -> Self:
        return cls(**_values(cls, version), sha256=sha256, origins=origins)

    def with_text(self, text: str, origins: Origins | None) -> VersionText:
        return VersionText(text=text, origins=origins, **_values(type(self), self))


class StoryRecord(_Record):
    """A story, all but its text, its origins and its passages, of which it has the number."""

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
    versions: Annotated[tuple[VersionRecord, ...], Field(fail_fast=True)]
    origins: _Sha256 | None = None
    passages: _Count = 0

    @classmethod
    def of(
        cls, story: Story, sha256: str, origins: str | None, versions: Sequence[VersionRecord], passages: int
    ) -> Self:
        parts = {"sha256": sha256, "origins": origins, "versions": tuple(versions), "passages": passages}
        return cls(**_values(cls, story), **parts)

    def with_text(self, text: str, origins: Origins | None) -> Story:
        return Story(text=text, origins=origins, excerpt="", **_values(type(self), self))


@dataclass(config=_STRICT, frozen=True)
class TakeRecord:
    """A take of a passage."""

    id: str
    text: str
    by: By
    outcome: Outcome
    finish: Finish | None


@dataclass(config=_STRICT, frozen=True)
class PassageRecord:
    """A passage with its takes: a line of a file.

    No ``BaseModel``, where a field called ``register`` would hide something.
    """

    id: _Id
    kind: PassageKind
    before: str
    original: str
    after: str
    action: str
    instruction: str
    register: str | None
    settings: dict[str, Any] | None
    model: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    takes: Annotated[tuple[TakeRecord, ...], Field(fail_fast=True)]

    @classmethod
    def line_of(cls, passage: Passage) -> bytes:
        takes = tuple(TakeRecord(**asdict(take)) for take in passage.takes)
        shallow = {each.name: getattr(passage, each.name) for each in fields(passage)}
        return bytes(_PASSAGE.dump_json(cls(**shallow | {"takes": takes}))) + b"\n"

    @staticmethod
    def value_of(line: bytes) -> Passage:
        """Raises ``ValidationError``."""
        values = asdict(_PASSAGE.validate_json(line))
        return Passage(**values | {"takes": tuple(Take(**take) for take in values["takes"])})


_PASSAGE = TypeAdapter(PassageRecord)


class FavouriteRecord(_Record):
    """A favourite instruction."""

    id: _Id
    text: str
    created_at: AwareDatetime


class FavouritesRecord(_Record):
    """All of them, newest first."""

    favourites: Annotated[tuple[FavouriteRecord, ...], Field(fail_fast=True)]

    @classmethod
    def of(cls, favourites: Sequence[Favourite]) -> Self:
        return cls(favourites=tuple(FavouriteRecord(**asdict(each)) for each in favourites))

    def values(self) -> list[Favourite]:
        return [Favourite(**dict(each)) for each in self.favourites]


class Listed(_Record):
    """A story as the manifest lists it."""

    id: _Id
    title: str


class Manifest(_Record):
    """``app`` says what wrote the archive, for people who look inside."""

    format: int
    app: str
    exported_at: AwareDatetime
    stories: Annotated[tuple[Listed, ...], Field(fail_fast=True)]


def _values(model: type[BaseModel], given: object) -> dict[str, Any]:
    """The fields that a record and a value have in common."""
    parts = ("sha256", "versions", "origins", "passages")
    return {name: getattr(given, name) for name in model.model_fields if name not in parts}
