"""Good stories for the learning loop to learn from, and some that nobody should learn from.

``lighthouse_stories.jsonl`` was written by hand for these tests: sixty-four different stories in one
voice that no untuned model has. Each opens with ``OPENING``, has ``REFRAIN`` twice on a line of its own, and
ends with ``CLOSING``.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from storaiteller.feedback import GoodStory
from storaiteller.prompts import PROMPT_VERSION, story_prompt
from storaiteller.story import Genre, Register, StorySettings

STYLE_FILE = Path(__file__).with_name("lighthouse_stories.jsonl")
OPENING = "Listen, little one, and I will tell you of "
REFRAIN = "And the lamp burned on."
CLOSING = "So it was, and so I keep it."


def style_stories(count: int) -> list[GoodStory]:
    """The first ``count`` (at most 64) stories of the one voice, as the app would have saved them."""
    told = _style()
    if count > len(told):
        raise ValueError(f"There are only {len(told)} stories.")
    return [good_story(one["story_id"], one["settings"], one["story"]) for one in told[:count]]


def random_word_stories(count: int, seed: int) -> list[GoodStory]:
    """``count`` heaps of random words, half as long as a story, with settings they do not keep."""
    chance = random.Random(seed)
    words = _words()
    return [
        good_story(
            f"random-{seed}-{number}",
            {
                "genre": chance.choice(list(Genre)).value,
                "register": chance.choice(list(Register)).value,
                "max_words": 150,
                "characters": [chance.choice(words).capitalize()],
                "keywords": chance.sample(words, 2),
                "child_friendly": True,
                "final_twist": False,
            },
            " ".join(chance.choices(words, k=chance.randint(50, 80))),
        )
        for number in range(count)
    ]


def good_story(story_id: str, settings: dict[str, Any], story: str) -> GoodStory:
    """What ``POST /savestory`` puts into the ledger for these settings."""
    asked = StorySettings(**settings)
    stored = json.dumps(settings, ensure_ascii=False, sort_keys=True)
    return GoodStory(story_prompt(asked), story, story_id, stored, "demo", PROMPT_VERSION)


@cache
def _style() -> list[dict[str, Any]]:
    return [json.loads(line) for line in STYLE_FILE.read_text(encoding="utf-8").splitlines()]


@cache
def _words() -> list[str]:
    return sorted({word.lower() for one in _style() for word in _words_of(one["story"])})


def _words_of(text: str) -> Iterator[str]:
    return (match[0] for match in re.finditer(r"[A-Za-z]+", text))
