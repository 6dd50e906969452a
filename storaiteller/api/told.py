"""What was told of one request, and can be told again: to a page that was reloaded, or to two at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from pydantic import BaseModel

from storaiteller.api.protocol import ChunkMessage, Done, Error, ProgressReport

CHUNK_BYTES = 64
"""What a chunk takes in memory besides its characters, about."""

Send = Callable[[BaseModel], Awaitable[None]]


class Told:
    """Everything told of the request ``id``, in order, and its readers, each at a pace of their own.

    Only text is kept of a chunk, whose number is its place; of progress only the last report.
    """

    def __init__(self, id: str) -> None:  # noqa: A002
        self.id = id
        self.is_over = False
        self._events: list[BaseModel | str] = []
        self._report: tuple[int, ProgressReport] | None = None
        """With the number of events before it."""
        self._characters = 0
        self._readers: set[_Reader] = set()
        self._news = asyncio.Event()
        self._moved = asyncio.Event()

    @property
    def text(self) -> str:
        return "".join(event for event in self._events if isinstance(event, str))

    @property
    def size(self) -> int:
        """Bytes it takes, about."""
        return self._characters + CHUNK_BYTES * len(self._events)

    def tell(self, message: BaseModel) -> None:
        """Add a message; ``Done`` and ``Error`` are the last."""
        if isinstance(message, ProgressReport):
            self._report = (len(self._events), message)
        else:
            self._events.append(message)
        self.is_over = isinstance(message, Done | Error)
        self._wake()

    def tell_text(self, text: str) -> None:
        """Add a chunk."""
        self._events.append(text)
        self._characters += len(text)
        self._wake()

    @property
    def lead(self) -> int:
        """Characters that no reader has taken yet; 0 when nobody reads."""
        if not self._readers:
            return 0
        return self._characters - max(reader.characters for reader in self._readers)

    async def moved(self) -> None:
        """Wait until more is told, or a reader has come further, or left. For one at a time."""
        self._moved.clear()
        await self._moved.wait()

    async def read(self, seq: int, send: Send) -> None:
        """Send all of it from chunk ``seq`` on, what is told from now on too, up to the last message."""
        reader = _Reader(self, seq)
        self._readers.add(reader)
        try:
            while True:
                news = self._news
                while message := reader.take():
                    await send(message)
                    self._moved.set()
                if self.is_over:
                    return
                await news.wait()
        finally:
            self._readers.discard(reader)
            self._moved.set()

    def _wake(self) -> None:
        """Whoever waits took the event before looking, so that nothing is told between the two."""
        self._news.set()
        self._news = asyncio.Event()
        self._moved.set()


class _Reader:
    """How far somebody has read."""

    def __init__(self, told: Told, seq: int) -> None:
        self._told = told
        self._wanted = seq
        self._at = 0
        self._chunks = 0
        self._shown = told._report if told._characters else None
        self.characters = 0

    def take(self) -> BaseModel | None:
        """The next message, or None when there is none yet."""
        if report := self._new_report():
            return report
        while self._at < len(self._told._events):
            event = self._told._events[self._at]
            self._at += 1
            if not isinstance(event, str):
                return event
            seq, self._chunks = self._chunks, self._chunks + 1
            self.characters += len(event)
            if seq >= self._wanted:
                return ChunkMessage(id=self._told.id, seq=seq, text=event)
        return self._new_report()

    def _new_report(self) -> ProgressReport | None:
        """A report that was not shown, if this is its place: nobody hears of progress afterwards."""
        last = self._told._report
        if last is None or last is self._shown or last[0] != self._at:
            return None
        self._shown = last
        return last[1]
