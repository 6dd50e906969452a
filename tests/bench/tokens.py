"""What a token costs the app, with an engine that costs nothing: ``ScriptedEngine``, told what to say.

Processor seconds are those of the server's process (all its threads; the client is in another one),
less those of the same process reading the same scripted engine with no app around it.
"""

from __future__ import annotations

import asyncio

from storaiteller.story import MAX_WORDS
from tests.bench import texts
from tests.bench.client import Answer, Client
from tests.bench.harness import BenchError, Row, data_folder, running, story_settings
from tests.bench.scripted_server import Script

MANY = 100_000
STORY = story_settings(MAX_WORDS)
FULL_STORY_TOKENS = 4_900
"""Whole words are tokens here, so this is nearly the longest story there can be."""

ENDLESS = Script(kind="one sentence", count=1_500)

SCREEN = Script(kind="words", count=240, pace=1 / 50)
"""A model as fast as the demo model: each token comes alone, and is a message of its own."""


def measure() -> list[Row]:
    with data_folder() as data, running("tests.bench.scripted_server", "scripted", data=data) as server:
        return asyncio.run(_measure(server))


async def _measure(server: tuple[str, int]) -> list[Row]:
    async with Client.of(server) as client:
        await _cost(client, Script(kind="letters", count=MANY // 10))  # warm
        return [
            *await _many(client),
            await _stories(client),
            await _endless_sentence(client),
            await _paced(client),
        ]


async def _many(client: Client) -> list[Row]:
    """One story of 100,000 one-letter tokens as fast as they go; its bytes against those of 10,000."""
    _, few = await _cost(client, Script(kind="letters", count=MANY // 10))
    micros, many = await _cost(client, Script(kind="letters", count=MANY))
    growth = many.size / few.size
    each = Row(
        f"App CPU per token, scripted engine of {MANY:,} tokens",
        f"{micros:.1f} µs  ({MANY / many.seconds:,.0f} tokens/s in {many.chunks:,} messages)",
        "≤ 50 µs",
        micros <= 50,
    )
    size = Row(
        f"Bytes on the wire for {MANY:,} tokens against {MANY // 10:,}",
        f"{growth:.2f} times  ({many.size:,} against {few.size:,} bytes)",
        "about 10",
        9 <= growth <= 10.5,
    )
    return [each, size]


async def _stories(client: Client) -> Row:
    """Stories one after another, whole words as tokens, with all that a request costs besides."""
    script = Script(kind="words", count=FULL_STORY_TOKENS)
    count = MANY // FULL_STORY_TOKENS
    costs = [(await _cost(client, script))[0] for _ in range(count)]
    micros = sum(costs) / count
    return Row(
        f"The same in {count} stories of {FULL_STORY_TOKENS:,} one-word tokens",
        f"{micros:.1f} µs  (from {min(costs):.1f} to {max(costs):.1f})",
        "≤ 50 µs",
        micros <= 50,
    )


async def _endless_sentence(client: Client) -> Row:
    """A story that never comes to a full stop, as a small model sometimes writes."""
    micros, _ = await _cost(client, ENDLESS)
    return Row(
        f"The same in one sentence of {ENDLESS.count:,} words",
        f"{micros:.1f} µs",
        "≤ 50 µs",
        micros <= 50,
    )


async def _paced(client: Client) -> Row:
    """Tokens as slow as a model writes them: no two share a message, and the processor sleeps between."""
    micros, answer = await _cost(client, SCREEN)
    return Row(
        f"The same at {1 / SCREEN.pace:.0f} tokens a second, one message each",
        f"{micros:.0f} µs, {100 * micros / 1e6 / SCREEN.pace:.1f} % of a core  "
        f"({answer.chunks} messages, {answer.size / answer.chunks:.0f} bytes each)",
    )


async def _cost(client: Client, script: Script) -> tuple[float, Answer]:
    """Microseconds of the app for each token of the script, all of which must arrive."""
    await client.script(script)
    before = await client.state()
    async with client.socket() as socket:
        answer = await socket.ask("generate", STORY)
    after = await client.state()
    bare = await client.bare(STORY)
    if answer.text != "".join(texts.SCRIPTS[script.kind](script.count)).rstrip():
        raise BenchError(f"{len(answer.text):,} characters of {script} arrived, and that is not all")
    return 1e6 * (after.cpu - before.cpu - bare.cpu) / script.count, answer
