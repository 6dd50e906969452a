"""Who holds the loaded models: one at a time, lent to as many streams as want it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import anyio

from storaiteller.engines.base import Engine, Report
from storaiteller.errors import EngineError

Load = Callable[[Report], Awaitable[Engine]]
"""Makes an engine, and tells how many bytes of it have been read."""


class _Loaded:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.users = 0


class EnginePool:
    """Lends engines by model id, and closes them.

    The last one used stays loaded; the one before it is put away as soon as nobody streams from it,
    so that two large models do not share the memory for long.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, _Loaded] = {}
        self._loading: dict[str, asyncio.Task[None]] = {}
        self._current: str | None = None
        self._lock = asyncio.Lock()
        self.failures: dict[str, EngineError] = {}
        """Why a model could not be loaded when it was last asked for, by its id."""
        self.ready_once: set[str] = set()
        """Ids of the models that could be loaded; they need not be in memory now."""
        self.bytes_read: dict[str, int] = {}
        """How far a model that is being loaded has been read, by its id."""

    def is_loaded(self, model_id: str) -> bool:
        return model_id in self._loaded

    def is_loading(self, model_id: str) -> bool:
        return model_id in self._loading

    @asynccontextmanager
    async def lend(self, model_id: str, load: Load) -> AsyncIterator[Engine]:
        """The engine for ``model_id``, made by ``load`` if it is not there. Raises what ``load`` raises."""
        held = await self._hold(model_id, load)
        try:
            yield held.engine
        finally:
            held.users -= 1
            await self._put_unused_away()

    async def aclose(self) -> None:
        if self._loading:
            await asyncio.wait(self._loading.values())
        for model_id in list(self._loaded):
            await self._put_away(model_id)

    async def _hold(self, model_id: str, load: Load) -> _Loaded:
        if held := self._loaded.get(model_id):
            self._current = model_id
            held.users += 1
            await self._put_unused_away()
            return held
        async with self._lock:
            self._current = model_id
            await self._put_unused_away()
            if model_id not in self._loaded:
                await self._load_once(model_id, load)
            held = self._loaded[model_id]
            held.users += 1
            return held

    async def _load_once(self, model_id: str, load: Load) -> None:
        """Load in a task of its own, which goes on when whoever asked goes away.

        Native code cannot be stopped halfway, and the next to ask would load the same weights again
        beside it.
        """
        task = self._loading.get(model_id)
        if task is None:
            task = self._loading[model_id] = asyncio.create_task(self._load(model_id, load))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # heard by somebody
        await asyncio.shield(task)

    async def _load(self, model_id: str, load: Load) -> None:
        try:
            self._loaded[model_id] = _Loaded(await load(partial(self.bytes_read.__setitem__, model_id)))
        except EngineError as error:
            self.failures[model_id] = error
            raise
        finally:
            del self._loading[model_id]
            self.bytes_read.pop(model_id, None)
        self.failures.pop(model_id, None)
        self.ready_once.add(model_id)
        if model_id != self._current:
            await self._put_away(model_id)

    async def _put_unused_away(self) -> None:
        with anyio.CancelScope(shield=True):
            for model_id, held in list(self._loaded.items()):
                if not held.users and model_id != self._current:
                    await self._put_away(model_id)

    async def _put_away(self, model_id: str) -> None:
        if held := self._loaded.pop(model_id, None):
            await held.engine.aclose()
