"""The whole library as one zip, written and read as a stream: one story at a time is in memory.

``stories/<id>.json`` is what is known of a story and its versions, ``stories/<id>.txt`` its text, and
``versions/<sha256>.txt`` the text of a version, each text once. ``library.json`` comes last, and lists
the stories: what lacks it is not whole. Nothing is unpacked to the disk, and no name leads anywhere.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pydantic import ValidationError

from storaiteller.library import zips
from storaiteller.library.archive_records import (
    ENTRY,
    FORMAT,
    MANIFEST,
    Format,
    Listed,
    Manifest,
    StoryRecord,
    VersionRecord,
)
from storaiteller.library.texts import FileRefusedError, one_line
from storaiteller.library.values import MAX_TEXT_BYTES, Story, VersionText

_MAX_DIRECTORY_BYTES = 24 * 1024 * 1024
_PIECE = 256 * 1024

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
MISSING = f"A part of it is missing in the archive. {_AGAIN}"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes that may come out of an archive, whatever it says of itself."""

    text: int = MAX_TEXT_BYTES
    record: int = 16 * 1024 * 1024
    story: int = 1024**3
    """A story and its versions together; a text that several of them have counts once."""
    total: int = 4 * 1024**3


@dataclass(frozen=True, slots=True)
class Adoptable:
    """A story out of an archive, as ``Library.adopt`` takes it."""

    story: Story
    versions: Sequence[VersionText]


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that was left out, by its name, and the reason as a sentence."""

    name: str
    why: str


class _StoryRefusedError(Exception):
    """One story of the archive cannot be taken; the words are made for ``Refused``."""


def write_archive(
    stories: Iterable[tuple[Story, Iterable[VersionText]]], app: str
) -> Generator[bytes, None, None]:
    """The bytes of the archive, piece by piece.

    Whatever reading the stories raises comes through; what was written by then is no whole archive.
    """
    pipe = _Pipe()
    listed: list[Listed] = []
    known: set[bytes] = set()
    with ZipFile(pipe, "w", ZIP_DEFLATED) as archive:
        for story, versions in stories:
            for name, data in _parts(story, versions, known):
                archive.writestr(_entry(name, story.updated_at), data)
                if len(pipe) >= _PIECE:
                    yield pipe.taken()
            listed.append(Listed(id=story.id, title=story.title))
        now = datetime.now(UTC)
        manifest = Manifest(format=FORMAT, app=app, exported_at=now, stories=tuple(listed))
        archive.writestr(_entry(MANIFEST, now), manifest.model_dump_json(indent=1))
    yield pipe.taken()


def read_archive(file: BinaryIO, limits: Limits | None = None) -> Iterator[Adoptable | Refused]:
    """Every story of the archive in ``file``, or why it was left out, in the order they were written.

    Raises ``FileRefusedError``: before the first story if it is no such archive, later only if more comes
    out of it than is allowed.
    """
    try:
        with zips.opened(file, most_directory_bytes=_MAX_DIRECTORY_BYTES) as archive:
            yield from _Reader(archive, limits or Limits()).stories()
    except zips.EncryptedZipError as error:
        raise FileRefusedError(ENCRYPTED) from error
    except zips.UnfitZipError as error:
        raise FileRefusedError(NO_ARCHIVE) from error


class _Reader:
    def __init__(self, archive: ZipFile, limits: Limits) -> None:
        self._archive = archive
        self._entries = {entry.filename: entry for entry in archive.infolist()}
        self._limits = limits
        self._read = 0
        self._read_of_story = 0

    def stories(self) -> Iterator[Adoptable | Refused]:
        for listed in self._listed():
            self._read_of_story = 0
            try:
                story, left_out = self._story(listed)
                yield story
                if left_out:
                    yield Refused(_name(listed), self._too_many(left_out))
            except _StoryRefusedError as error:
                yield Refused(_name(listed), str(error))

    def _listed(self) -> Sequence[Listed]:
        """The stories that the manifest lists: all that the archive has, and each once."""
        if MANIFEST not in self._entries:
            raise FileRefusedError(NO_ARCHIVE)
        raw = zips.unpacked(self._archive, self._entries[MANIFEST], self._limits.record)
        try:
            if Format.model_validate_json(raw).format > FORMAT:
                raise FileRefusedError(NEWER)
            listed = Manifest.model_validate_json(raw).stories
        except ValidationError as error:
            raise FileRefusedError(NO_ARCHIVE) from error
        ids = {each.id for each in listed}
        if len(ids) < len(listed) or not all(_is_expected(name, ids) for name in self._entries):
            raise FileRefusedError(NO_ARCHIVE)
        return listed

    def _story(self, listed: Listed) -> tuple[Adoptable, int]:
        """A story, and how many of its versions were left out, the oldest, for want of room."""
        try:
            record = StoryRecord.model_validate_json(
                self._part(f"stories/{listed.id}.json", self._limits.record)
            )
        except ValidationError as error:
            raise _StoryRefusedError(WRONG_RECORD) from error
        if record.id != listed.id:
            raise _StoryRefusedError(WRONG_RECORD)
        story = record.with_text(self._text(f"stories/{listed.id}.txt", record.sha256))
        texts: dict[str, str] = {}
        versions: list[VersionText] = []
        for each in sorted(record.versions, key=lambda each: each.number, reverse=True):
            if each.sha256 not in texts:
                text = self._text(f"versions/{each.sha256}.txt", each.sha256)
                if self._read_of_story > self._limits.story:
                    break
                texts[each.sha256] = text
            versions.append(each.with_text(texts[each.sha256]))
        return Adoptable(story, versions[::-1]), len(record.versions) - len(versions)

    def _text(self, name: str, sha256: str) -> str:
        raw = self._part(name, self._limits.text)
        self._count(len(raw))
        if hashlib.sha256(raw).hexdigest() != sha256:
            raise _StoryRefusedError(WRONG_TEXT)
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise _StoryRefusedError(WRONG_TEXT) from error

    def _part(self, name: str, most: int) -> bytes:
        if name not in self._entries:
            raise _StoryRefusedError(MISSING)
        try:
            return zips.unpacked(self._archive, self._entries[name], most)
        except zips.TooLargeError as error:
            raise _StoryRefusedError(
                f"A part of it is longer than {most:,} bytes, more than any story."
            ) from error
        except zips.UnfitZipError as error:
            raise _StoryRefusedError(WRONG_TEXT) from error

    def _count(self, size: int) -> None:
        """Stop at what really came out: a few bytes may stand for a terabyte."""
        self._read += size
        self._read_of_story += size
        if self._read > self._limits.total:
            raise FileRefusedError(
                f"This archive unpacks to more than {self._limits.total:,} bytes, more than is taken. "
                "The stories before that were taken."
            )

    def _too_many(self, versions: int) -> str:
        those = f"{versions:,} oldest versions were" if versions > 1 else "oldest version was"
        return (
            f"Its {those} left out: with all of them it is longer than {self._limits.story:,} bytes. Every "
            "text is still in the archive, in its folder “versions”: unpack it, and import what you need."
        )


def _name(listed: Listed) -> str:
    return one_line(listed.title) or listed.id


def _is_expected(name: str, ids: set[str]) -> bool:
    match = ENTRY.fullmatch(name)
    return match is not None and (match["id"] is None or match["id"] in ids)


def _parts(story: Story, versions: Iterable[VersionText], known: set[bytes]) -> Iterator[tuple[str, bytes]]:
    """The files of one story, by their names; texts that are ``known`` are in the archive already."""
    records = []
    for version in versions:
        raw = version.text.encode()
        digest = hashlib.sha256(raw)
        if digest.digest() not in known:
            known.add(digest.digest())
            yield f"versions/{digest.hexdigest()}.txt", raw
        records.append(VersionRecord.of(version, digest.hexdigest()))
    raw = story.text.encode()
    yield f"stories/{story.id}.txt", raw
    record = StoryRecord.of(story, hashlib.sha256(raw).hexdigest(), records)
    yield f"stories/{story.id}.json", record.model_dump_json(indent=1).encode()


def _entry(name: str, at: datetime) -> ZipInfo:
    year = min(max(at.year, 1980), 2107)  # all that a zip can hold
    entry = ZipInfo(name, (year, at.month, at.day, at.hour, at.minute, at.second))
    entry.compress_type = ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


class _Pipe(io.RawIOBase):
    """Takes what a ``ZipFile`` writes, for somebody to hand on."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def __len__(self) -> int:
        return len(self._pending)

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._pending += data
        return len(data)

    def taken(self) -> bytes:
        pending, self._pending = bytes(self._pending), bytearray()
        return pending
