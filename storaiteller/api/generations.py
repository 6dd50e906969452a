"""The requests under way, and those that ended: they belong to the app, and outlive the connections."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pydantic import TypeAdapter

from storaiteller.api.answer import Answer
from storaiteller.api.finishing import FinishedStory, finish_story
from storaiteller.api.news import News
from storaiteller.api.protocol import Continue, Generate, WriteRequest
from storaiteller.api.told import Told
from storaiteller.engines.pool import EnginePool
from storaiteller.errors import InvalidRequestError, StoraitellerError
from storaiteller.library.library import Library
from storaiteller.models import Models
from storaiteller.story import StorySettings

log = logging.getLogger(__name__)
_settings = TypeAdapter(StorySettings)

MAX_RUNNING_IN_ALL = 32
"""Requests under way at once, of all connections: four windows' worth."""

ABANDONED_SECONDS = 30.0
"""What only its page can use is stopped when nobody has listened for so long. A reload takes a second or
two; a page that lost its line tries again every ten seconds at most."""

FINISHING_SECONDS = 3.0
"""After the end of a story, until it is finished in the library: time for a reload to come for it itself."""

ENDED_SECONDS = 12 * 3600.0
"""How long an ended request can be told again: a tab closed in the evening may come back next morning."""

MAX_ENDED = 100
"""Ended requests that are remembered; the oldest are forgotten first."""

MAX_ENDED_BYTES = 16 * 1024 * 1024
"""What those may take together, about: a hundred long stories, told in small pieces."""


class DuplicateIdError(InvalidRequestError):
    """A request came with the id of one that is still under way."""

    code = "duplicate_id"


class UnknownRequestError(InvalidRequestError):
    """A ``stop`` or ``resume`` named a request that was never made, or is forgotten."""

    code = "unknown_request"


class TooManyRequestsError(InvalidRequestError):
    """As many requests are under way as may be."""

    code = "too_many_requests"


class Generation:
    """One request: what was told of it, and who listens."""

    def __init__(self, request: WriteRequest, models: Models, pool: EnginePool) -> None:
        self.id = request.id
        self.told = Told(request.id)
        self.settled = asyncio.Event()
        """Nothing happens with it any more, in the library neither: nobody need listen."""
        self.is_stopped = False
        self.ended_at = 0.0
        self._is_story = isinstance(request, Generate | Continue)
        self._request: WriteRequest | None = request
        self._answer: Answer | None = Answer(request, models, pool, self.told)
        self._listeners = 0
        self._leaving: asyncio.TimerHandle | None = None

    @property
    def is_heard(self) -> bool:
        return self._listeners > 0

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Somebody listens, as long as this is open."""
        self._listeners += 1
        if self._leaving:
            self._leaving.cancel()
        try:
            yield
        finally:
            self._listeners -= 1
            if not self._listeners and not self._is_story:
                self._leaving = asyncio.get_running_loop().call_later(ABANDONED_SECONDS, self.end)

    async def run(self) -> None:
        try:
            if self._answer:
                await self._answer.run()
        finally:
            self.ended_at = time.monotonic()

    def settle(self) -> None:
        """Only what was told is still wanted: what was asked may be megabytes."""
        self._request = self._answer = None
        self.settled.set()

    def stop(self) -> None:
        """The writer wants no more of it: what is there is all, and theirs to keep."""
        self.is_stopped = True
        self.end()

    def end(self) -> None:
        """End it within a token; what was written is told, then ``done`` (cancelled)."""
        if self._answer and not self.told.is_over:
            self._answer.stop()

    @property
    def finished_story(self) -> FinishedStory | None:
        """What the library is to hold if nobody else sees to it, or None."""
        request, answer = self._request, self._answer
        if not isinstance(request, Generate | Continue) or request.story is None or self.is_stopped:
            return None
        return FinishedStory(
            id=request.story,
            before=request.text if isinstance(request, Continue) else "",
            generated=self.told.text,
            settings=_settings.dump_python(request.settings, mode="json"),
            model=answer.model_id if answer else "",
        )


class Generations:
    """Runs requests, whoever listens, and remembers for a while what was told of them."""

    def __init__(self, models: Models, pool: EnginePool, library: Library, news: News) -> None:
        self._models = models
        self._pool = pool
        self._library = library
        self._news = news
        self._running: dict[str, Generation] = {}
        self._ended: dict[str, Generation] = {}
        """In the order in which they ended."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    def begin(self, request: WriteRequest) -> Generation:
        """Run a request. Raises ``DuplicateIdError`` and ``TooManyRequestsError``."""
        if request.id in self._running:
            raise DuplicateIdError(f"A request with the id {request.id!r} is still under way.", field="id")
        if len(self._running) >= MAX_RUNNING_IN_ALL:
            raise TooManyRequestsError(
                f"{MAX_RUNNING_IN_ALL} requests are under way, which is as many as can be. Stop one first."
            )
        self._ended.pop(request.id, None)
        generation = self._running[request.id] = Generation(request, self._models, self._pool)
        task = asyncio.create_task(self._see_through(generation))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return generation

    def find(self, request_id: str) -> Generation:
        """A request under way, or one that ended and is remembered. Raises ``UnknownRequestError``."""
        self._forget()
        found = self._running.get(request_id) or self._ended.get(request_id)
        if found is None:
            raise UnknownRequestError(f"There is no request {request_id!r} here.", field="id")
        return found

    async def aclose(self) -> None:
        """End all that is under way; stories that nobody listens to are kept as far as they came."""
        self._closing.set()
        for generation in self._running.values():
            generation.end()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _see_through(self, generation: Generation) -> None:
        try:
            await generation.run()
            del self._running[generation.id]
            self._ended[generation.id] = generation
            self._forget()
            await self._finish(generation)
        finally:
            generation.settle()

    async def _finish(self, generation: Generation) -> None:
        """See that the story is in the library, if nobody is there who would."""
        story = generation.finished_story
        if story is None:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), FINISHING_SECONDS)
        if generation.is_heard:
            return
        try:
            if finished := await asyncio.to_thread(finish_story, self._library, story):
                self._news.tell(finished)
        except StoraitellerError as error:
            log.error("A story could not be finished in the library: %s", error.message)
        except Exception:
            log.exception("a story could not be finished in the library")

    def _forget(self) -> None:
        """Forget ended requests that are old, or too many."""
        size = sum(generation.told.size for generation in self._ended.values())
        oldest = time.monotonic() - ENDED_SECONDS
        for request_id, generation in list(self._ended.items()):
            if generation.ended_at > oldest and len(self._ended) <= MAX_ENDED and size <= MAX_ENDED_BYTES:
                break
            size -= generation.told.size
            del self._ended[request_id]
