"""A story of any length can be written on: the model is shown as much next to the place as it holds."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

import pytest

from storaiteller.answers.fitting import LEAST
from storaiteller.answers.streams import Choice, ChunkStream
from storaiteller.engines.base import GenerationOptions
from storaiteller.errors import PromptTooLongError, StoryFullError
from storaiteller.excerpt import around, ending
from storaiteller.reader import READ_FOR_WORDS, words_after
from storaiteller.story import MAX_WORDS, PLAIN, Chunk, Message, Passage, StorySettings, Usage, Wish
from storaiteller.writer import continue_story, insert, rewrite
from tests.fakes import Script, ScriptedEngine, collect

SENTENCES = [f"Sentence {number} is told here. " for number in range(6_000)]
LONG = "".join(SENTENCES)
"""30,000 words."""

WINDOW = 4_096
MIDDLE = len("".join(SENTENCES[:3_000]))


def tokens(messages: Sequence[Message]) -> int:
    return sum(len(message.content) for message in messages) // 4


def held(messages: Sequence[Message]) -> Script:
    """An engine with a window: it refuses what is longer, as llama.cpp does."""
    needed = tokens(messages)
    return [PromptTooLongError(needed, WINDOW)] if needed > WINDOW else [" It rained. And so on."]


class WindowedEngine(ScriptedEngine):
    def __init__(self) -> None:
        super().__init__(held)

    async def next_tokens(self, messages: Sequence[Message], count: int) -> AsyncGenerator[Chunk, None]:
        if tokens(messages) > WINDOW:
            self.asked.append((list(messages), GenerationOptions(1)))
            raise PromptTooLongError(tokens(messages), WINDOW)
        async for chunk in super().next_tokens(messages, count):
            yield chunk


def every_way(engine: ScriptedEngine, settings: StorySettings) -> dict[str, ChunkStream]:
    before, after = LONG[:MIDDLE], LONG[MIDDLE:]
    first, _, rest = after.partition(". ")
    passage = Passage(before=before, selected=f"{first}.", after=f" {rest}")
    return {
        "words": words_after(engine, settings, before),
        "insert": insert(engine, settings, before, after, "a dog barks", Choice()),
        "insert at the end": insert(engine, settings, LONG, "", "", Choice()),
        "rewrite": rewrite(engine, settings, passage, PLAIN, Choice()),
        "go on from a word": rewrite(engine, settings, passage, Wish(opening="Sentences"), Choice()),
    }


@pytest.mark.parametrize("way", ["words", "insert", "insert at the end", "rewrite", "go on from a word"])
async def test_of_a_long_story_the_model_sees_what_is_next_to_the_place(
    way: str, settings: StorySettings
) -> None:
    engine = WindowedEngine()

    text, last = await collect(every_way(engine, settings)[way])

    seen = next(messages for messages, _ in engine.asked if tokens(messages) <= WINDOW)
    assert len(engine.asked) < 12, "and it is found soon how much that is"
    assert WINDOW // 4 < tokens(seen) <= WINDOW * 3 // 4, "with room for an answer"
    assert way != "words" or len(seen[-1].content) <= READ_FOR_WORDS
    begun = seen[-1].content
    assert begun.startswith("Sentence ")
    last_before = SENTENCES[-1] if way == "insert at the end" else SENTENCES[2_999]
    assert last_before.strip() in begun
    if way in ("insert", "rewrite"):
        assert SENTENCES[3_001].strip() in seen[0].content
        assert SENTENCES[5_000].strip() not in seen[0].content
    assert last.finish_reason
    assert way == "words" or "rained" in text


async def test_a_story_within_its_words_goes_on_in_a_window_that_is_smaller(settings: StorySettings) -> None:
    engine = WindowedEngine()
    begun = "".join(SENTENCES[:900])

    text, _ = await collect(continue_story(engine, replace(settings, max_words=MAX_WORDS), begun, Choice()))

    assert text.strip().startswith("It rained.")
    assert engine.asked[-1][0][-1].content.endswith(SENTENCES[899].strip())


async def test_what_fits_is_shown_whole(settings: StorySettings) -> None:
    engine = WindowedEngine()
    begun = "".join(SENTENCES[:100])

    await collect(insert(engine, settings, begun, begun, "", Choice()))

    [(messages, _)] = engine.asked
    assert messages[-1].content == begun.strip()
    assert begun in messages[0].content


async def test_where_a_model_holds_next_to_nothing_that_is_said(settings: StorySettings) -> None:
    engine = ScriptedEngine(lambda messages: [PromptTooLongError(900, 8)])

    with pytest.raises(PromptTooLongError):
        await collect(insert(engine, settings, LONG, "", "", Choice()))

    assert len(engine.asked[-1][0][-1].content) <= LEAST


async def test_a_window_that_is_full_before_the_first_word_is_too_small(settings: StorySettings) -> None:
    class FullEngine(ScriptedEngine):
        async def stream(
            self, messages: Sequence[Message], options: GenerationOptions
        ) -> AsyncGenerator[Chunk, None]:
            self.asked.append((list(messages), options))
            if (needed := tokens(messages)) > WINDOW // 2:
                yield Chunk(finish_reason="length", usage=Usage(needed, 0, 0))
            else:
                yield Chunk(text=" It rained. And")
                yield Chunk(finish_reason="stop", usage=Usage(needed, 0, 4))

    engine = FullEngine()

    text, _ = await collect(insert(engine, settings, "".join(SENTENCES[:400]), "", "", Choice()))

    assert text.strip().startswith("It rained.")
    assert len(engine.asked) == 2


async def test_a_story_longer_than_settings_may_say_is_told_another_way_on(settings: StorySettings) -> None:
    with pytest.raises(StoryFullError, match="Write at the cursor") as refused:
        continue_story(ScriptedEngine(), replace(settings, max_words=MAX_WORDS), LONG, Choice())

    assert refused.value.field is None


@pytest.mark.parametrize("most", [0, 40, 600, 10**6])
def test_what_is_next_to_a_place_begins_and_ends_with_a_sentence(most: int) -> None:
    before, after = LONG[:MIDDLE], LONG[MIDDLE:]
    lead, rest = around(before, after, most)
    assert len(lead) + len(rest) <= most
    assert before.endswith(lead)
    assert after.startswith(rest)
    if most == 600:
        assert lead.startswith("Sentence ")
        assert rest.endswith(".")
    if most == 10**6:
        assert (lead, rest) == (before, after)


def test_where_one_side_is_short_the_other_has_its_room() -> None:
    lead, rest = around(LONG, "The end.", 3_000)
    assert (rest, len(lead) > 2_900) == ("The end.", True)
    lead, rest = around("Once.", LONG, 3_000)
    assert (lead, len(rest) > 2_900) == ("Once.", True)
    assert ending("海は静かだった。月が出た。" * 9, 20).startswith("月が出た。")
