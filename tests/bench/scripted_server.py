"""The app with one more door, for measurements: ``python -m tests.bench.scripted_server real|scripted``.

It is served as ``storaiteller serve`` serves it. ``scripted`` needs no model: ``PUT /bench/script`` says
what is written for which keyword. ``POST /bench/bare`` runs the same engine in the same process, with no
app around it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any
from unittest.mock import patch

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from storaiteller import server
from storaiteller.answers.streams import TOKENS_PER_WORD
from storaiteller.app import create_app
from storaiteller.config import Config, EngineChoice, load_config
from storaiteller.engines.base import Engine, GenerationOptions, Report
from storaiteller.model_files import ModelInfo
from storaiteller.models import Models
from storaiteller.prompts import story_messages
from storaiteller.story import Chunk, Message, StorySettings
from tests.bench import texts
from tests.fakes import ScriptedEngine, ScriptedModels


class Script(BaseModel):
    """What a scripted engine writes: ``count`` tokens of a ``kind``, ``pace`` seconds apart."""

    kind: texts.Kind
    count: int
    pace: float = 0.0


class Asked(BaseModel):
    """What the bare engine is asked for; ``limit`` ends it after so many pieces of text."""

    settings: StorySettings
    seed: int | None = None
    limit: int | None = None


class Bare(BaseModel):
    """How the bare engine did. Seconds count from the call; ``cpu`` is the whole process's."""

    text: str
    first: float
    seconds: float
    cpu: float


class State(BaseModel):
    """``cpu``: seconds used so far; of scripted streams: how many run, and the pieces they gave."""

    cpu: float
    streaming: int = 0
    pieces: int = 0


class Troupe:
    """An engine of scripted ones: the prompt says which of the keywords ``cast`` has a script for."""

    def __init__(self) -> None:
        self._cast: dict[str, tuple[ScriptedEngine, float]] = {}
        self.pieces = 0

    def cast(self, keyword: str, script: Script) -> None:
        text = texts.SCRIPTS[script.kind](script.count)
        self._cast[keyword] = (ScriptedEngine(text), script.pace)

    @property
    def streaming(self) -> int:
        return sum(engine.streaming for engine, _ in self._cast.values())

    async def stream(
        self, messages: Sequence[Message], options: GenerationOptions
    ) -> AsyncGenerator[Chunk, None]:
        prompt = messages[0].content
        engine, pace = next(known for keyword, known in self._cast.items() if keyword in prompt)
        async with aclosing(engine.stream(messages, options)) as chunks:
            async for chunk in chunks:
                if pace:
                    await asyncio.sleep(pace)
                self.pieces += 1
                yield chunk

    def next_tokens(self, messages: Sequence[Message], count: int) -> AsyncGenerator[Chunk, None]:
        raise NotImplementedError

    async def aclose(self) -> None:
        return


class RealModels(Models):
    """The app's own models; remembers the engine that was loaded."""

    engine: Engine

    async def load(self, model: ModelInfo, report: Report = lambda done: None) -> Engine:
        self.engine = await super().load(model, report)
        return self.engine


class FakeModels(ScriptedModels):
    """A scripted model that can be given other scripts."""

    def __init__(self) -> None:
        self.engine = Troupe()
        super().__init__(self.engine)


def bench_router(models: RealModels | FakeModels) -> APIRouter:
    router = APIRouter(prefix="/bench")

    @router.put("/script/{keyword}")
    async def cast(keyword: str, script: Script) -> None:
        assert isinstance(models, FakeModels)
        models.engine.cast(keyword, script)

    @router.post("/bare")
    async def run_bare(asked: Asked) -> Bare:
        return await _bare(models.engine, asked)

    @router.get("/state")
    async def state() -> State:
        if isinstance(models, RealModels):
            return State(cpu=time.process_time())
        troupe = models.engine
        return State(cpu=time.process_time(), streaming=troupe.streaming, pieces=troupe.pieces)

    return router


async def _bare(engine: Engine, asked: Asked) -> Bare:
    messages = story_messages(asked.settings)
    options = GenerationOptions(TOKENS_PER_WORD * asked.settings.max_words + 64, seed=asked.seed)
    pieces: list[str] = []
    first = 0.0
    cpu, begun = time.process_time(), time.perf_counter()
    async with aclosing(engine.stream(messages, options)) as stream:
        async for chunk in stream:
            if chunk.text:
                first = first or time.perf_counter()
                pieces.append(chunk.text)
                if len(pieces) == asked.limit:
                    break
    seconds = time.perf_counter() - begun
    return Bare(text="".join(pieces), first=first - begun, seconds=seconds, cpu=time.process_time() - cpu)


def main() -> None:
    config = load_config(engine=EngineChoice.EMBEDDED, browser=False)
    models = RealModels(config) if sys.argv[1] == "real" else FakeModels()

    def create(config: Config, **given: Any) -> FastAPI:
        app = create_app(config, models=models, **given)
        app.include_router(bench_router(models))
        return app

    with patch.object(server, "create_app", create):
        server.serve(config)


if __name__ == "__main__":
    main()
