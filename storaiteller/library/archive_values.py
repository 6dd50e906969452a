"""What comes out of an archive, how much may, and what is said of what does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storaiteller.library.takes import MAX_BYTES as MAX_PASSAGES_BYTES
from storaiteller.library.values import MAX_TEXT_BYTES, Favourite, Passage, Story, VersionText

NO_ARCHIVE = (
    "This is no archive of StorAIteller, or it is damaged or cut short. Import a zip as it was exported; "
    "single stories can be imported as .txt, .md or .docx."
)
ENCRYPTED = "There is a password on this zip. Unpack it, pack it again without one, and import that."
NEWER = (
    "This archive was made by a newer StorAIteller, and holds what this one does not know. Bring "
    "StorAIteller up to date, then import it again."
)
_AGAIN = "Import an earlier export, or export it again where it came from."
WRONG_TEXT = f"A text of it is not the one that was exported: the archive is damaged. {_AGAIN}"
WRONG_RECORD = f"What the archive says of it cannot be understood: the archive is damaged. {_AGAIN}"
WRONG_ORIGINS = (
    "Who wrote what of it, or of one of its versions, is damaged in the archive, and was left out. Its texts "
    "were taken."
)
MISSING = f"A part of it is missing in the archive. {_AGAIN}"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes that may come out of an archive, whatever it says of itself."""

    text: int = MAX_TEXT_BYTES
    record: int = 16 * 1024 * 1024
    origins: int = 5_000_000
    passages: int = MAX_PASSAGES_BYTES + 1_000_000
    """Of a story, their times aside."""
    favourites: int = 1_000_000
    story: int = 1024**3
    """A story and its versions together; a text that several of them have counts once."""
    total: int = 4 * 1024**3


@dataclass(frozen=True, slots=True)
class Adoptable:
    """A story out of an archive, as ``Library.adopt`` takes it."""

    story: Story
    versions: Sequence[VersionText]
    passages: Sequence[Passage] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that was left out, by its name, and the reason as a sentence."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class AdoptableFavourites:
    """Favourites out of an archive, as ``Favourites.adopt`` takes them."""

    favourites: Sequence[Favourite]
