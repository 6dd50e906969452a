"""The words a model thought of: whole, each once, and only those that stand there as words."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from storaiteller.answers.candidates import may_begin, merged, word_in
from storaiteller.errors import WordsUnsupportedError
from storaiteller.reader import words_after
from storaiteller.story import Candidate, Chunk, Message, StorySettings
from tests.fakes import Script, ScriptedEngine


@pytest.mark.parametrize(
    ("token", "before", "may"),
    [
        (" fox", "the", True),
        ("es", "the fox", False),
        ("Once", "", True),
        ("Then", "The end.\n", True),
        ("Oh", "She said “", True),
        ("猫", "一只", True),
        ("\n\n", "The end.", False),
        (" ", "the", True),
        (" \ufffd", "the", False),
        ("", "the", False),
    ],
)
def test_a_token_begins_a_word_where_one_can_begin(token: str, before: str, may: bool) -> None:
    assert may_begin(token, before) is may


@pytest.mark.parametrize(
    ("text", "word", "whole"),
    [
        (" lan", "lan", False),
        (" lantern of", "lantern", True),
        (" lantern,", "lantern", True),
        (" don't ", "don't", True),
        (" don'", "don", False),
        (" “Oh,", "“Oh", True),
        (" “", "", False),
        (",", "", True),
        (" --", "", False),
        (" ", "", False),
        (" 7,", "7", True),
        (" été ", "été", True),
        ("猫和", "猫", True),
        ("", "", False),
    ],
)
def test_a_word_ends_where_it_ends(text: str, word: str, whole: bool) -> None:
    assert word_in(text) == (word, whole)


def test_what_becomes_the_same_word_counts_together() -> None:
    found = [Candidate("fox", 0.2), Candidate("sea", 0.3), Candidate("fox", 0.2)]

    assert merged(found, 1) == (Candidate("fox", 0.4),)


async def told(engine: ScriptedEngine, settings: StorySettings, before: str) -> list[Chunk]:
    return [chunk async for chunk in words_after(engine, settings, before) if chunk.progress is None]


async def test_a_token_is_finished_by_the_model_itself(settings: StorySettings) -> None:
    def goes_on(messages: Sequence[Message]) -> Script:
        return {
            "the lan": ["tern", " of"],
            "the lantern": [" of", " gold"],
            "the sea": ["."],
            "the don": ["key", "'"],
        }[messages[-1].content]

    engine = ScriptedEngine(goes_on)
    engine.tokens = [
        (" lan", 0.4),
        (" sea", 0.2),
        ("s", 0.1),
        (" lantern", 0.1),
        (".", 0.05),
        (" don", 0.0001),
    ]

    words, last = await told(engine, settings, "the ")

    assert words.candidates is not None
    assert [(each.text, round(each.probability, 3)) for each in words.candidates] == [
        ("lantern", 0.5),
        ("sea", 0.2),
    ]
    assert last.finish_reason == "length"
    assert last.usage is not None
    assert engine.streaming == 0


async def test_before_the_first_word_the_tokens_begin_the_answer(settings: StorySettings) -> None:
    engine = ScriptedEngine([" "])
    engine.tokens = [("Once", 0.9)]

    words, _ = await told(engine, settings, "")

    assert words.candidates == (Candidate("Once", 0.9),)
    assert engine.asked[-1][0][-1] == Message("assistant", "Once")


async def test_an_engine_that_cannot_tell_says_so(settings: StorySettings) -> None:
    engine = ScriptedEngine()
    engine.tokens = WordsUnsupportedError("It cannot.")

    with pytest.raises(WordsUnsupportedError):
        await told(engine, settings, "Ada ")
