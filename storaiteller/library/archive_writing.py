"""The whole library as one zip, written as a stream: one story at a time is in memory.

``stories/<id>.json`` is what is known of a story and its versions, ``stories/<id>.txt`` its text,
``stories/<id>.passages.jsonl`` its passages with their takes, one a line; ``versions/<sha256>.txt`` is the
text of a version and ``origins/<sha256>.json`` who wrote what of a text, each once. ``favourites.json`` has
the favourite instructions. ``library.json`` comes last, and lists the stories: what lacks it is not whole.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from storaiteller.library import origins
from storaiteller.library.archive_records import (
    FAVOURITES,
    FORMAT,
    MANIFEST,
    FavouritesRecord,
    Listed,
    Manifest,
    PassageRecord,
    StoryRecord,
    VersionRecord,
)
from storaiteller.library.values import Favourite, Passage, Story, VersionText

_PIECE = 256 * 1024


def write_archive(
    stories: Iterable[tuple[Story, Iterable[VersionText], Iterable[Passage]]],
    favourites: Sequence[Favourite],
    app: str,
) -> Generator[bytes, None, None]:
    """The bytes of the archive, piece by piece.

    Whatever reading the stories raises comes through; what was written by then is no whole archive.
    """
    pipe = _Pipe()
    listed: list[Listed] = []
    known: set[bytes] = set()
    with ZipFile(pipe, "w", ZIP_DEFLATED) as archive:
        for story, versions, passages in stories:
            for name, data in _parts(story, versions, passages, known):
                archive.writestr(_entry(name, story.updated_at), data)
                if len(pipe) >= _PIECE:
                    yield pipe.taken()
            listed.append(Listed(id=story.id, title=story.title))
        now = datetime.now(UTC)
        archive.writestr(_entry(FAVOURITES, now), FavouritesRecord.of(favourites).model_dump_json(indent=1))
        manifest = Manifest(format=FORMAT, app=app, exported_at=now, stories=tuple(listed))
        archive.writestr(_entry(MANIFEST, now), manifest.model_dump_json(indent=1))
    yield pipe.taken()


def _parts(
    story: Story, versions: Iterable[VersionText], passages: Iterable[Passage], known: set[bytes]
) -> Iterator[tuple[str, bytes]]:
    """The files of one story, by their names; contents that are ``known`` are in the archive already."""
    records = []
    for version in versions:
        text = _Content(version.text.encode())
        yield from text.part("versions", "txt", known)
        of_version = _origins_of(version)
        if of_version:
            yield from of_version.part("origins", "json", known)
        records.append(VersionRecord.of(version, text.sha256, of_version.sha256 if of_version else None))
    raw, of_story = _Content(story.text.encode()), _origins_of(story)
    if of_story:
        yield from of_story.part("origins", "json", known)
    yield f"stories/{story.id}.txt", raw.raw
    lines = [PassageRecord.line_of(each) for each in passages]
    if lines:
        yield f"stories/{story.id}.passages.jsonl", b"".join(lines)
    its_origins = of_story.sha256 if of_story else None
    record = StoryRecord.of(story, raw.sha256, its_origins, records, len(lines))
    yield f"stories/{story.id}.json", record.model_dump_json(indent=1).encode()


class _Content:
    """Bytes that are called by their digest, so that they are in the archive once."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._digest = hashlib.sha256(raw)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def part(self, folder: str, ending: str, known: set[bytes]) -> Iterator[tuple[str, bytes]]:
        """The file, by its name, unless it is ``known``."""
        digest = self._digest.digest()
        if digest not in known:
            known.add(digest)
            yield f"{folder}/{self.sha256}.{ending}", self.raw


def _origins_of(state: Story | VersionText) -> _Content | None:
    return None if state.origins is None else _Content(origins.written(state.origins))


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
