"""The files in an archive, none of which is believed: sizes are counted, digests compared, values checked."""

from __future__ import annotations

import hashlib
import json
from zipfile import ZipFile

from pydantic import ValidationError

from storaiteller.errors import InvalidRequestError
from storaiteller.library import origins, zips
from storaiteller.library.archive_records import PassageRecord
from storaiteller.library.archive_values import MISSING, WRONG_TEXT, Limits
from storaiteller.library.passages import MAX_BYTES, checked
from storaiteller.library.takes import MAX_PASSAGES
from storaiteller.library.texts import FileRefusedError
from storaiteller.library.values import Origins, Passage

_TIMES = 1_000
"""More bytes than the times of a passage take."""


class PartRefusedError(Exception):
    """A part of the archive cannot be taken; the words are made for ``Refused``."""


class Parts:
    """The files by their names, and how much came out of them."""

    def __init__(self, archive: ZipFile, limits: Limits) -> None:
        self._archive = archive
        self._entries = {entry.filename: entry for entry in archive.infolist()}
        self._limits = limits
        self._read = 0
        self.of_story = 0
        """Bytes that came out of the files of this story."""

    @property
    def names(self) -> set[str]:
        return set(self._entries)

    def begin_story(self) -> None:
        self.of_story = 0

    def read(self, name: str, most: int) -> bytes:
        """The bytes of a file. Raises ``PartRefusedError``."""
        if name not in self._entries:
            raise PartRefusedError(MISSING)
        try:
            return zips.unpacked(self._archive, self._entries[name], most)
        except zips.TooLargeError as error:
            raise PartRefusedError(
                f"A part of it is longer than {most:,} bytes, more than any story."
            ) from error
        except zips.UnfitZipError as error:
            raise PartRefusedError(WRONG_TEXT) from error

    def counted(self, name: str, most: int) -> bytes:
        """The same; stops at what really came out of all: a few bytes may stand for a terabyte."""
        raw = self.read(name, most)
        self._read += len(raw)
        self.of_story += len(raw)
        if self._read > self._limits.total:
            raise FileRefusedError(
                f"This archive unpacks to more than {self._limits.total:,} bytes, more than is taken. "
                "The stories before that were taken."
            )
        return raw

    def text(self, name: str, sha256: str) -> str:
        """The text with this digest. Raises ``PartRefusedError``."""
        raw = self.counted(name, self._limits.text)
        if hashlib.sha256(raw).hexdigest() != sha256:
            raise PartRefusedError(WRONG_TEXT)
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise PartRefusedError(WRONG_TEXT) from error


class OriginsReader:
    """The origins of one story and its versions, each read once; damaged ones are not known."""

    def __init__(self, parts: Parts, most: int) -> None:
        self._parts = parts
        self._most = most
        self._known: dict[str, tuple[Origins, int] | None] = {}
        self.is_damaged = False

    def of(self, text: str, sha256: str | None) -> Origins | None:
        """The origins of a text by their digest."""
        if sha256 is None:
            return None
        if sha256 not in self._known:
            self._known[sha256] = self._read(sha256)
        found = self._known[sha256]
        if found is None or found[1] != len(text):
            self.is_damaged = True
            return None
        return found[0]

    def _read(self, sha256: str) -> tuple[Origins, int] | None:
        try:
            raw = self._parts.counted(f"origins/{sha256}.json", self._most)
            if hashlib.sha256(raw).hexdigest() != sha256:
                return None
            found = origins.structured(json.loads(raw))
        except (PartRefusedError, ValueError, RecursionError, InvalidRequestError):
            return None
        return found, origins.length(found)


def read_passages(parts: Parts, story: str, count: int, most: int) -> tuple[tuple[Passage, ...], str]:
    """The passages of a story, and why some of its ``count`` were left out, if they were."""
    name = f"stories/{story}.passages.jsonl"
    if name not in parts.names and not count:
        return (), ""
    try:
        raw = parts.counted(name, most)
    except PartRefusedError as error:
        return (), f"Its passages with takes were left out. {error}"
    if raw.count(b"\n") > MAX_PASSAGES:
        return (), f"Its passages with takes were left out: they are more than {MAX_PASSAGES:,}."
    read = [_passage(line) for line in raw.removesuffix(b"\n").split(b"\n")]
    good = {passage.id: passage for passage in read if passage is not None}
    lost = max(count, len(read)) - len(good)
    told = f"{lost:,} of its passages with takes are damaged in the archive, and were left out."
    return tuple(good.values()), told if lost else ""


def _passage(line: bytes) -> Passage | None:
    if len(line) > MAX_BYTES + _TIMES:
        return None
    try:
        return checked(PassageRecord.value_of(line))
    except (ValidationError, InvalidRequestError):
        return None
