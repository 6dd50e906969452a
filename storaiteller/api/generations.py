"""The requests under way, and those that ended: they belong to the app, and outlive the connections."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

from storaiteller.api.finishing import FinishedStory, finish_story
from storaiteller.api.generation import Generation
from storaiteller.api.news import News
from storaiteller.api.protocol import WriteRequest
from storaiteller.engines.pool import EnginePool
from storaiteller.errors import InvalidRequestError, StoraitellerError
from storaiteller.library.library import Library
from storaiteller.library.values import StoryId
from storaiteller.models import Models

log = logging.getLogger(__name__)

MAX_RUNNING_IN_ALL = 32
"""Requests under way at once, of all connections: four windows' worth."""

FINISHING_SECONDS = 3.0
"""After the end of a story, until it is finished in the library: time for a reload to come for it itself."""

SLEEPING_SECONDS = 600.0
"""As long as this whoever heard a story to its end may take to keep it. The line of a page that sleeps is
found dead within a minute; some browsers hold it open for the page."""

RETRY_SECONDS = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Between tries to finish a story in a library that is locked, or has no room."""

MAX_SLEEPING = 16
"""Stories that wait so at once; the oldest waits no more. Each takes what its text takes."""

STOPPING_SECONDS = 10.0
"""Until a story that was stopped is in the library: a model that is being loaded may take longer."""

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
        self._unsettled: list[Generation] = []
        """In the order in which they were begun."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False

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
        self._unsettled.append(generation)
        task = asyncio.create_task(self._see_through(generation))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return generation

    def find(self, request_id: str) -> Generation:
        """A request under way, or one that ended and is remembered. Raises ``UnknownRequestError``."""
        self._forget()
        unsettled = (each for each in reversed(self._unsettled) if each.id == request_id)
        found = next(unsettled, None) or self._ended.get(request_id)
        if found is None:
            raise UnknownRequestError(f"There is no request {request_id!r} here.", field="id")
        return found

    def under_way(self, story: StoryId | None = None) -> list[Generation]:
        """Whatever is being written for the library, or for this story of it, in the order of its beginning.

        One that was told to its end is among them until the library has it, or somebody who keeps it.
        """
        known = [each for each in self._unsettled if each.library_id]
        return [each for each in known if story in (None, each.library_id)]

    async def stop(self, story: StoryId) -> bool:
        """End what is being written of a story; whether the library, or who hears it, has it in time."""
        stopped = self.under_way(story)
        for generation in stopped:
            generation.end()
            generation.attention.hurry(FINISHING_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOPPING_SECONDS):
                for generation in stopped:
                    await generation.settled.wait()
        return all(generation.settled.is_set() for generation in stopped)

    async def aclose(self) -> None:
        """End all that is under way; stories that nobody keeps are kept as far as they came."""
        self._is_closing = True
        for generation in self._unsettled:
            generation.end()
            generation.attention.hurry()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _see_through(self, generation: Generation) -> None:
        try:
            await generation.run()
            del self._running[generation.id]
            self._ended[generation.id] = generation
            self._forget()
            if (story := generation.story) and story.generated:
                self._wake_sleeping()
                if await generation.attention.neglected(FINISHING_SECONDS, SLEEPING_SECONDS):
                    await self._finish(generation, story)
        finally:
            self._unsettled.remove(generation)
            generation.settle()

    async def _finish(self, generation: Generation, story: FinishedStory) -> None:
        """See that the story is in the library, or with somebody who keeps it, as long as there is hope."""
        for pause in RETRY_SECONDS:
            if await self._saved(story) or self._is_closing:
                return
            if not await generation.attention.neglected(pause, pause):
                return
        await self._saved(story)

    async def _saved(self, story: FinishedStory) -> bool:
        try:
            if finished := await asyncio.to_thread(finish_story, self._library, story):
                self._news.tell(finished)
        except StoraitellerError as error:
            log.error("A story could not be finished in the library: %s", error.message)
            return False
        except Exception:
            log.exception("a story could not be finished in the library")
            return False
        return True

    def _wake_sleeping(self) -> None:
        """Wait no more for whoever was to keep the oldest, if there are too many."""
        sleeping = [each for each in self.under_way() if each.told.is_over]
        for generation in sleeping[:-MAX_SLEEPING]:
            generation.attention.hurry()

    def _forget(self) -> None:
        """Forget ended requests that are old, or too many."""
        size = sum(generation.told.size for generation in self._ended.values())
        oldest = time.monotonic() - ENDED_SECONDS
        for request_id, generation in list(self._ended.items()):
            if generation.ended_at > oldest and len(self._ended) <= MAX_ENDED and size <= MAX_ENDED_BYTES:
                break
            size -= generation.told.size
            del self._ended[request_id]
