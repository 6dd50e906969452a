"""One request on the WebSocket, from ``started`` to its one ``done`` or ``error``."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial

import anyio
from pydantic import BaseModel

from storaiteller.api.asking import ask
from storaiteller.api.errors import UNEXPECTED
from storaiteller.api.protocol import (
    ChunkMessage,
    Done,
    Error,
    ProgressReport,
    Started,
    TokenUsage,
    Word,
    WordsMessage,
    WriteRequest,
)
from storaiteller.engines.base import Engine
from storaiteller.engines.pool import EnginePool
from storaiteller.errors import StoraitellerError
from storaiteller.models import ModelInfo, Models
from storaiteller.story import Candidate, Chunk, Progress, Stage, Usage, count_words

log = logging.getLogger(__name__)

FRAME_SECONDS = 1 / 60
"""After the first word, text is sent at most once in the time a screen takes to show it."""

LOADING_SECONDS = 0.25
"""Between two reports on a model that is being loaded."""

MAX_WAITING_CHARACTERS = 65_536
"""Text the model may be ahead of a reader that stalls; then the model waits too."""


class Answer:
    """Runs ``request`` and sends what comes of it; ``stop`` ends it early.

    Two tasks: the model's text is taken as it comes, and sent as the reader takes it.
    """

    def __init__(
        self,
        request: WriteRequest,
        models: Models,
        pool: EnginePool,
        send: Callable[[BaseModel], Awaitable[None]],
    ) -> None:
        self._request = request
        self._models = models
        self._pool = pool
        self._send = send
        self._scope = anyio.CancelScope()
        self._begun = time.perf_counter()
        self._first_text = 0.0
        self._model_id = ""
        self._read: Progress | None = None
        self._started = False
        self._sent: list[str] = []
        self._waiting: list[str] = []
        self._waiting_characters = 0
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._relaying = False
        self._pieces = 0
        self._last: Chunk | None = None

    def stop(self) -> None:
        """End the generation within a token; what was written is sent, then ``done`` (cancelled)."""
        self._scope.cancel()

    async def run(self) -> None:
        """Send everything about this request. Raises nothing but cancellation from outside."""
        failure: Error | None = None
        with self._scope:
            try:
                await self._write()
            except StoraitellerError as error:
                failure = self._error(error.code, error.message, error.field)
            except Exception:
                log.exception("a request failed unexpectedly")
                failure = self._error("internal", UNEXPECTED)
        await self._finish(failure)

    async def _write(self) -> None:
        model = await self._models.find(self._request.model)
        self._model_id = model.id
        loading = asyncio.create_task(self._report_loading(model))
        try:
            async with self._pool.lend(model.id, partial(self._models.load, model)) as engine:
                await _ended(loading)
                await self._write_with(engine)
        finally:
            await _ended(loading)

    async def _report_loading(self, model: ModelInfo) -> None:
        """Say how far the model is, until somebody ends this."""
        while self._request.progress and model.size_bytes and not self._pool.is_loaded(model.id):
            await self._report("loading", self._pool.bytes_read.get(model.id, 0), model.size_bytes)
            await anyio.sleep(LOADING_SECONDS)

    async def _write_with(self, engine: Engine) -> None:
        relay = asyncio.create_task(self._relay())
        try:
            await self._take(engine)
        finally:
            await _ended(relay)

    async def _take(self, engine: Engine) -> None:
        """Take the model's text as it comes; wait where the reader is far behind."""
        async with aclosing(ask(engine, self._request)) as stream:
            async for chunk in stream:
                if chunk.progress is not None:
                    self._read = chunk.progress
                    await self._start()
                    if self._request.progress:
                        await self._report("reading", chunk.progress.done, chunk.progress.total)
                elif chunk.candidates is not None:
                    await self._tell_words(chunk.candidates)
                elif chunk.finish_reason is not None:
                    self._last = chunk
                else:
                    await self._queue(chunk.text)

    async def _tell_words(self, words: Sequence[Candidate]) -> None:
        await self._start()
        self._first_text = time.perf_counter()
        told = tuple(Word(text=each.text, probability=round(each.probability, 4)) for each in words)
        await self._send(WordsMessage(id=self._request.id, words=told))

    async def _queue(self, text: str) -> None:
        self._pieces += 1
        self._waiting.append(text)
        self._waiting_characters += len(text)
        self._news.set()
        while self._relaying and self._waiting_characters > MAX_WAITING_CHARACTERS:
            self._room.clear()
            await self._room.wait()

    async def _relay(self) -> None:
        """Send what is waiting, once a frame. What goes wrong here is met again at the end."""
        self._relaying = True
        try:
            while True:
                await self._news.wait()
                await self._flush()
                await anyio.sleep(FRAME_SECONDS)
        finally:
            self._relaying = False
            self._room.set()

    async def _flush(self) -> None:
        """Send all that is waiting. It is only forgotten once sent: sending may be cancelled."""
        self._news.clear()
        if not self._waiting:
            return
        await self._start()
        pieces = len(self._waiting)
        text = "".join(self._waiting)
        await self._send(ChunkMessage(id=self._request.id, seq=len(self._sent), text=text))
        self._first_text = self._first_text or time.perf_counter()
        self._sent.append(text)
        del self._waiting[:pieces]
        self._waiting_characters -= len(text)
        self._room.set()

    async def _start(self) -> None:
        if not self._started:
            request_id, tokens = self._request.id, self._read.total if self._read else None
            await self._send(Started(id=request_id, model=self._model_id, prompt_tokens=tokens))
            self._started = True

    async def _report(self, stage: Stage, done: int, total: int) -> None:
        await self._send(ProgressReport(id=self._request.id, stage=stage, done=done, total=total))

    async def _finish(self, failure: Error | None) -> None:
        try:
            await self._conclude(failure)
        except Exception:
            log.exception("the end of a request could not be told")
            await self._send(self._error("internal", UNEXPECTED))

    async def _conclude(self, failure: Error | None) -> None:
        await self._flush()
        if failure is not None:
            await self._send(failure)
            return
        await self._start()
        await self._send(self._done())

    def _done(self) -> Done:
        last = self._last or Chunk(finish_reason="cancelled")
        elapsed = time.perf_counter() - self._first_text if self._first_text else 0.0
        read = self._read or Progress("reading", 0, 0)
        usage = last.usage or Usage(read.total, read.cached, self._pieces, elapsed)
        waited = self._first_text - self._begun if self._first_text else 0.0
        return Done(
            id=self._request.id,
            finish_reason=last.finish_reason or "cancelled",
            words=count_words("".join(self._sent)),
            usage=TokenUsage(
                prompt=usage.prompt_tokens, cached=usage.cached_tokens, completion=usage.completion_tokens
            ),
            tokens_per_second=round(usage.completion_tokens / usage.seconds, 1) if usage.seconds else 0.0,
            time_to_first_token_ms=round(1000 * waited, 2),
        )

    def _error(self, code: str, message: str, field: str | None = None) -> Error:
        return Error(id=self._request.id, code=code, message=message, field=field)


async def _ended(task: asyncio.Task[None]) -> None:
    """See that ``task`` has ended, whatever is cancelled around us."""
    task.cancel()
    with anyio.CancelScope(shield=True):
        await asyncio.wait([task])
