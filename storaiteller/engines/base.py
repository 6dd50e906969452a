"""The contract every engine keeps; ``tests/test_engine_contract.py`` runs it against each of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from storaiteller.story import Chunk, Message, SamplingOptions


@dataclass(frozen=True, slots=True)
class GenerationOptions:
    """``max_tokens`` bounds the answer; a ``seed`` makes it repeatable where the engine can."""

    max_tokens: int
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    seed: int | None = None


Report = Callable[[int], None]
"""Told, while a model is loaded, how many bytes of it have been read."""


@dataclass(frozen=True, slots=True)
class PullProgress:
    """A step of fetching a model: what is being done, and bytes of those known so far."""

    status: str
    completed: int
    total: int


class Engine(Protocol):
    """One model, ready to write."""

    def stream(self, messages: Sequence[Message], options: GenerationOptions) -> AsyncGenerator[Chunk, None]:
        """Stream an answer, or the continuation of a last ``assistant`` message.

        Chunks with ``progress`` (stage "reading", in tokens) may come first, then text without empty
        pieces, then exactly one last chunk with ``finish_reason`` (``stop`` or ``length``) and ``usage``.
        The caller owns the generator: closing it (``aclosing``) frees the model within one token.

        Raises only ``EngineError`` and ``PromptTooLongError``, before the first chunk or after any.
        """
        ...

    def next_tokens(self, messages: Sequence[Message], count: int) -> AsyncGenerator[Chunk, None]:
        """Tell the ``count`` likeliest tokens (at most 20) that an answer would begin or go on with.

        Their probabilities are the model's own, before any sampling. Progress may come first, then
        exactly one chunk with ``candidates``, likeliest first, then one last chunk as of ``stream``.

        Raises what ``stream`` raises, and ``WordsUnsupportedError`` where the engine cannot tell.
        """
        ...

    async def aclose(self) -> None:
        """Give back memory and connections. Streams still open end with ``EngineUnavailableError``."""
        ...
