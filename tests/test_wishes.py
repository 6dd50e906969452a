"""What is wished of a passage decides what is asked, and how long the answer may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from storaiteller.answers.splice import PassageFilter
from storaiteller.answers.streams import Choice
from storaiteller.bounds import lengths
from storaiteller.prompts import rewrite_messages, rewrite_prompt
from storaiteller.story import PLAIN, Action, Message, Passage, Register, StorySettings, Wish, count_words
from storaiteller.writer import rewrite
from tests.fakes import Script, ScriptedEngine, collect

OLD = "She fell down the old well, and nobody heard her. It was dark and cold."
PASSAGE = Passage(before="Ada ran. ", selected=OLD, after=" Then the moon rose over the hill.")
WORDS = count_words(OLD)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Wish(Action.SHORTER), "Make it much shorter: keep only what matters."),
        (Wish(Action.LONGER), "Make it much longer, with more detail."),
        (Wish(Action.VIVID), "Make it more vivid"),
        (Wish(Action.DIALOGUE), "Tell it as a dialogue"),
        (Wish(Action.REGISTER, register=Register.PLAYFUL), "Use a Playful register."),
        (Wish(Action.SHORTER, "spare the well"), "keep only what matters.\nspare the well"),
        (Wish(instruction="kinder"), "wish: kinder"),
    ],
)
def test_an_action_is_a_wish_in_words(settings: StorySettings, wish: Wish, said: str) -> None:
    question, begun = rewrite_messages(settings, PASSAGE, wish)

    assert said in question.content
    assert OLD in question.content
    spoken = ' "' if wish.action is Action.DIALOGUE else ""
    assert begun == Message("assistant", f"Ada ran.{spoken}")


def test_a_passage_without_a_wish_is_asked_for_without_one(settings: StorySettings) -> None:
    assert "wish" not in rewrite_messages(settings, PASSAGE)[0].content


def test_another_register_is_the_only_one_named(settings: StorySettings) -> None:
    settings = replace(settings, register=Register.FORMAL)
    question = rewrite_messages(settings, PASSAGE, Wish(Action.REGISTER, register=Register.VIVID))[0]

    assert "Formal" not in question.content


@pytest.mark.parametrize(
    ("action", "asked"), [(Action.SHORTER, 8), (Action.LONGER, 24), (Action.VIVID, WORDS)]
)
def test_the_model_is_told_how_long(settings: StorySettings, action: Action, asked: int) -> None:
    assert f"of about {asked} words" in rewrite_messages(settings, PASSAGE, Wish(action))[0].content


@pytest.mark.parametrize("words", [1, 2, 5, 15, 200])
def test_shorter_is_shorter_and_longer_may_be_longer(words: int) -> None:
    old = "fox " * words

    assert lengths(old, Wish(Action.SHORTER)).most <= max(1, words * 2 // 3)
    assert lengths(old, Wish(Action.LONGER)).enough > words
    assert lengths(old, Wish(Action.VIVID, "but make it shorter")).enough <= max(1, words // 2)


@pytest.mark.parametrize(("action", "parts"), [(Action.DIALOGUE, True), (Action.VIVID, False)])
def test_a_dialogue_may_have_a_line_for_each_who_speaks(action: Action, parts: bool) -> None:
    kept = PassageFilter(PASSAGE, Wish(action))
    text = kept.feed('"Is it cold?" she said.\n\n"It is," said the well.') + kept.finish()

    assert ("\n\n" in text) is parts


# --- openings -------------------------------------------------------------------------------------


async def opened(settings: StorySettings, wish: Wish, passage: Passage, *said: str) -> tuple[list[str], str]:
    engine = ScriptedEngine(said)
    pieces = [
        chunk.text async for chunk in rewrite(engine, settings, passage, wish, Choice(seed=1)) if chunk.text
    ]
    return pieces, engine.asked[0][0][-1].content


async def test_a_passage_begins_with_its_opening_and_the_model_goes_on(settings: StorySettings) -> None:
    wish = Wish(opening="She tum")

    pieces, begun = await opened(settings, wish, PASSAGE, "bled into", " a well.", " Then the moon rose over")

    assert pieces[0] == "She tum"
    assert "".join(pieces) == "She tumbled into a well."
    assert begun == "Ada ran. She tum"


@pytest.mark.parametrize(
    ("opening", "said", "text"),
    [
        ("She flew", " on.", "\n\nShe flew on.\n"),
        ("\n\nShe flew ", " on.", "\n\nShe flew on.\n"),
        ("She flew.", "It was late.", "\n\nShe flew. It was late.\n"),
        ("She flew.", "", "\n\nShe flew.\n"),
    ],
)
async def test_the_space_around_the_old_passage_and_after_the_opening_is_right(
    settings: StorySettings, opening: str, said: str, text: str
) -> None:
    passage = replace(PASSAGE, selected=f"\n\n{OLD}\n")

    pieces, begun = await opened(settings, Wish(opening=opening), passage, *filter(None, [said]))

    assert "".join(pieces) == text
    assert begun.startswith("Ada ran. \n\nShe flew")


async def test_an_opening_counts_among_the_words(settings: StorySettings) -> None:
    wish = Wish(Action.SHORTER, opening="She fell into the dark well")

    pieces, _ = await opened(settings, wish, PASSAGE, *[" at once.", " And then she fell."] * 9)

    assert "".join(pieces) == "She fell into the dark well at once."


async def test_an_opening_that_is_long_already_still_gets_its_sentence_ended(settings: StorySettings) -> None:
    wish = Wish(opening="She fell. " * 40 + "And then")

    pieces, _ = await opened(settings, wish, PASSAGE, " she", " flew.", " And on.")

    assert "".join(pieces) == wish.opening + " she flew."


# --- proofreading ---------------------------------------------------------------------------------

BAD = "Ada runned to teh sea. She seen a fox."
GOOD = "Ada ran to the sea. She saw a fox."


async def proofread(
    settings: StorySettings, said: str, selected: str = BAD, after: str = "", size: int = 3
) -> str:
    passage = Passage(before="It was late. ", selected=selected, after=after)
    engine = ScriptedEngine([said[at : at + size] for at in range(0, len(said), size)])
    text, _ = await collect(rewrite(engine, settings, passage, Wish(Action.PROOFREAD), Choice()))
    [([question], options)] = engine.asked
    assert question.content.count(selected.strip()) == 1
    assert "It was late." not in question.content
    assert options.sampling.temperature <= 0.1
    assert options.sampling.repeat_penalty == 1
    return text


@pytest.mark.parametrize("size", [1, 3, 500])
@pytest.mark.parametrize(
    "said",
    [
        GOOD,
        f" {GOOD}\n",
        f"{GOOD}\n\nI made the following changes:\n- teh",
        f"Here is the corrected text:\n\n{GOOD}",
        f"Corrected text: {GOOD}",
        f'"{GOOD}"',
        f"“{GOOD}”\n\nThe text had two mistakes.",
    ],
)
async def test_a_proofread_passage_is_the_passage_and_nothing_else(
    settings: StorySettings, said: str, size: int
) -> None:
    assert await proofread(settings, said, size=size) == GOOD


async def test_a_proofread_passage_is_neither_cut_nor_lengthened(settings: StorySettings) -> None:
    long = "The fox ran on. She saw it go.\n\n" * 60

    assert await proofread(settings, long.strip(), long) == long
    assert count_words(await proofread(settings, f"{GOOD} " * 100)) <= count_words(BAD) * 5 // 4 + 10


async def test_talk_about_the_passage_is_no_answer_and_it_is_asked_for_by_its_first_word(
    settings: StorySettings,
) -> None:
    passage = Passage(before="", selected=f" {BAD}", after="")

    def says(messages: Sequence[Message]) -> Script:
        begun = len(messages) == 2
        return [GOOD.removeprefix("Ada")] if begun else ["The sentence “Ada runned” has ", "two mistakes."]

    engine = ScriptedEngine(says)
    text, _ = await collect(rewrite(engine, settings, passage, Wish(Action.PROOFREAD), Choice(seed=1)))

    assert text == f" {GOOD}"
    assert [len(messages) for messages, _ in engine.asked] == [1, 2]


async def test_the_space_around_a_proofread_passage_stays(settings: StorySettings) -> None:
    assert await proofread(settings, GOOD, f" \n{BAD} ", "And on.") == f" \n{GOOD} "


async def test_a_proofread_part_of_a_sentence_stays_one(settings: StorySettings) -> None:
    assert await proofread(settings, "ran to the sea.", "runned to teh sea", " and swam.") == "ran to the sea"


@pytest.mark.parametrize(
    "text", ["The story begins with a fox. It ends so.", "“Here: a fox,” she said.", "Note: no."]
)
async def test_a_passage_that_sounds_like_talk_is_kept(settings: StorySettings, text: str) -> None:
    assert await proofread(settings, text, text) == text


LONG = (
    "Ada walked too the harbour, were the boats lay. It rained. She wait for 2 hours, she was cold.\r\n\r\n"
    "Bo laugh at her 🌙."
)


@pytest.mark.parametrize("size", [1, 7, 500])
@pytest.mark.parametrize(
    ("asked", "said", "becomes"),
    [
        ("were", "where", "where"),
        ("She wait", "She waited", "She waited"),
        ("hours, she", "hours. She", "hours. She"),
        ("lay. It", "lay, and it", "lay, and it"),
        (", were the boats lay", ", she forgot her coat and left", None),
        ("It rained. ", "", None),
        ("It rained.", "There was a storm coming up.", None),
        ("2", "7", None),
        (" 🌙", "", None),
        ("\r\n\r\n", "\n", None),
        (LONG[LONG.index("She") :], "", None),
        ("her 🌙.", "her 🌙. The end. And so on.", None),
    ],
)
async def test_what_is_no_correction_leaves_a_proofread_passage_as_it_was(
    settings: StorySettings, asked: str, said: str, becomes: str | None, size: int
) -> None:
    """A small model told a second paragraph anew, left a third out, and put the writer's pictures away."""
    right = LONG if becomes is None else LONG.replace(asked, becomes)

    assert await proofread(settings, LONG.replace(asked, said), LONG, size=size) == right


async def test_a_picture_that_is_put_away_after_an_opening_stays(settings: StorySettings) -> None:
    passage = Passage("", "I love teh moon 🌙 and she love me 👩‍👩‍👧.", "")
    wish = Wish(Action.PROOFREAD, opening="I")

    pieces, _ = await opened(settings, wish, passage, " love the moon and", " she loves me.")

    assert "".join(pieces) == passage.selected


async def test_the_quotation_marks_of_a_proofread_passage_stay(settings: StorySettings) -> None:
    assert await proofread(settings, '"She said, "No.""', 'She sayd, "No."') == 'She said, "No."'


def test_the_prompt_of_proofreading_has_nothing_that_the_model_does_not_read(settings: StorySettings) -> None:
    passage = Passage("It was late. ", BAD, "")

    assert "It was late." not in rewrite_prompt(settings, passage, Wish(Action.PROOFREAD, opening="Ada"))


async def test_an_opening_of_a_proofread_passage_has_one_space_after_it(settings: StorySettings) -> None:
    wish = Wish(Action.PROOFREAD, opening="Ada ")
    pieces, _ = await opened(settings, wish, Passage("", BAD, ""), " ran to the sea. ", "She saw a fox.")

    assert "".join(pieces) == GOOD


def test_a_wish_is_plain_unless_it_says_otherwise() -> None:
    assert Wish() == PLAIN
