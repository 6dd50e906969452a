"""What the app adds to the model: the same stories over the socket and from the bare engine.

Both come from one process and one loaded model, so that nothing differs but the app: ``LlamaCppEngine``
is either read directly there, or by this process through the WebSocket.
"""

from __future__ import annotations

import asyncio
from statistics import median

from tests.bench.client import Answer, Client
from tests.bench.harness import BenchError, Row, data_folder, running, side_by_side, story_settings

STORY = story_settings(120)
SEED = 3
STORIES = 5
LONG_STORY = story_settings(300)
FIRST_WORDS = 30
PAUSE_SECONDS = 0.1
"""Until the engine is at rest: it still computes the next token of a stream that was just stopped."""


def measure() -> list[Row]:
    with data_folder() as data, running("tests.bench.scripted_server", "real", data=data) as server:
        return asyncio.run(_measure(server))


async def _measure(server: tuple[str, int]) -> list[Row]:
    async with Client.of(server) as client:
        return [await _speed(client), await _first_word(client)]


async def _speed(client: Client) -> Row:
    """Tokens a second from the first words to the end: the client's clock against the engine's own.

    Same prompt, seed and number of tokens. With a seed the prompt is read anew each time, outside
    of what is measured.
    """
    async with client.socket() as socket:
        warm = await socket.ask("generate", STORY, seed=SEED)
        tokens = warm.tokens

        async def through_app() -> float:
            answer = await socket.ask("generate", STORY, seed=SEED)
            _same(answer.tokens, tokens)
            _same(answer.text, warm.text)
            return (tokens - 1) / (answer.seconds - answer.first)

        async def bare() -> float:
            found = await client.bare(STORY, seed=SEED, limit=tokens)
            _same(found.text[:100], warm.text[:100])
            return (tokens - 1) / (found.seconds - found.first)

        through, alone = await side_by_side(through_app, bare, STORIES)
    ratio = median(through) / median(alone)
    return Row(
        "Words through the WebSocket against the bare engine",
        f"{ratio:.3f}  ({median(through):.1f} against {median(alone):.1f} tokens/s, medians of {STORIES}; "
        f"bare from {min(alone):.1f} to {max(alone):.1f})",
        "≥ 0.97",
        ratio >= 0.97,
    )


async def _first_word(client: Client) -> Row:
    """Time to the first words of one prompt that the model has just read, both ways, then stopped."""
    async with client.socket() as socket:
        await socket.ask("generate", LONG_STORY, first_only=True)

        async def through_app() -> Answer:
            await asyncio.sleep(PAUSE_SECONDS)
            return await socket.ask("generate", LONG_STORY, first_only=True)

        async def bare() -> float:
            await asyncio.sleep(PAUSE_SECONDS)
            return (await client.bare(LONG_STORY, limit=1)).first

        through, alone = await side_by_side(through_app, bare, FIRST_WORDS)
    here = 1000 * median(answer.first for answer in through)
    there = 1000 * median(answer.first_there for answer in through)
    engine = 1000 * median(alone)
    added = here - engine
    return Row(
        "Time to first token that the app adds",
        f"{added:.1f} ms  ({here:.1f} against {engine:.1f} ms, medians of {FIRST_WORDS}; "
        f"by the server's own clock {there - engine:.1f} ms)",
        "≤ 5 ms",
        added <= 5,
    )


def _same(one: object, other: object) -> None:
    if one != other:
        raise BenchError(f"the two ways wrote different stories: {one!r}, {other!r}")
