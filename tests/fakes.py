"""Scripted stand-ins for the edges we do not own. They record what they were asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing

from storaiteller.engines.base import Engine, GenerationOptions, PullProgress, Report
from storaiteller.errors import StoraitellerError
from storaiteller.model_files import DEMO_ID, ModelInfo
from storaiteller.models import Models
from storaiteller.story import Candidate, Chunk, Message, Progress, Usage

Script = Iterable[str | Exception | asyncio.Event]
"""Pieces of text to stream, errors to raise, and events to wait for, in order."""

Answers = Callable[[Sequence[Message]], Script]
"""A script for each question."""


class ScriptedEngine:
    """An engine that says what it was told to say, and knows whether anybody listened to the end."""

    def __init__(
        self, script: Script | Answers = ("Once ", "upon ", "a time."), *, prompt_tokens: int = 7
    ) -> None:
        self.script = script
        self.tokens: Sequence[tuple[str, float]] | Exception = [(" a", 0.5), (" the", 0.25)]
        """What it would write next, and how likely."""
        self.prompt_tokens = prompt_tokens
        self.asked: list[tuple[list[Message], GenerationOptions]] = []
        self.streaming = 0
        self.ended = asyncio.Event()
        """Set when any stream has ended; ``idle`` when all have."""
        self.idle = asyncio.Event()
        self.closed = False

    async def stream(
        self, messages: Sequence[Message], options: GenerationOptions
    ) -> AsyncGenerator[Chunk, None]:
        self.asked.append((list(messages), options))
        self.streaming += 1
        pieces = 0
        try:
            yield Chunk(progress=Progress("reading", self.prompt_tokens, self.prompt_tokens))
            for step in self.script(messages) if callable(self.script) else self.script:
                if isinstance(step, asyncio.Event):
                    await step.wait()
                elif isinstance(step, str):
                    await asyncio.sleep(0)
                    pieces += 1
                    yield Chunk(text=step)
                else:
                    raise step
            yield Chunk(finish_reason="stop", usage=Usage(self.prompt_tokens, 0, pieces))
        finally:
            self.streaming -= 1
            self.ended.set()
            if not self.streaming:
                self.idle.set()

    async def next_tokens(self, messages: Sequence[Message], count: int) -> AsyncGenerator[Chunk, None]:
        self.asked.append((list(messages), GenerationOptions(1)))
        if isinstance(self.tokens, Exception):
            raise self.tokens
        yield Chunk(progress=Progress("reading", self.prompt_tokens, self.prompt_tokens))
        yield Chunk(candidates=tuple(Candidate(*token) for token in self.tokens[:count]))
        yield Chunk(finish_reason="length", usage=Usage(self.prompt_tokens, 0, 1))

    async def aclose(self) -> None:
        self.closed = True


class ScriptedModels(Models):
    """Models whose one model, ``embedded/scripted``, is run by the given engine."""

    info = ModelInfo("embedded/scripted", "Scripted", "embedded", installed=True, size_bytes=1)

    def __init__(
        self,
        engine: Engine,
        pulls: Sequence[PullProgress | StoraitellerError] = (),
        *,
        base_id: str | None = DEMO_ID,
    ) -> None:
        self._engine = engine
        self._base_id = base_id
        self._pulls = pulls

    @property
    def settled_base_id(self) -> str | None:
        return self._base_id

    @property
    def default_id(self) -> str:
        return self.info.id

    async def decide(self) -> None:
        return

    async def listing(self) -> list[ModelInfo]:
        return [self.info]

    async def find(self, model_id: str | None) -> ModelInfo:
        return self.info

    async def load(self, model: ModelInfo, report: Report = lambda done: None) -> Engine:
        return self._engine

    async def pull(self, model_id: str) -> AsyncGenerator[PullProgress, None]:
        for step in self._pulls:
            if isinstance(step, StoraitellerError):
                raise step
            yield step

    async def aclose(self) -> None:
        await self._engine.aclose()


def scripted() -> ScriptedModels:
    """Models for tests that ask nothing of them."""
    return ScriptedModels(ScriptedEngine())


async def collect(stream: AsyncGenerator[Chunk, None]) -> tuple[str, Chunk]:
    """All the text of a stream, and its last chunk."""
    text, last = "", Chunk()
    async with aclosing(stream) as chunks:
        async for chunk in chunks:
            text += chunk.text
            last = chunk
    return text, last
