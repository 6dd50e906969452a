"""A rewritten passage fits between what stands before and after it, and repeats neither."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storaiteller.answers.length import SentenceKeeper
from storaiteller.answers.splice import ContinuationFilter, PassageFilter
from storaiteller.bounds import lengths
from storaiteller.story import PLAIN, Passage, Wish, count_words

BEFORE, AFTER = "Ada ran away from home. ", " Then the moon rose over it."


def rewrite(
    said: str,
    before: str = BEFORE,
    selected: str = "She fell down the old well.",
    after: str = AFTER,
    instruction: str = "",
    size: int = 4,
) -> str:
    """The passage that comes of it when the model says ``said``, in pieces of ``size`` characters."""
    kept = PassageFilter(
        Passage(before=before, selected=selected, after=after), Wish(instruction=instruction)
    )
    text = ""
    for at in range(0, len(said), size):
        text += kept.feed(said[at : at + size])
        if kept.full:
            break
    return text + kept.finish()


@pytest.mark.parametrize("size", [1, 2, 5, 200])
def test_an_echo_of_the_text_after_is_cut(size: int) -> None:
    said = " She tripped on a stone. Then the moon rose over it. And more."

    assert rewrite(said, size=size) == "She tripped on a stone."


@pytest.mark.parametrize("size", [1, 2, 5, 200])
def test_an_echo_of_the_text_before_is_cut(size: int) -> None:
    assert rewrite("Ada ran away from home. She tripped.", size=size) == "She tripped."


def test_an_echo_that_begins_in_the_middle_of_the_text_before_is_cut() -> None:
    assert rewrite("away from home. She tripped.") == "She tripped."


def test_words_that_only_begin_like_the_text_before_are_kept() -> None:
    assert rewrite("Ada ran away from the wolf.") == "Ada ran away from the wolf."


def test_talk_about_the_task_is_cut() -> None:
    said = "Sure! Here is the new passage:\n\nAda walked to the sea."

    assert rewrite(said, before="") == "Ada walked to the sea."


def test_a_passage_that_happens_to_begin_like_talk_is_kept() -> None:
    assert rewrite("Here she was, all alone.", before="") == "Here she was, all alone."


def test_the_space_around_the_old_passage_stays() -> None:
    text = rewrite("She flew 🌙.", before="Ada ran.", selected="\n\nShe fell.\n\n", after="The end of it.")

    assert text == "\n\nShe flew 🌙.\n\n"


def test_carriage_returns_around_the_old_passage_stay() -> None:
    assert rewrite("She flew.", selected="\r\nShe fell.\r\n") == "\r\nShe flew.\r\n"


def test_right_to_left_text_and_combining_marks_fit_as_well() -> None:
    assert rewrite(" היא עפה. הסוף הגיע.", "שלום עולם. ", "היא נפלה.", " הסוף הגיע.") == "היא עפה."
    assert rewrite(" e\u0301te\u0301.", "Un ", "hiver.", "") == "e\u0301te\u0301."


def test_a_part_of_a_sentence_gets_no_full_stop() -> None:
    text = rewrite(" cleaned all windows. And then", "Ada ", "polished the lamp", " and sang.")

    assert text == "cleaned all windows"


def test_a_part_of_a_sentence_stays_about_as_long() -> None:
    text = rewrite(" walked " + "on and " * 90, "Ada ", "polished the lamp", " and sang.")

    assert count_words(text) <= lengths("polished the lamp", PLAIN)[1]


def test_a_single_paragraph_stays_a_single_paragraph() -> None:
    assert rewrite(" She tripped.\n\nNext day it rained.") == "She tripped."


def test_what_a_paragraph_would_only_have_introduced_is_left_out() -> None:
    said = " She tripped on a stone. Bo said this:\n\n“Get up!”"

    assert rewrite(said, selected="She fell down the old well, and she saw nothing of it.") == (
        "She tripped on a stone."
    )


def test_several_paragraphs_may_become_several() -> None:
    text = rewrite(" One fell here.\n\nTwo fell there.", selected="A fell.\n\nB fell, and C fell too, alas.")

    assert text == "One fell here.\n\nTwo fell there."


def test_a_model_that_says_nothing_leaves_nothing() -> None:
    assert rewrite("") == ""
    assert rewrite(BEFORE) == ""


def test_a_model_that_runs_on_is_stopped() -> None:
    kept = PassageFilter(Passage(before=BEFORE, selected="She fell.", after=AFTER))
    pieces = 0
    while not kept.full:
        kept.feed(" She ran on. ")
        pieces += 1

    assert pieces < 10


def test_a_wish_changes_the_length_that_is_allowed() -> None:
    old = "one two three four five six seven eight nine ten"

    assert lengths(old, Wish(instruction="make it shorter"))[0] < 10
    assert lengths(old, Wish(instruction="longer, with more detail"))[1] > 2 * 10
    assert 10 < lengths(old, PLAIN)[1] <= 30


@pytest.mark.parametrize("name", ["Dr. Watson", "Mrs. Pennyworth of Oxford", "J. Smith"])
def test_an_abbreviation_does_not_end_a_part_of_a_sentence(name: str) -> None:
    text = rewrite(f" {name}, of the north,", "I met ", "an old and tired man", " on the road.")

    assert text.startswith(name)


def test_a_short_tail_is_only_cut_where_the_model_ends_with_it() -> None:
    before, selected = "They came home. ", "She looked at him with love."
    assert rewrite(' She said "Yes." But low.', before, selected, ' "Yes."') == 'She said "Yes." But low.'
    assert rewrite(" over the endless sea", "They looked ", "far away", " the end") == "over the endless sea"
    assert rewrite(" over the sea the end", "They looked ", "far away", " the end") == "over the sea"


def test_a_story_with_a_colon_is_no_talk() -> None:
    said = "Here the passage narrowed: rocks on both sides."

    assert rewrite(said, before="") == said


@pytest.mark.parametrize("stuck", ["!", "-", "!?", "abcdefgh"])
def test_a_model_that_is_stuck_is_let_go(stuck: str) -> None:
    for kept in (SentenceKeeper(5_000), PassageFilter(Passage(before="", selected="One. " * 400, after=""))):
        fed = 0
        while not kept.full and fed < 10_000:
            kept.feed(stuck)
            fed += 1
        assert kept.full


@pytest.mark.parametrize(
    ("text", "said", "joined"),
    [
        ("They ate.", "Then they slept.", " Then they slept."),
        ("They ate. ", " Then they slept.", "Then they slept."),
        ("They ate.", " Then they slept.", " Then they slept."),
        ("They a", "te.", "te."),
        ("月が出た。", "海は静かだった。", "海は静かだった。"),
        ("They ate.\n\n", "Then.", "Then."),
    ],
)
def test_going_on_has_the_right_space(text: str, said: str, joined: str) -> None:
    kept = ContinuationFilter(text, 100)

    assert kept.feed(said) + kept.finish() == joined


@pytest.mark.parametrize(
    "talk",
    [
        "This is a new version of the passage, rewritten in a Casual manner. ",
        "I'm so glad to hear that you enjoyed my work. ",
        "The story ends with this passage: sadder. ",
    ],
)
def test_talk_about_the_task_is_cut_in_the_middle_of_a_story_too(talk: str) -> None:
    assert rewrite(f" {talk}She tripped on a stone.") == "She tripped on a stone."


def test_nothing_but_talk_is_nothing() -> None:
    assert rewrite(" The story could continue by:") == ""


def test_a_sentence_that_only_begins_like_talk_is_kept() -> None:
    assert rewrite(" The story of the fox was old.") == "The story of the fox was old."
    assert rewrite(" I'm cold, said Ada.") == "I'm cold, said Ada."


plain = st.text(alphabet=st.sampled_from("ab .,\n🌙éא"), max_size=80)


@given(plain, plain.filter(str.strip), plain, plain, st.integers(1, 9))
def test_how_the_text_is_cut_into_pieces_changes_nothing_but_when(
    before: str, selected: str, after: str, said: str, size: int
) -> None:
    whole = rewrite(said, before, selected, after, size=len(said) or 1)
    pieces = rewrite(said, before, selected, after, size=size)

    assert count_words(pieces) <= lengths(selected.strip(), PLAIN)[1]
    assert bool(whole) == bool(pieces)


@given(plain, plain.filter(str.strip), plain.map(lambda text: f"a long end b {text}."))
def test_the_text_after_never_comes_twice(before: str, selected: str, after: str) -> None:
    text = rewrite("moon. " + after.strip(), before, selected, after)

    assert after.strip() not in text
