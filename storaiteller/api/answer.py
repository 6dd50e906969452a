"""One request on the WebSocket, from ``started`` to its one ``done`` or ``error``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial

import anyio

from storaiteller.api.asking import ask
from storaiteller.api.errors import UNEXPECTED
from storaiteller.api.figures import Figures
from storaiteller.api.protocol import Error, ProgressReport, Started, Word, WordsMessage, WriteRequest
from storaiteller.api.told import Told
from storaiteller.engines.base import Engine
from storaiteller.engines.pool import EnginePool
from storaiteller.errors import StoraitellerError
from storaiteller.model_files import ModelInfo
from storaiteller.models import Models
from storaiteller.story import Candidate, Stage, count_words

log = logging.getLogger(__name__)

FRAME_SECONDS = 1 / 60
"""After the first word, text is sent at most once in the time a screen takes to show it."""

LOADING_SECONDS = 0.25
"""Between two reports on a model that is being loaded."""

MAX_AHEAD_CHARACTERS = 65_536
"""Text the model may be ahead of all its readers; then it waits for the first of them, if there is one."""


class Answer:
    """Runs ``request`` and tells what comes of it; ``stop`` ends it early.

    Two tasks: the model's text is taken as it comes, and told once a frame.
    """

    def __init__(self, request: WriteRequest, models: Models, pool: EnginePool, told: Told) -> None:
        self._request = request
        self._models = models
        self._pool = pool
        self._told = told
        self._scope = anyio.CancelScope()
        self._figures = Figures()
        self._model_id = ""
        self._started = False
        self._waiting: list[str] = []
        self._waiting_characters = 0
        self._news = asyncio.Event()

    @property
    def model_id(self) -> str:
        """The model that writes, once it is known; empty before."""
        return self._model_id

    def stop(self) -> None:
        """End the generation within a token; what was written is told, then ``done`` (cancelled)."""
        self._scope.cancel()

    async def run(self) -> None:
        """Tell everything about this request. Raises nothing but cancellation from outside."""
        failure: Error | None = None
        with self._scope:
            try:
                await self._write()
            except StoraitellerError as error:
                failure = self._error(error.code, error.message, error.field)
            except Exception:
                log.exception("a request failed unexpectedly")
                failure = self._error("internal", UNEXPECTED)
        self._finish(failure)

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
            self._report("loading", self._pool.bytes_read.get(model.id, 0), model.size_bytes)
            await anyio.sleep(LOADING_SECONDS)

    async def _write_with(self, engine: Engine) -> None:
        relay = asyncio.create_task(self._relay())
        try:
            await self._take(engine)
        finally:
            await _ended(relay)

    async def _take(self, engine: Engine) -> None:
        """Take the model's text as it comes; wait where all readers are far behind."""
        async with aclosing(ask(engine, self._request)) as stream:
            async for chunk in stream:
                if chunk.progress is not None:
                    self._figures.read = chunk.progress
                    self._start()
                    if self._request.progress:
                        self._report("reading", chunk.progress.done, chunk.progress.total)
                elif chunk.candidates is not None:
                    self._tell_words(chunk.candidates)
                elif chunk.finish_reason is not None:
                    self._figures.last = chunk
                else:
                    await self._queue(chunk.text)

    def _tell_words(self, words: Sequence[Candidate]) -> None:
        self._start()
        self._figures.note_word()
        told = tuple(Word(text=each.text, probability=round(each.probability, 4)) for each in words)
        self._told.tell(WordsMessage(id=self._request.id, words=told))

    async def _queue(self, text: str) -> None:
        self._figures.count_piece()
        self._waiting.append(text)
        self._waiting_characters += len(text)
        self._news.set()
        while self._told.lead + self._waiting_characters > MAX_AHEAD_CHARACTERS:
            await self._told.moved()

    async def _relay(self) -> None:
        """Tell what is waiting, once a frame."""
        while True:
            await self._news.wait()
            self._flush()
            await anyio.sleep(FRAME_SECONDS)

    def _flush(self) -> None:
        """Tell all that is waiting."""
        self._news.clear()
        if not self._waiting:
            return
        self._start()
        self._told.tell_text("".join(self._waiting))
        self._figures.note_word()
        self._waiting.clear()
        self._waiting_characters = 0

    def _start(self) -> None:
        if not self._started:
            read = self._figures.read
            tokens = read.total if read else None
            self._told.tell(Started(id=self._request.id, model=self._model_id, prompt_tokens=tokens))
            self._started = True

    def _report(self, stage: Stage, done: int, total: int) -> None:
        self._told.tell(ProgressReport(id=self._request.id, stage=stage, done=done, total=total))

    def _finish(self, failure: Error | None) -> None:
        try:
            self._conclude(failure)
        except Exception:
            log.exception("the end of a request could not be told")
            self._told.tell(self._error("internal", UNEXPECTED))

    def _conclude(self, failure: Error | None) -> None:
        self._flush()
        if failure is not None:
            self._told.tell(failure)
            return
        self._start()
        self._told.tell(self._figures.done(self._request.id, count_words(self._told.text)))

    def _error(self, code: str, message: str, field: str | None = None) -> Error:
        return Error(id=self._request.id, code=code, message=message, field=field)


async def _ended(task: asyncio.Task[None]) -> None:
    """See that ``task`` has ended, whatever is cancelled around us."""
    task.cancel()
    with anyio.CancelScope(shield=True):
        await asyncio.wait([task])
