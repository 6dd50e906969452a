"""The writer asks for the right thing, keeps what it is given, and lets the model go."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from storaiteller.answers.streams import Choice
from storaiteller.errors import GenerationFailedError, InvalidRequestError, StoryFullError
from storaiteller.prompts import story_prompt
from storaiteller.story import PLAIN, Message, Passage, StorySettings, Wish, count_words
from storaiteller.writer import continue_story, rewrite, write
from tests.fakes import ScriptedEngine, collect

PASSAGE = Passage(before="Ada ran. ", selected="She fell down the old well.", after=" Then the moon rose.")


async def test_a_story_is_asked_for_with_its_prompt_alone(settings: StorySettings) -> None:
    engine = ScriptedEngine()

    text, last = await collect(write(engine, settings, Choice(seed=3)))

    [(messages, options)] = engine.asked
    assert messages == [Message("user", story_prompt(settings))]
    assert options.seed == 3
    assert options.max_tokens >= settings.max_words
    assert text == "Once upon a time."
    assert last.finish_reason == "stop"
    assert last.usage is not None
    assert last.usage.completion_tokens == 3


async def test_a_model_that_runs_on_is_stopped_and_let_go(settings: StorySettings) -> None:
    engine = ScriptedEngine(["The moon ", "rose. "] * 500)

    text, last = await collect(write(engine, replace(settings, max_words=20), Choice()))

    assert count_words(text) == 18
    assert text.endswith("rose.")
    assert last.finish_reason == "length"
    assert engine.ended.is_set()


async def test_closing_the_stream_lets_the_model_go(settings: StorySettings) -> None:
    engine = ScriptedEngine(["Once ", asyncio.Event()])

    async with aclosing(write(engine, settings, Choice())) as stream:
        async for chunk in stream:
            if chunk.text:
                break

    assert engine.streaming == 0


async def test_what_was_held_back_is_not_lost_when_the_engine_fails(settings: StorySettings) -> None:
    engine = ScriptedEngine(["The moon rose. ", "The tide ", GenerationFailedError("gone")])
    texts: list[str] = []

    async def read() -> None:
        async for chunk in write(engine, replace(settings, max_words=20), Choice()):
            texts.append(chunk.text)  # noqa: PERF401 (a comprehension would lose them)

    with pytest.raises(GenerationFailedError):
        await read()

    assert "".join(texts) == "The moon rose. The tide"


async def test_going_on_keeps_the_whole_within_its_words(settings: StorySettings) -> None:
    engine = ScriptedEngine([" The moon", " rose."] * 50)
    begun = "Ada ran. " * 8

    text, _ = await collect(continue_story(engine, replace(settings, max_words=20), begun, Choice()))

    [(messages, _)] = engine.asked
    assert messages[-1] == Message("assistant", begun.rstrip())
    assert count_words(begun + text) == 19
    assert not text.startswith(" "), "the text ends with a space already"


async def test_going_on_with_a_full_story_is_refused(settings: StorySettings) -> None:
    with pytest.raises(StoryFullError, match="120 of at most 120"):
        continue_story(ScriptedEngine(), settings, "moon " * 120, Choice())


async def test_a_rewrite_shows_the_model_both_sides_and_takes_only_the_middle(
    settings: StorySettings,
) -> None:
    engine = ScriptedEngine([" She ", "tripped.", " Then the moon rose.", " And on."])

    text, last = await collect(rewrite(engine, settings, PASSAGE, Wish(instruction="kinder"), Choice()))

    [([question, prefill], _)] = engine.asked
    assert PASSAGE.after in question.content
    assert PASSAGE.selected in question.content
    assert "kinder" in question.content
    assert prefill == Message("assistant", "Ada ran.")
    assert text == "She tripped."
    assert last.finish_reason == "length"


async def test_a_blank_selection_is_refused(settings: StorySettings) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        rewrite(ScriptedEngine(), settings, replace(PASSAGE, selected=" \n"), PLAIN, Choice())

    assert refused.value.field == "selected"


async def test_a_passage_of_which_nothing_comes_is_asked_for_again(settings: StorySettings) -> None:
    engine = ScriptedEngine([" Then the moon rose."])

    text, last = await collect(rewrite(engine, settings, PASSAGE, PLAIN, Choice(seed=5)))

    assert [options.seed for _, options in engine.asked] == [5, 6, 7]
    assert text == ""
    assert last.finish_reason == "length"


async def test_the_time_a_story_took_is_measured_from_token_to_token(settings: StorySettings) -> None:
    _, last = await collect(write(ScriptedEngine(), settings, Choice()))

    assert last.usage is not None
    assert last.usage.seconds > 0
