"""The feedback ledger: every story the writer called good, each a durable row of one CSV file.

The file is the truth. It only ever grows, a row at a time, under a lock that holds between threads
and processes; what is kept in memory is an index that can be thrown away and read again. Text goes
in as it is, so a cell may begin with ``=``: an export made for spreadsheets has to see to that.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from storaiteller import durable
from storaiteller.errors import LedgerError, UnknownStoryError
from storaiteller.feedback_csv import (
    COLUMNS,
    FIRST_COLUMNS,
    GOOD,
    HEADER,
    TAKEN_BACK,
    GoodStory,
    LedgerRow,
    columns_of,
    decode_first_ledger,
    decode_row,
    encode_row,
    is_row_begun,
    whole_rows,
)

__all__ = ["GOOD", "TAKEN_BACK", "FeedbackLedger", "GoodStory", "LedgerRow", "SetAside"]

log = logging.getLogger(__name__)

_REMEMBERED = 64
_ADVICE = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "Make room on the disk"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "Allow writing to that folder"),
}


@dataclass(frozen=True, slots=True)
class SetAside:
    """A file put beside the ledger: its bytes do not belong in there, and are not ours to lose."""

    path: Path
    message: str


class _UnfitError(Exception):
    """The file cannot be added to as it is; the words are made for ``_failure``."""

    def __init__(self, why: str, advice: str) -> None:
        super().__init__(why)
        self.why = why
        self.advice = advice


class _Entry(NamedTuple):
    rating: int
    digest: bytes
    start: int
    length: int


class FeedbackLedger:
    """Appends to the ledger at ``path`` and reads it; made at the first use, folder and all.

    Safe to share between threads, and the file between processes. Every method waits up to
    ``lock_timeout`` seconds for its turn and for the disk, so call it off the event loop; each
    raises ``LedgerError`` when the file could not be locked, read or written, and then nothing has
    changed.
    """

    def __init__(self, path: Path, *, lock_timeout: float = 10.0) -> None:
        self.path = path.resolve()
        self._lock = FileLock(f"{self.path}.lock", timeout=lock_timeout, poll_interval=0.005)
        self._set_aside: list[SetAside] = []
        self._torn = 0
        self._forget()

    def open(self) -> tuple[SetAside, ...]:
        """Recover from what went wrong before, and say what was set aside (by this object, so far).

        The other methods do the same first. Call it at the start to tell the writer early.
        """
        with self._held("The ledger of good stories could not be opened"):
            return tuple(self._set_aside)

    def save(self, story: GoodStory) -> bool:
        """Rate ``story`` good. False when it was already, unchanged: the ledger keeps its one row.

        On return the row is on the disk.
        """
        with self._held("The story could not be saved") as file:
            known = self._index.get(story.story_id)
            if known and known.rating == GOOD and known.digest == story.digest():
                return False
            self._append(file, story, GOOD)
            return True

    def take_back(self, story_id: str) -> bool:
        """Rate a saved story not good after all. False when that was done already."""
        with self._held("The story could not be taken back") as file:
            known = self._index.get(story_id)
            if known is None:
                raise UnknownStoryError("This story was never saved, so there is nothing to undo.")
            if known.rating == TAKEN_BACK:
                return False
            self._append(file, _row_at(file, known), TAKEN_BACK)
            return True

    def latest(self) -> Iterator[LedgerRow]:
        """The last row of each story, oldest first, those taken back too, one at a time in memory.

        A snapshot: rows written while it is being read are not in it.
        """
        with self._held("The good stories could not be read"):
            entries = tuple(self._index.values())
            file = FileIO(self.path)  # rows never move, so the lock is not needed to read them
        with file:
            for entry in entries:
                yield _row_at(file, entry)

    @property
    def passed_over(self) -> int:
        """Rows that were not understood when the ledger was last read, and those that were set aside.

        The former stay in the file; of the latter only this object's own are counted.
        """
        return self._passed_over + self._torn

    @contextmanager
    def _held(self, trouble: str) -> Iterator[FileIO]:
        """Our turn: the file, opened for appending, whole, and read to its end."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock:
                self._make_ready()
                with FileIO(self.path, "a+") as file:
                    self._catch_up(file)
                    yield file
        except Timeout as error:
            why = f"another program is holding {self.path}"
            raise _failure(trouble, why, "Wait a moment") from error
        except OSError as error:
            why = f"{error.strerror or error}, says the disk of {self.path}"
            advice = _ADVICE.get(error.errno or 0, "See that the disk is well")
            raise _failure(trouble, why, advice) from error
        except _UnfitError as error:
            why = f"{self.path} {error.why}, and was left as it is"
            raise _failure(trouble, why, error.advice) from error

    def _make_ready(self) -> None:
        """See that the file is there and ours: make it, take it over, or refuse it."""
        first = _first_line(self.path)
        if not first.endswith(b"\n") and HEADER.startswith(first):
            durable.replace(self.path, HEADER)
        elif columns_of(first) == FIRST_COLUMNS:
            self._convert()
        elif columns_of(first) != COLUMNS:
            raise _UnfitError("is not a ledger of good stories", "Move that file elsewhere")

    def _convert(self) -> None:
        old = self.path.read_bytes()
        try:
            stories, lost = decode_first_ledger(old)
        except ValueError as error:
            why = "comes from the first StorAIteller but is not UTF-8"
            raise _UnfitError(why, "Save it anew as UTF-8, or move it elsewhere,") from error
        beside = self._beside("first", old)
        durable.replace(self.path, HEADER + b"".join(encode_row(story, GOOD) for story in stories))
        self._report(
            beside,
            f"{len(stories):,} stories of the first StorAIteller were taken over, and {lost:,} of "
            f"its rows were not understood. Its own file is kept as {beside.name}.",
        )

    def _catch_up(self, file: FileIO) -> None:
        """Learn what was appended since last time, by anybody; set a torn last row aside."""
        descriptor = file.fileno()
        begin = self._end - len(self._last_bytes)
        if os.pread(descriptor, len(self._last_bytes), begin) != self._last_bytes:
            self._forget()  # the file was edited or exchanged
        if os.fstat(descriptor).st_size > self._end:
            os.fsync(descriptor)  # its writer may have died before doing so, and we vouch for it now
            with open(descriptor, "rb", closefd=False) as reader:
                reader.seek(self._end)
                for raw in whole_rows(reader):
                    self._learn(raw)
                reader.seek(self._end)
                torn = reader.read()
            if torn:
                self._set_torn_aside(descriptor, torn)

    def _set_torn_aside(self, descriptor: int, torn: bytes) -> None:
        if not is_row_begun(torn):
            why = "ends in an unfinished line that was not written by StorAIteller"
            raise _UnfitError(why, "Finish that line or remove it")
        beside = self._beside("torn", torn)
        durable.truncate(descriptor, self._end)
        self._torn += 1
        self._report(
            beside,
            f"The app stopped while it was saving a story: the {len(torn):,} bytes that it had "
            f"written are kept as {beside.name}. Every story saved before is there.",
        )

    def _append(self, file: FileIO, story: GoodStory, rating: int) -> None:
        raw = encode_row(story, rating)
        durable.append(file.fileno(), raw)
        self._learn(raw)

    def _learn(self, raw: bytes) -> None:
        start = self._end
        self._end += len(raw)
        self._last_bytes = raw[-_REMEMBERED:]
        if start == 0:
            return  # the header
        try:
            row = decode_row(raw)
        except ValueError as error:
            log.warning("%s: the row at byte %d is passed over: %s", self.path, start, error)
            self._passed_over += 1
            return
        self._index.pop(row.story_id, None)  # so that the order is that of the last rows
        self._index[row.story_id] = _Entry(row.rating, row.digest(), start, len(raw))

    def _forget(self) -> None:
        self._index: dict[str, _Entry] = {}
        self._passed_over = 0
        self._end = 0
        self._last_bytes = b""

    def _beside(self, kind: str, data: bytes) -> Path:
        path = self.path.with_name(f"{self.path.name}.{kind}-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
        durable.create(path, data)
        return path

    def _report(self, beside: Path, message: str) -> None:
        log.warning("%s", message)
        self._set_aside.append(SetAside(beside, message))


def _failure(trouble: str, why: str, advice: str) -> LedgerError:
    return LedgerError(f"{trouble}: {why}. The text is still in the editor. {advice} and try again.")


def _first_line(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.readline(1024)
    except FileNotFoundError:
        return b""


def _row_at(file: FileIO, entry: _Entry) -> LedgerRow:
    return decode_row(os.pread(file.fileno(), entry.length, entry.start))
