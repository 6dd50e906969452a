"""An archive of a library, read as a stream: one story at a time is in memory.

``archive_writing`` says what is in one. Nothing is unpacked to the disk, and no name leads anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO
from zipfile import ZipFile

from pydantic import ValidationError

from storaiteller.library import zips
from storaiteller.library.archive_parts import OriginsReader, PartRefusedError, Parts, read_passages
from storaiteller.library.archive_records import (
    ENTRY,
    FAVOURITES,
    FORMAT,
    MANIFEST,
    FavouritesRecord,
    Format,
    Listed,
    Manifest,
    StoryRecord,
    VersionRecord,
)
from storaiteller.library.archive_values import (
    ENCRYPTED,
    NEWER,
    NO_ARCHIVE,
    WRONG_ORIGINS,
    WRONG_RECORD,
    Adoptable,
    AdoptableFavourites,
    Limits,
    Refused,
)
from storaiteller.library.texts import FileRefusedError, one_line
from storaiteller.library.values import VersionText

_MAX_DIRECTORY_BYTES = 24 * 1024 * 1024
_WITH_FAVOURITES = 2
"""The first format that has them."""


def read_archive(
    file: BinaryIO, limits: Limits | None = None
) -> Iterator[Adoptable | AdoptableFavourites | Refused]:
    """Every story of the archive in ``file``, or why it was left out, in the order they were written.

    The favourites come last. Of what belongs to a story, what is damaged is left out and told after it.

    Raises ``FileRefusedError``: before the first story if it is no such archive, later only if more comes
    out of it than is allowed.
    """
    try:
        with zips.opened(file, most_directory_bytes=_MAX_DIRECTORY_BYTES) as archive:
            reader = _Reader(archive, limits or Limits())
            yield from reader.stories()
            yield from reader.favourites()
    except zips.EncryptedZipError as error:
        raise FileRefusedError(ENCRYPTED) from error
    except zips.UnfitZipError as error:
        raise FileRefusedError(NO_ARCHIVE) from error


class _Reader:
    def __init__(self, archive: ZipFile, limits: Limits) -> None:
        self._parts = Parts(archive, limits)
        self._limits = limits
        self._manifest = self._read_manifest()

    def stories(self) -> Iterator[Adoptable | Refused]:
        for listed in self._manifest.stories:
            try:
                story, left_out = self._story(listed)
                yield story
                yield from (Refused(_name(listed), why) for why in left_out)
            except PartRefusedError as error:
                yield Refused(_name(listed), str(error))

    def favourites(self) -> Iterator[AdoptableFavourites | Refused]:
        if self._manifest.format < _WITH_FAVOURITES:
            return
        try:
            raw = self._parts.read(FAVOURITES, self._limits.favourites)
            yield AdoptableFavourites(FavouritesRecord.model_validate_json(raw).values())
        except PartRefusedError as error:
            yield Refused("Favourites", str(error))
        except ValidationError:
            yield Refused("Favourites", WRONG_RECORD)

    def _read_manifest(self) -> Manifest:
        """The manifest, which lists all stories that the archive has, and each once."""
        try:
            raw = self._parts.read(MANIFEST, self._limits.record)
            if Format.model_validate_json(raw).format > FORMAT:
                raise FileRefusedError(NEWER)
            manifest = Manifest.model_validate_json(raw)
        except (ValidationError, PartRefusedError) as error:
            raise FileRefusedError(NO_ARCHIVE) from error
        ids = {each.id for each in manifest.stories}
        if len(ids) < len(manifest.stories) or not all(_is_expected(name, ids) for name in self._parts.names):
            raise FileRefusedError(NO_ARCHIVE)
        return manifest

    def _story(self, listed: Listed) -> tuple[Adoptable, list[str]]:
        """A story, and why some of what belongs to it was left out."""
        self._parts.begin_story()
        record = self._record(listed)
        runs = OriginsReader(self._parts, self._limits.origins)
        text = self._parts.text(f"stories/{listed.id}.txt", record.sha256)
        story = record.with_text(text, runs.of(text, record.origins))
        versions = self._versions(record.versions, runs)
        passages, lost = read_passages(self._parts, listed.id, record.passages, self._limits.passages)
        left_out = [self._too_many(len(record.versions) - len(versions))] * (
            len(versions) < len(record.versions)
        )
        if runs.is_damaged:
            left_out.append(WRONG_ORIGINS)
        if lost:
            left_out.append(lost)
        return Adoptable(story, versions, passages), left_out

    def _record(self, listed: Listed) -> StoryRecord:
        try:
            raw = self._parts.read(f"stories/{listed.id}.json", self._limits.record)
            record = StoryRecord.model_validate_json(raw)
        except ValidationError as error:
            raise PartRefusedError(WRONG_RECORD) from error
        if record.id != listed.id:
            raise PartRefusedError(WRONG_RECORD)
        return record

    def _versions(self, records: Sequence[VersionRecord], runs: OriginsReader) -> list[VersionText]:
        """The versions, oldest first; without the oldest, for want of room, if they are too many."""
        texts: dict[str, str] = {}
        versions: list[VersionText] = []
        for each in sorted(records, key=lambda each: each.number, reverse=True):
            if each.sha256 not in texts:
                texts[each.sha256] = self._parts.text(f"versions/{each.sha256}.txt", each.sha256)
            version = each.with_text(texts[each.sha256], runs.of(texts[each.sha256], each.origins))
            if self._parts.of_story > self._limits.story:
                break
            versions.append(version)
        return versions[::-1]

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
