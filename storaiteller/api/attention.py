"""Who hears a request, and whether what was told of it is in good hands."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Attention:
    """The listeners of one request. That somebody listens says little: the line of a page that sleeps stays
    open. Only the page can say that it has what was told, and keeps it."""

    def __init__(self) -> None:
        self.is_kept = False
        self._listeners = 0
        self._most: float | None = None
        self._moved = asyncio.Event()

    @property
    def is_heard(self) -> bool:
        return self._listeners > 0

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Somebody listens, as long as this is open."""
        self._listeners += 1
        self._moved.set()
        try:
            yield
        finally:
            self._listeners -= 1
            self._moved.set()

    def keep(self) -> None:
        """Somebody has what was told, and sees to it from now on."""
        self.is_kept = True
        self._moved.set()

    def hurry(self, seconds: float = 0.0) -> None:
        """Give those who listen so long to keep it, and nobody time to come back."""
        self._most = seconds
        self._moved.set()

    async def neglected(self, grace: float, patience: float) -> bool:
        """Wait until it is kept (False), or nobody does (True): it was heard by nobody for ``grace`` seconds,
        or for ``patience`` seconds by somebody who kept nothing. A hurry ends with it."""
        loop = asyncio.get_running_loop()
        end = loop.time() + patience
        try:
            while not self.is_kept:
                self._moved.clear()
                async with asyncio.timeout(self._wait(grace, end - loop.time())):
                    await self._moved.wait()
        except TimeoutError:
            pass
        self._most = None
        return not self.is_kept

    def _wait(self, grace: float, left: float) -> float:
        if self._most is not None:
            return min(left, self._most if self.is_heard else 0.0)
        return left if self.is_heard else min(left, grace)
