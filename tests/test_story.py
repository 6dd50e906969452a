"""The plain values: how words are counted, and what settings there may be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from storaiteller.story import WORD, StorySettings, count_words

WORD_EXAMPLES = json.loads((Path(__file__).parent / "word_examples.json").read_text())
GOOD: dict[str, Any] = {"genre": "Fantasy", "register": "Playful", "max_words": 120}


@pytest.mark.parametrize(("text", "words"), WORD_EXAMPLES)
def test_words_are_counted_as_the_page_counts_them(text: str, words: int) -> None:
    assert count_words(text) == words


@given(st.text())
def test_nothing_but_space_stands_between_words(text: str) -> None:
    assert WORD.sub("", text).strip() == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_words": 19},
        {"max_words": 5_001},
        {"max_words": -5},
        {"max_words": 10**12},
        {"max_words": "120"},
        {"max_words": 120.0},
        {"max_words": True},
        {"genre": "Poetry"},
        {"register": "playful"},
        {"characters": [""]},
        {"characters": ["  "]},
        {"characters": ["a" * 81]},
        {"characters": ["two\nlines"]},
        {"characters": ["nul\0"]},
        {"characters": ["half \ud83d"]},
        {"characters": ["Ada"] * 21},
        {"keywords": ["moon"] * 41},
        {"child_friendly": "yes"},
        {"colour": "blue"},
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        StorySettings(**GOOD | wrong)


def test_names_are_kept_as_they_are_but_for_the_space_around_them() -> None:
    settings = StorySettings(**GOOD | {"characters": [" Ada ", "{{ 7*7 }}", '"""']})

    assert settings.characters == ("Ada", "{{ 7*7 }}", '"""')
