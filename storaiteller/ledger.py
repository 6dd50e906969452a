"""An append-only ledger: durable rows of one CSV file, each with an id, of which the last one counts.

The file is the truth. It only ever grows, under a lock that holds between threads and processes; what
is kept in memory is an index that can be thrown away and read again. Text goes in as it is, so a cell
may begin with ``=``: an export made for spreadsheets has to see to that.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Generic

from filelock import FileLock, Timeout

from storaiteller import durable
from storaiteller.errors import LedgerError
from storaiteller.ledger_csv import columns_of, header_of, is_rearranged, is_row_begun
from storaiteller.ledger_index import Codec, Entry, Index, Note, Row

log = logging.getLogger(__name__)

_ADVICE = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "Make room on the disk"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "Allow writing to that folder"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """How a ledger speaks of itself. ``comfort`` says what is safe when it could not be written."""

    rows: str
    row: str
    comfort: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """A file put beside the ledger: its bytes do not belong in there, and are not ours to lose."""

    path: Path
    message: str


class UnfitError(Exception):
    """The file cannot be added to as it is; the words become part of a ``LedgerError``."""

    def __init__(self, why: str, advice: str) -> None:
        super().__init__(why)
        self.why = why
        self.advice = advice


class Ledger(Generic[Row, Note]):
    """Appends to the ledger at ``path`` and reads it; made at the first use, folder and all.

    Safe to share between threads, and the file between processes. Every method waits up to
    ``lock_timeout`` seconds for its turn and for the disk, so call it off the event loop; each
    raises ``LedgerError`` when the file could not be locked, read or written, and then nothing has
    changed.
    """

    def __init__(
        self, path: Path, codec: Codec[Row, Note], words: Words, *, lock_timeout: float = 10.0
    ) -> None:
        self.path = path.resolve()
        self._codec = codec
        self._words = words
        self._header = header_of(codec.columns)
        self._lock = FileLock(f"{self.path}.lock", timeout=lock_timeout, poll_interval=0.005)
        self._set_aside: list[SetAside] = []
        self._torn = 0
        self._index = Index(codec, self.path)

    def open(self) -> tuple[SetAside, ...]:
        """Recover from what went wrong before, and say what was set aside (by this object, so far).

        The other methods do the same first. Call it at the start to tell the writer early.
        """
        with self._held(f"The ledger of {self._words.rows} could not be opened"):
            return tuple(self._set_aside)

    def latest(self) -> Iterator[Row]:
        """The last row of each id, oldest first, whatever it says, one at a time in memory.

        A snapshot: rows written while it is being read are not in it.
        """
        with self._held(f"The {self._words.rows} could not be read"):
            entries = tuple(self._index.values())
            file = FileIO(self.path)  # rows never move, so the lock is not needed to read them
        with file:
            for entry in entries:
                yield self._row_at(file, entry)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Several calls as one: nobody else, here or in another program, reads or writes meanwhile."""
        with self._held(f"The {self._words.rows} could not be read"):
            yield

    @property
    def passed_over(self) -> int:
        """Rows that were not understood when the ledger was last read, and those that were set aside.

        The former stay in the file; of the latter only this object's own are counted.
        """
        return self._index.passed_over + self._torn

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
            raise self._failure(trouble, why, "Wait a moment") from error
        except OSError as error:
            why = f"{error.strerror or error}, says the disk of {self.path}"
            advice = _ADVICE.get(error.errno or 0, "See that the disk is well")
            raise self._failure(trouble, why, advice) from error
        except UnfitError as error:
            why = f"{self.path} {error.why}, and was left as it is"
            raise self._failure(trouble, why, error.advice) from error

    def _append(self, file: FileIO, rows: Iterable[Row]) -> None:
        """Add rows, all or none; on return they are on the disk."""
        raws = [self._codec.encode(row) for row in rows]
        if not raws:
            return
        durable.append(file.fileno(), b"".join(raws))
        for raw in raws:
            self._index.learn(raw)

    def _row_at(self, file: FileIO, entry: Entry[Note]) -> Row:
        return self._codec.decode(os.pread(file.fileno(), entry.length, entry.start))

    def _take_over(self, first_line: bytes) -> bool:
        """Make a ledger of ours out of one that has other columns. False when it is none that is known."""
        return False

    def _make_ready(self) -> None:
        """See that the file is there and ours: make it, take it over, or refuse it."""
        first = _first_line(self.path)
        if not first.endswith(b"\n") and self._header.startswith(first):
            durable.replace(self.path, self._header)
        elif columns_of(first) != self._codec.columns and not self._take_over(first):
            raise self._unfit(first)

    def _unfit(self, first: bytes) -> UnfitError:
        if not is_rearranged(first, self._codec.columns):
            return UnfitError(f"is not a ledger of {self._words.rows}", "Move that file elsewhere")
        order = ", ".join(self._codec.columns)
        advice = f"Save it anew with commas between just these columns, in this order: {order},"
        return UnfitError("has other columns, or other marks between them, than it was given", advice)

    def _catch_up(self, file: FileIO) -> None:
        """Learn what was appended since last time, by anybody; set a torn last row aside."""
        if torn := self._index.catch_up(file.fileno()):
            self._set_torn_aside(file.fileno(), torn)

    def _set_torn_aside(self, descriptor: int, torn: bytes) -> None:
        if not is_row_begun(torn, len(self._codec.columns)):
            why = "ends in an unfinished line that was not written by StorAIteller"
            raise UnfitError(why, "Finish that line or remove it")
        beside = self._beside("torn", torn)
        durable.truncate(descriptor, self._index.end)
        self._torn += 1
        row = self._words.row
        self._report(
            beside,
            f"The app stopped while it was saving a {row}: the {len(torn):,} bytes that it had "
            f"written are kept as {beside.name}. Every {row} saved before is there.",
        )

    def _beside(self, kind: str, data: bytes) -> Path:
        path = self.path.with_name(f"{self.path.name}.{kind}-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
        durable.create(path, data)
        return path

    def _report(self, beside: Path, message: str) -> None:
        log.warning("%s", message)
        self._set_aside.append(SetAside(beside, message))

    def _failure(self, trouble: str, why: str, advice: str) -> LedgerError:
        return LedgerError(f"{trouble}: {why}. {self._words.comfort} {advice} and try again.")


def _first_line(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.readline(1024)
    except FileNotFoundError:
        return b""
