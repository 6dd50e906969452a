"""Fifty streams, one of them to a client that does not read a byte.

The stalled one is to get 20 MB (of one-word sentences as long as a page), far more than the kernel's
buffers take. Once it stands still, 49 others ask for a story of 1,000 plain words each and read it to
the end. The same 49 are measured without it, by turns. All are streams of one scripted engine.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from statistics import median

from storaiteller.story import MAX_WORDS, count_words
from tests.bench import texts
from tests.bench.client import Client
from tests.bench.harness import BenchError, Row, data_folder, running, side_by_side, story_settings
from tests.bench.scripted_server import Script

READERS = 49
READ_WORDS = 996
READ = story_settings(MAX_WORDS)
UNREAD = story_settings(MAX_WORDS, ("stall",))
UNREAD_PAGES = 4_900
ROUNDS = 5
STANDSTILL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Crowd:
    """How it went: the 49's median seconds, the bytes by which the server grew, the bytes unread."""

    seconds: float
    growth: int
    unread: int = 0


def measure() -> list[Row]:
    with data_folder() as data, running("tests.bench.scripted_server", "scripted", data=data) as server:
        return asyncio.run(_measure(server))


async def _measure(server: tuple[str, int]) -> list[Row]:
    async with Client.of(server) as client:
        await client.script(Script(kind="words", count=READ_WORDS), "moon")
        await client.script(Script(kind="sentences", count=UNREAD_PAGES), "stall")
        await _crowd(client)  # warm
        beside, alone = await side_by_side(lambda: _beside_stalled(client), lambda: _crowd(client), ROUNDS)
    growth = max(crowd.growth for crowd in beside) / 2**20
    usual = max(crowd.growth for crowd in alone) / 2**20
    seconds = median(crowd.seconds for crowd in beside)
    usually = median(crowd.seconds for crowd in alone)
    taken = max(crowd.unread for crowd in beside) / 1e6
    return [
        Row(
            f"Memory of {READERS + 1} streams, one reader stalled",
            f"{growth:+.1f} MiB at the peak of {ROUNDS} runs (the {READERS} alone {usual:+.1f}); "
            f"the stalled stream stood still after {taken:.1f} of 20 MB",
            "≤ 8 MiB",
            growth <= 8,
        ),
        Row(
            f"Time of the {READERS} others, against without the stalled one",
            f"{seconds / usually:.2f}  ({seconds:.2f} against {usually:.2f} s, all whole)",
            "≤ 1.1",
            seconds / usually <= 1.1,
        ),
    ]


async def _beside_stalled(client: Client) -> Crowd:
    before = client.reset_peak_memory()
    async with _stalled_reader(client) as unread:
        growth = client.peak_memory() - before
        crowd = await _crowd(client)
        now = client.peak_memory()
        if (await client.state()).streaming != 1:
            raise BenchError("the stalled stream came to its end")
    return Crowd(crowd.seconds, max(growth, now - before), unread)


async def _crowd(client: Client) -> Crowd:
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(client.socket()) for _ in range(READERS)]
        before = client.reset_peak_memory()
        answers = await asyncio.gather(*(socket.ask("generate", READ) for socket in sockets))
        growth = client.peak_memory() - before
    if any(count_words(answer.text) != READ_WORDS for answer in answers):
        raise BenchError("a story is not whole")
    return Crowd(median(answer.seconds for answer in answers), growth)


@asynccontextmanager
async def _stalled_reader(client: Client) -> AsyncIterator[int]:
    """A client that asks for a story and reads nothing; yields the bytes it was written when it stands still.

    Then it is gone, and its stream must end within a second.
    """
    async with client.socket() as socket:
        socket.transport.pause_reading()
        before = (await client.state()).pieces
        await socket.send(json.dumps({"type": "generate", "id": "1", "settings": asdict(UNREAD)}))
        yield len(texts.sentences(1)[0]) * (await _standstill(client) - before)
        socket.transport.abort()
    gone = time.perf_counter()
    while (await client.state()).streaming:
        if time.perf_counter() - gone > 1:
            raise BenchError("the stalled stream goes on a second after its client went away")
        await asyncio.sleep(0.01)


async def _standstill(client: Client) -> int:
    """Pieces that the engine gave until it gave no more for a while."""
    pieces = -1
    while (now := (await client.state()).pieces) != pieces:
        pieces = now
        await asyncio.sleep(STANDSTILL_SECONDS)
    return pieces
