"""A story keeps within its words and ends where a sentence ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storaiteller.answers.length import SentenceKeeper, ends_sentence, sentence_end
from storaiteller.story import count_words

STORY = (
    "Once upon a time, in a small village nestled in the rolling hills, there lived a young girl "
    'named Ada. She met Mr. Brown at the well. "Hello!" said he, and the moon rose. They walked on.'
    "\n\nThen came the tide, and with it a great whale. It sang."
)


def keep(text: str, max_words: int, size: int = 3, *, cut_off: bool = False) -> str:
    keeper = SentenceKeeper(max_words)
    kept = ""
    for at in range(0, len(text), size):
        kept += keeper.feed(text[at : at + size])
        if keeper.full:
            break
    return kept + keeper.finish(cut_off=cut_off)


@pytest.mark.parametrize(
    ("max_words", "ending"),
    [
        (20, "named Ada."),
        (27, "named Ada. She met Mr. Brown at the well."),
        (28, "She met Mr. Brown at the well."),
        (34, "and the moon rose."),
        (49, "It sang."),
    ],
)
def test_a_story_ends_at_the_last_sentence_that_fits(max_words: int, ending: str) -> None:
    kept = keep(STORY, max_words)

    assert kept.endswith(ending)
    assert STORY.startswith(kept)
    assert count_words(kept) <= max_words


def test_a_story_that_fits_is_left_as_it_is() -> None:
    assert keep(STORY, 5_000) == STORY


def test_a_first_sentence_that_is_too_long_is_closed_at_a_clause() -> None:
    assert keep(STORY, 19) == "Once upon a time, in a small village nestled in the rolling hills."


def test_a_sentence_without_end_is_closed_and_its_quotation_too() -> None:
    kept = keep("She said “no, never, " + "but yes " * 90, 24)

    assert count_words(kept) <= 24
    assert kept.endswith(".”")


def test_far_from_the_limit_text_is_let_out_at_once() -> None:
    keeper = SentenceKeeper(300)

    assert keeper.feed("Once") == "Once"
    assert keeper.feed(" upon") == " upon"


def test_near_the_limit_a_sentence_is_held_until_it_is_whole() -> None:
    keeper = SentenceKeeper(30)

    assert keeper.feed("Once upon a time. The") == "Once upon a time."
    assert keeper.feed(" moon") == ""
    assert keeper.feed(" rose. N") == " The moon rose."


def test_a_line_without_a_full_stop_is_no_sentence_end() -> None:
    text = "One two three. The story is set in a town which you can read\n\nThen came the night of the fox."

    assert keep(text, 15) == "One two three."


def test_a_sentence_closed_early_does_not_dangle() -> None:
    assert keep("A group of brave young apprentices prepared to make of the " + "one " * 30, 11).endswith(
        "make."
    )


def test_a_sentence_cut_off_by_the_token_limit_is_left_out() -> None:
    assert keep("The moon rose. The tide was", 30, cut_off=True) == "The moon rose."
    assert keep("The moon rose. The tide was", 30) == "The moon rose. The tide was"


def test_enough_words_end_the_text_at_the_next_sentence_end() -> None:
    keeper = SentenceKeeper(100, enough=4)

    assert keeper.feed("The moon rose. The tide came in. The whale") == "The moon rose. The tide came in."
    assert keeper.full


@pytest.mark.parametrize(
    "text", ["Dr. Brown ran", 'she said. "And', "The end.", "3.14 is", '"Hello!" said', "Wait... and see"]
)
def test_what_only_looks_like_a_sentence_end_is_none(text: str) -> None:
    end = sentence_end(text)

    assert end is None or text[end:].lstrip('"').startswith("And")


@pytest.mark.parametrize("text", ["Ran.", "Ran!”", 'Ran?"  ', "跑了。", "ran…", "(ran.)"])
def test_a_finished_sentence_is_known(text: str) -> None:
    assert ends_sentence(text)


def test_languages_without_spaces_are_counted_by_the_character() -> None:
    assert keep("第一章。他来了！天黑了。", 8) == "第一章。他来了！"


words = st.sampled_from(
    ["moon", "Ada", "said", "tide,", "—", "“Oh", "no”", "Mr.", "rose.", "end!\n\n", "天。", "🌙"]
)


@given(st.lists(words, max_size=120), st.integers(1, 80), st.lists(st.integers(1, 12), min_size=1))
def test_whatever_streams_in_the_limit_is_kept_and_nothing_is_invented(
    pieces: list[str], max_words: int, sizes: list[int]
) -> None:
    text = " ".join(pieces)
    keeper, kept, at, turn = SentenceKeeper(max_words), "", 0, 0
    while at < len(text) and not keeper.full:
        size = sizes[turn % len(sizes)]
        kept += keeper.feed(text[at : at + size])
        at, turn = at + size, turn + 1
    kept += keeper.finish()

    assert count_words(kept) <= max_words
    assert text.startswith((kept, kept.rstrip('"”').removesuffix(".")))
    assert kept == kept.rstrip()
