"""Tells every open page which story of the library was changed: windows on one story follow each other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from storaiteller.api.protocol import Changed
from storaiteller.library.values import Summary


class Listener:
    """What one connection has not been told yet: of each story the last change, however slowly it reads."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._latest: dict[str, Changed] = {}
        self._news = asyncio.Event()

    def tell(self, change: Changed) -> None:
        """From any thread."""
        with suppress(RuntimeError):  # the loop has ended, and with it the connection
            self._loop.call_soon_threadsafe(self._take, change)

    async def next(self) -> Changed:
        """Wait for a change."""
        while not self._latest:
            self._news.clear()
            await self._news.wait()
        return self._latest.pop(next(iter(self._latest)))

    def _take(self, change: Changed) -> None:
        self._latest.pop(change.story, None)
        self._latest[change.story] = change
        self._news.set()


class News:
    """Safe to tell from any thread."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    @contextmanager
    def heard(self) -> Iterator[Listener]:
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def tell(self, story: Summary) -> None:
        """A story is in the library as it was not before."""
        is_trashed = story.trashed_at is not None
        change = Changed(story=story.id, revision=story.revision, trashed=is_trashed)
        for listener in tuple(self._listeners):
            listener.tell(change)
