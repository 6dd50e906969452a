"""Titles and summaries are what the story got, and not what the model says about giving them."""

from __future__ import annotations

import pytest

from storaiteller.answers.gist import SUMMARY_MOST, SummaryFilter, TitlesFilter, clean_title
from storaiteller.answers.streams import Choice
from storaiteller.errors import GenerationFailedError, InvalidRequestError, PromptTooLongError
from storaiteller.excerpt import GAP, excerpt
from storaiteller.reader import READ_FOR_SUMMARY, READ_FOR_TITLES, summary, titles
from storaiteller.story import count_words
from tests.fakes import ScriptedEngine, collect

STORY = "Ada ran to the sea. The fox saw her. " * 20


def heard(kept: TitlesFilter | SummaryFilter, said: str, size: int = 5) -> list[str]:
    pieces = []
    for at in range(0, len(said), size):
        pieces.append(kept.feed(said[at : at + size]))
        if kept.full:
            break
    return [piece for piece in (*pieces, kept.finish()) if piece]


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("1. The Fox", "The Fox"),
        ("  2) “The Sea.”", "The Sea"),
        ("- **The Lamp**", "The Lamp"),
        ("Title 3: The Moon", "The Moon"),
        ('"Who goes there?"', "Who goes there?"),
        ("Wait for me…", "Wait for me…"),
        ("1984", "1984"),
        ("4. Es war ein König;", "Es war ein König"),
        ("Sure! Here are five titles for your story:", ""),
        ("Here Be Dragons", "Here Be Dragons"),
        ("Titles:", ""),
        ("5.", ""),
        ("***", ""),
        ("I hope these titles catch the spirit of the story that you wrote for me today!", ""),
        ("猫和灯塔", "猫和灯塔"),
    ],
)
def test_a_title_stands_alone(line: str, title: str) -> None:
    assert clean_title(line) == title


@pytest.mark.parametrize("size", [1, 7, 500])
def test_titles_come_line_by_line_and_each_once(size: int) -> None:
    said = ' The Fox\n2. "The Sea"\n3. the fox\n\n4. The Lamp\n5. Night\n6. Day\n7. Dawn\n'

    pieces = heard(TitlesFilter(), said, size)

    assert "".join(pieces) == "The Fox\nThe Sea\nThe Lamp\nNight\nDay"
    if size < 500:
        assert pieces == ["The Fox", "\nThe Sea", "\nThe Lamp", "\nNight", "\nDay"]


def test_a_title_that_was_cut_off_is_none() -> None:
    kept = TitlesFilter()
    assert kept.feed("The Fox\nThe Lamp at the end of") == "The Fox"
    assert kept.finish(cut_off=True) == ""


def test_a_model_without_end_is_stopped() -> None:
    assert heard(TitlesFilter(), "The Fox\n" * 100) == ["The Fox"]
    assert heard(TitlesFilter(), "fox " * 2_000, 50) == []


@pytest.mark.parametrize(
    "said",
    [
        "Here is a summary of the story in three sentences:\n\nAda runs.\nThe fox sees her.",
        "**Summary:** Ada runs. The fox sees her.",
        " Ada runs.\nThe fox sees her.",
    ],
)
@pytest.mark.parametrize("size", [1, 6, 300])
def test_a_summary_is_sentences_in_one_paragraph(said: str, size: int) -> None:
    assert "".join(heard(SummaryFilter(), said, size)) == "Ada runs. The fox sees her."


def test_a_summary_ends_after_a_few_sentences() -> None:
    whole = "".join(heard(SummaryFilter(), "Ada ran to the sea at night. " * 90))
    assert 60 <= count_words(whole) <= SUMMARY_MOST
    assert whole.endswith("night.")

    talk = "".join(heard(SummaryFilter(), "Ada ran to the sea at night. " * 4 + "\n\nI wrote this for you."))
    assert talk == ("Ada ran to the sea at night. " * 4).rstrip()


def test_of_a_long_story_the_beginning_the_end_and_looks_between_are_read() -> None:
    text = "".join(f"This is sentence {number}. " for number in range(20_000))
    read = excerpt(text, 8_000)

    assert len(read) <= 8_000 + 3 * len(GAP)
    assert read.startswith("This is sentence 0.")
    assert read.endswith("This is sentence 19999.")
    assert all(part.startswith("This is") and part.endswith(".") for part in read.split(GAP))
    assert len(read.split(GAP)) == 4
    assert excerpt(STORY, 8_000) == STORY.strip()
    assert len(excerpt("x" * 100_000, 2_000)) < 2_100


@pytest.mark.parametrize(("ask", "most"), [(titles, READ_FOR_TITLES), (summary, READ_FOR_SUMMARY)])
async def test_a_story_of_any_length_is_read_as_far_as_the_model_can(ask, most) -> None:  # type: ignore[no-untyped-def]
    engine = ScriptedEngine(lambda messages: refuse_long(messages[0].content))

    text, _ = await collect(ask(engine, "天黑了。" * 250_000, Choice(seed=1)))

    assert text == "The Fox"
    lengths = [len(messages[0].content) for messages, _ in engine.asked]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] < most + 300
    assert lengths[-1] < 3_000


def refuse_long(question: str) -> list[str | Exception]:
    return [PromptTooLongError(len(question), 3_000)] if len(question) > 3_000 else ["The Fox"]


async def test_a_model_that_cannot_hold_anything_is_said_to() -> None:
    with pytest.raises(PromptTooLongError):
        await collect(titles(ScriptedEngine([PromptTooLongError(9, 8)]), STORY, Choice()))


async def test_a_model_that_finds_nothing_to_say_is_asked_again_and_then_given_up() -> None:
    engine = ScriptedEngine(["Here are five titles for your story:"])

    with pytest.raises(GenerationFailedError, match="nothing to say"):
        await collect(titles(engine, STORY, Choice(seed=4)))

    assert [options.seed for _, options in engine.asked] == [4, 5, 6]


@pytest.mark.parametrize("ask", [titles, summary])
@pytest.mark.parametrize("text", ["", " \n"])
async def test_where_there_is_no_story_there_is_nothing_to_find(ask, text: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidRequestError) as refused:
        ask(ScriptedEngine(), text, Choice())

    assert refused.value.field == "text"
