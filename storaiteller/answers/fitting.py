"""A story that is longer than what a model can hold: what is farthest from the place is left out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

from storaiteller.answers.streams import ChunkStream
from storaiteller.errors import PromptTooLongError

LEAST = 500
"""Characters of a story. A model that cannot hold so many of them cannot hold the question."""


async def fitted(length: int, ask: Callable[[int], ChunkStream]) -> ChunkStream:
    """``ask(most)`` with as many characters of a story as the model can hold: ``length`` at first, all of it.

    Where that is too much, half of the window is filled: it has to be read before the first word, and the
    rest is for the answer. Raises ``PromptTooLongError`` where ``LEAST`` characters are too much, too.
    """
    most, said = length, False
    while True:
        try:
            async with aclosing(ask(most)) as stream:
                async for chunk in stream:
                    said = said or bool(chunk.text)
                    yield chunk
            return
        except PromptTooLongError as error:
            if said or most <= LEAST:
                raise
            most = max(LEAST, _fewer(most, error))


def _fewer(most: int, error: PromptTooLongError) -> int:
    """A tenth less than should do: no two parts of a text have the same tokens for so many characters."""
    return int(0.9 * most * min(1.0, error.window / 2 / max(error.prompt_tokens, 1)))
