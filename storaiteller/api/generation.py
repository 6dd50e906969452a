"""One request: what is told of it, who hears it, and what the library is to hold of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import TypeAdapter

from storaiteller.api.answer import Answer
from storaiteller.api.attention import Attention
from storaiteller.api.finishing import FinishedStory
from storaiteller.api.protocol import Continue, Generate, WriteRequest
from storaiteller.api.told import Told
from storaiteller.engines.pool import EnginePool
from storaiteller.models import Models
from storaiteller.story import StorySettings

_settings = TypeAdapter(StorySettings)

ABANDONED_SECONDS = 30.0
"""What only its page can use is stopped when nobody has listened for so long. A reload takes a second or
two; a page that lost its line tries again every ten seconds at most."""


class Generation:
    def __init__(self, request: WriteRequest, models: Models, pool: EnginePool) -> None:
        self.id = request.id
        self.told = Told(request.id)
        self.attention = Attention()
        self.settled = asyncio.Event()
        """Nothing happens with it any more, in the library neither: nobody need listen."""
        self.ended_at = 0.0
        self.library_id = request.story if isinstance(request, Generate | Continue) else None
        self._is_story = isinstance(request, Generate | Continue)
        self._request: WriteRequest | None = request
        self._answer: Answer | None = Answer(request, models, pool, self.told)
        self._finished: FinishedStory | None = None
        self._leaving: asyncio.TimerHandle | None = None

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Somebody listens, as long as this is open."""
        if self._leaving:
            self._leaving.cancel()
        try:
            with self.attention.heard():
                yield
        finally:
            if not self.attention.is_heard and not self._is_story:
                self._leaving = asyncio.get_running_loop().call_later(ABANDONED_SECONDS, self.end)

    async def run(self) -> None:
        """To its end; then what was asked is let go, which may be megabytes, but for what finishing needs."""
        try:
            if self._answer:
                await self._answer.run()
        finally:
            self.ended_at = time.monotonic()
            self._finished = self.story
            self._request = self._answer = None

    def settle(self) -> None:
        """Only what was told is still wanted."""
        self._finished = None
        self.settled.set()

    def end(self) -> None:
        """End it within a token; what was written is told, then ``done`` (cancelled)."""
        if self._answer and not self.told.is_over:
            self._answer.stop()

    @property
    def story(self) -> FinishedStory | None:
        """What the library is to hold, as far as it has come; None for what does not belong there."""
        request, answer = self._request, self._answer
        if not isinstance(request, Generate | Continue) or request.story is None:
            return self._finished
        return FinishedStory(
            id=request.story,
            before=request.text if isinstance(request, Continue) else "",
            generated=self.told.text,
            settings=_settings.dump_python(request.settings, mode="json"),
            model=answer.model_id if answer else "",
        )
