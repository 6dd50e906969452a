"""What it costs to change one passage of a long story, against writing the whole anew."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from storaiteller.story import Passage, count_words
from tests.bench import texts
from tests.bench.client import Answer, Client
from tests.bench.harness import Row, data_folder, running, story_settings

WORDS = 1_000
SELECTED = 50
STORY = story_settings(WORDS)
SEED = 1
"""With the demo model this one goes on to the end; with most it has said all after 500 words."""


def measure() -> list[Row]:
    with data_folder() as data, running("tests.bench.scripted_server", "real", data=data) as server:
        return [asyncio.run(_measure(server))]


async def _measure(server: tuple[str, int]) -> Row:
    """Completion tokens and seconds, from asking to ``done``, of three requests.

    A new story of 1,000 words; a rewrite of 50 words in the middle of another, which the model has
    not read; and ``Try again`` on the same passage. The rewrites have no seed, so that the last may
    use the cache.
    """
    passage = _middle(texts.story(WORDS, seed=7))
    parts: dict[str, Any] = {"before": passage.before, "selected": passage.selected, "after": passage.after}
    async with Client.of(server) as client, client.socket() as socket:
        first = await socket.ask("rewrite", STORY, **parts)
        again = await socket.ask("rewrite", STORY, **parts)
        whole = await socket.ask("generate", STORY, seed=SEED)
    return Row(
        f"Rewriting {count_words(passage.selected)} words of {WORDS:,}, against the whole anew",
        f"1/{whole.tokens / first.tokens:.0f} of the tokens, "
        f"1/{whole.seconds / first.seconds:.1f} of the time, 1/{whole.seconds / again.seconds:.0f} again\n"
        f"whole: {_told(whole)}\nrewrite: {_told(first)}\nagain: {_told(again)}",
    )


def _told(answer: Answer) -> str:
    return (
        f"{answer.tokens:,} tokens ({count_words(answer.text):,} words) in {answer.seconds:.1f} s, "
        f"{answer.first:.1f} s of them reading"
    )


def _middle(story: str) -> Passage:
    """The whole sentences around the middle that have about ``SELECTED`` words."""
    ends = [match.end() for match in re.finditer(r"\.(?=\s)", story)]
    begin = next(end for end in ends if count_words(story[:end]) >= (WORDS - SELECTED) // 2) + 1
    end = next(end for end in ends if count_words(story[begin:end]) >= SELECTED - 4)
    return Passage(before=story[:begin], selected=story[begin:end], after=story[end:])
