"""What the prompt cache saves: going on with a story that the model has just read, against a new one."""

from __future__ import annotations

import asyncio
from statistics import median

from tests.bench import texts
from tests.bench.client import Client
from tests.bench.harness import Row, data_folder, running, story_settings

WORDS = 1_000
STORY = story_settings(2 * WORDS)
STORIES = 3
ONE_MORE = " Then the tide turned, and nobody on the pier could say why."


def measure() -> list[Row]:
    with data_folder() as data, running("tests.bench.scripted_server", "real", data=data) as server:
        return [asyncio.run(_measure(server))]


async def _measure(server: tuple[str, int]) -> Row:
    """Time to the first words of ``continue``: of a text never seen, and of that text and a sentence more.

    Neither has a seed, so that the engine may use its cache; both are stopped at their first words.
    """
    cold, warm = [], []
    async with Client.of(server) as client, client.socket() as socket:
        for seed in range(STORIES):
            text = texts.story(WORDS, seed)
            cold.append(await socket.ask("continue", STORY, text=text, first_only=True))
            warm.append(await socket.ask("continue", STORY, text=text + ONE_MORE, first_only=True))
    first = median(answer.first for answer in cold)
    second = median(answer.first for answer in warm)
    return Row(
        f"First token of a second generation that shares {WORDS:,} words, against cold",
        f"1/{first / second:.0f}  ({1000 * second:.0f} ms against {first:.2f} s "
        f"for {cold[0].prompt:,} tokens, medians of {STORIES})",
        "≤ 1/20",
        second <= first / 20,
    )
