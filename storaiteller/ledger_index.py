"""What of a ledger stays in memory: where the last row of each id is. Thrown away, it is read again."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from storaiteller.ledger_csv import whole_rows

log = logging.getLogger(__name__)

Row = TypeVar("Row")
Note = TypeVar("Note")

_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Codec(Generic[Row, Note]):
    """What a ledger's rows are. ``note_of`` is what of a row stays in memory: keep it small.

    ``decode`` raises ``ValueError`` for a row that is not one of these.
    """

    columns: tuple[str, ...]
    encode: Callable[[Row], bytes]
    decode: Callable[[bytes], Row]
    id_of: Callable[[Row], str]
    note_of: Callable[[Row], Note]


class Entry(NamedTuple, Generic[Note]):
    """Where the last row of an id is, and what is known of it without reading it."""

    note: Note
    start: int
    length: int


class Index(Mapping[str, Entry[Note]], Generic[Row, Note]):
    """The entries of the file at ``path`` by their ids, in the order of their rows, as far as it was read.

    ``end`` is how far that is; ``passed_over`` counts the rows that were not understood.
    """

    def __init__(self, codec: Codec[Row, Note], path: Path) -> None:
        self._codec = codec
        self._path = path
        self._forget()

    def __getitem__(self, name: str) -> Entry[Note]:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def catch_up(self, descriptor: int) -> bytes:
        """Learn what was appended since last time, by anybody; return a torn last row, if there is one."""
        begin = self.end - len(self._last_bytes)
        if os.pread(descriptor, len(self._last_bytes), begin) != self._last_bytes:
            self._forget()  # the file was edited or exchanged
        if os.fstat(descriptor).st_size <= self.end:
            return b""
        os.fsync(descriptor)  # its writer may have died before doing so, and we vouch for it now
        with open(descriptor, "rb", closefd=False) as reader:
            reader.seek(self.end)
            for raw in whole_rows(reader):
                self.learn(raw)
            reader.seek(self.end)
            return reader.read()

    def learn(self, raw: bytes) -> None:
        """Take in the next row, which begins at ``end``."""
        start = self.end
        self.end += len(raw)
        self._last_bytes = raw[-_REMEMBERED:]
        if start == 0:
            return  # the header
        try:
            row = self._codec.decode(raw)
        except ValueError as error:
            log.warning("%s: the row at byte %d is passed over: %s", self._path, start, error)
            self.passed_over += 1
            return
        name = self._codec.id_of(row)
        self._entries.pop(name, None)  # so that the order is that of the last rows
        self._entries[name] = Entry(self._codec.note_of(row), start, len(raw))

    def _forget(self) -> None:
        self._entries: dict[str, Entry[Note]] = {}
        self.passed_over = 0
        self.end = 0
        self._last_bytes = b""
