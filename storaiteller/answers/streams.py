"""From an engine's stream to the text that is kept of it.

Each function owns the engine's stream and closes it; closing the generator it returns frees the
model. Every stream ends with one chunk that carries ``finish_reason`` and ``usage``, whose reason is
``length`` when the text was ended to keep it within its words.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Protocol

from storaiteller.engines.base import Engine, GenerationOptions
from storaiteller.errors import EngineError, PromptTooLongError
from storaiteller.story import Chunk, Message, SamplingOptions, Usage

TOKENS_PER_WORD = 4
"""Generous, so that the sentence end decides and not the token limit: English needs 1.3."""

ATTEMPTS = 3
"""How often a passage is asked for before an empty one is taken for an answer."""

ChunkStream = AsyncGenerator[Chunk, None]


@dataclass(frozen=True, slots=True)
class Choice:
    """How to choose words: the same for every kind of request."""

    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    seed: int | None = None


class Filter(Protocol):
    @property
    def full(self) -> bool: ...
    def feed(self, text: str) -> str: ...
    def finish(self, *, cut_off: bool = False) -> str: ...


def bounded(choice: Choice, words: int) -> GenerationOptions:
    """Room for so many words, chosen like this."""
    return GenerationOptions(TOKENS_PER_WORD * words + 64, choice.sampling, choice.seed)


async def filtered(
    engine: Engine, messages: Sequence[Message], options: GenerationOptions, kept: Filter
) -> ChunkStream:
    """``PromptTooLongError`` also where the window was full before there was anything to show."""
    tally, said = _Tally(), False
    try:
        async with aclosing(engine.stream(messages, options)) as stream:
            async for chunk in stream:
                tally.count(chunk)
                if chunk.progress is not None:
                    yield chunk
                elif chunk.finish_reason is not None:
                    if not said:
                        _check_window(chunk, options)
                    if rest := kept.finish(cut_off=chunk.finish_reason == "length"):
                        yield Chunk(text=rest)
                    reason = "length" if kept.full else chunk.finish_reason
                    yield Chunk(finish_reason=reason, usage=tally.usage(chunk.usage))
                    return
                elif text := kept.feed(chunk.text):
                    said = True
                    yield Chunk(text=text)
                if kept.full:
                    break
    except EngineError:
        if rest := kept.finish():  # what was held back is the writer's all the same
            yield Chunk(text=rest)
        raise
    if rest := kept.finish():
        yield Chunk(text=rest)
    yield Chunk(finish_reason="length", usage=tally.usage())


def _check_window(last: Chunk, options: GenerationOptions) -> None:
    used = last.usage
    if last.finish_reason == "length" and used and used.completion_tokens < options.max_tokens:
        window = used.prompt_tokens + used.completion_tokens
        raise PromptTooLongError(used.prompt_tokens + options.max_tokens, window)


async def insisting(ask: Callable[[int], ChunkStream]) -> ChunkStream:
    """Ask again while nothing comes of it: a small model likes to go straight on to what follows."""
    for attempt in range(ATTEMPTS):
        said = False
        async with aclosing(ask(attempt)) as stream:
            async for chunk in stream:
                said = said or bool(chunk.text)
                if chunk.finish_reason is not None and not said and attempt + 1 < ATTEMPTS:
                    break
                yield chunk
            else:
                return


def another(options: GenerationOptions, attempt: int) -> GenerationOptions:
    return options if options.seed is None else replace(options, seed=options.seed + attempt)


class _Tally:
    """What a stream has cost so far, for when the model is stopped before it can say so itself."""

    def __init__(self) -> None:
        self._prompt_tokens = self._cached_tokens = self._pieces = 0
        self._first = self._last = 0.0

    def count(self, chunk: Chunk) -> None:
        if chunk.progress is not None:
            self._prompt_tokens = chunk.progress.total
            self._cached_tokens = chunk.progress.cached
        elif chunk.text:
            self._pieces += 1
            self._last = time.perf_counter()
            self._first = self._first or self._last

    def usage(self, told: Usage | None = None) -> Usage:
        """What the engine told, else a token for each piece of text; with the time it took."""
        usage = told or Usage(self._prompt_tokens, self._cached_tokens, self._pieces)
        return replace(usage, seconds=self._last - self._first)
