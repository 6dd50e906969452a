"""A passage that is put in has the space it needs on both sides, and is as long as was said."""

from __future__ import annotations

import pytest

from storaiteller.answers.insertion import MOST_IN_A_SENTENCE, InsertionFilter, seams
from storaiteller.answers.streams import Choice
from storaiteller.bounds import MOST_INSERTED, insertion_words
from storaiteller.errors import InvalidRequestError
from storaiteller.story import StorySettings, count_words
from storaiteller.writer import insert
from tests.fakes import ScriptedEngine, collect


@pytest.mark.parametrize(
    ("before", "after", "lead", "trail"),
    [
        pytest.param("Ada ran.", " She fell.", " ", "", id="between sentences"),
        pytest.param("Ada ran. ", "She fell.", "", " ", id="before the next sentence"),
        pytest.param("Ada ran to the", " sea.", " ", "", id="in a sentence"),
        pytest.param("Ada ran to the ", "sea.", "", " ", id="before a word"),
        pytest.param("Ada ran", ", as she could.", " ", "", id="before a comma"),
        pytest.param("She said: “", "Come”", "", " ", id="after a quote"),
        pytest.param("月が出た。", "海は静かだった。", "", "", id="where no spaces are written"),
        pytest.param("Ada ran.", "\n\nShe fell.", "\n\n", "", id="after a paragraph"),
        pytest.param("Ada ran.\n\n", "She fell.", "", "\n\n", id="before a paragraph"),
        pytest.param("Ada ran.\n\n", "\n\nShe fell.", "", "", id="on a line of its own"),
        pytest.param("Ada ran.\n", "\nShe fell.", "\n", "\n", id="on the empty line"),
        pytest.param("Ada ran.", "\nShe fell.", "\n", "", id="lines without gaps"),
        pytest.param("Ada ran.\n", "She fell.", "", "\n", id="before such a line"),
        pytest.param("Ada ran", "\n\nShe fell.", " ", "", id="an unfinished paragraph"),
        pytest.param("Ada ran.\r\n\r\n", "She fell.", "", "\r\n\r\n", id="carriage returns"),
        pytest.param("Ada ran.", "", "\n\n", "", id="at the end"),
        pytest.param("Ada ran.\n\n", " ", "", "", id="at the end, on a new line"),
        pytest.param("Ada ran to", "", " ", "", id="at the unfinished end"),
        pytest.param("", "Ada ran.", "", "\n\n", id="at the beginning"),
        pytest.param("", "\n\nAda ran.", "", "", id="at the beginning, above"),
    ],
)
def test_the_seams_are_those_of_the_text(before: str, after: str, lead: str, trail: str) -> None:
    assert seams(before, after) == (lead, trail)


def put_in(said: str, before: str, after: str, instruction: str = "") -> str:
    kept = InsertionFilter(before, after, instruction)
    text = "".join(kept.feed(said[at : at + 4]) for at in range(0, len(said), 4) if not kept.full)
    return text + kept.finish()


def test_a_paragraph_is_put_between_two() -> None:
    said = " The fox came.\n\nIt sat down.\n\nShe fell into the old well."

    assert put_in(said, "Ada ran.", "\n\nShe fell into the old well.") == "\n\nThe fox came."


def test_what_the_model_says_again_of_either_side_is_cut() -> None:
    said = "Ada ran away from home. The fox came. She fell into the old well. And on."

    text = put_in(said, "Ada ran away from home.", " She fell into the old well.")

    assert text == " The fox came."


def test_in_a_sentence_only_a_part_is_put() -> None:
    text = put_in(" very " + "cold, " * 50, "Ada ran to the", " sea.")

    assert count_words(text) == MOST_IN_A_SENTENCE
    assert text.startswith(" very cold")
    assert text[-1].isalpha()


@pytest.mark.parametrize(
    ("instruction", "words"),
    [
        ("", 60),
        ("a storm comes up", 60),
        ("longer, with detail", 120),
        ("keep it short", 20),
        ("about 200 words", 200),
        ("two paragraphs on the fox", 120),
        ("One sentence.", 15),
        ("999999 words", MOST_INSERTED),
        ("0 words", 5),
    ],
)
def test_an_instruction_may_say_how_long(instruction: str, words: int) -> None:
    enough, most = insertion_words(instruction)

    assert enough == words <= most
    text = put_in("The fox ran on. " * 2_000, "Ada ran.\n\n", "", instruction)
    assert words <= count_words(text) <= most


async def test_the_model_writes_on_from_what_stands_before(settings: StorySettings) -> None:
    engine = ScriptedEngine([" The fox came.", " She fell", " into the well."])

    text, _ = await collect(
        insert(engine, settings, "Ada ran. ", "She fell into the well.", "a fox", Choice())
    )

    [([question, begun], options)] = engine.asked
    assert "She fell into the well." in question.content
    assert "a fox" in question.content
    assert begun.content == "Ada ran."
    assert options.max_tokens < 1_000
    assert text == "The fox came. "


async def test_where_there_is_nothing_nothing_is_put_in(settings: StorySettings) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        insert(ScriptedEngine(), settings, " \n", "", "a fox", Choice())

    assert refused.value.field == "before"
