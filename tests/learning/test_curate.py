"""What curation promises: each story once, in its last wording, on a side that it never leaves."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.stories.curate import Curated, Kept, curate
from finetune.stories.likeness import ALIKE, groups
from finetune.stories.parts import LONGEST_TOKEN, cut, tail
from finetune.stories.split import is_held_out, split
from storaiteller.feedback import GOOD, TAKEN_BACK, FeedbackLedger, LedgerRow
from tests.learning.stories import good_story, random_word_stories, style_stories

SETTINGS = {"genre": "Fantasy", "register": "Vivid", "max_words": 100}
LONG = style_stories(1)[0].story


def row(story: str, story_id: str = "s", rating: int = GOOD) -> LedgerRow:
    return LedgerRow("Write.", story, story_id, "{}", "demo", "v1", rating, "2026-01-01T00:00:00+00:00")


def rows(*stories: str) -> list[LedgerRow]:
    return [row(story, f"s{number}") for number, story in enumerate(stories)]


def kept(curated: Curated) -> list[str]:
    return [one.row.story for one in curated.kept]


def with_words_exchanged(text: str, every: int) -> str:
    words = text.split(" ")
    words[every // 2 :: every] = [f"other{number}" for number in range(len(words[every // 2 :: every]))]
    return " ".join(words)


# --- which stories --------------------------------------------------------------------------------


def test_stories_taken_back_are_counted_and_left_out() -> None:
    curated = curate([row("Bo sleeps now.", "a"), row("Bo wakes up.", "b", TAKEN_BACK)])
    assert kept(curated) == ["Bo sleeps now."]
    assert (curated.likes, curated.taken_back) == (1, 1)


def test_the_last_rating_of_a_story_counts(tmp_path: Path) -> None:
    ledger = FeedbackLedger(tmp_path / "datastories.csv")
    for story_id in ("a", "b"):
        ledger.save(good_story(story_id, SETTINGS, f"The first words of {story_id}."))
    ledger.save(good_story("a", SETTINGS, "Something else was written in the end."))
    ledger.take_back("b")
    curated = curate(ledger.latest())
    assert kept(curated) == ["Something else was written in the end."]
    assert (curated.likes, curated.taken_back, curated.duplicates) == (1, 1, 0)


def test_one_story_a_hundred_times_counts_once() -> None:
    curated = curate(rows(*[LONG] * 100))
    assert kept(curated) == [LONG]
    assert (curated.likes, curated.duplicates, curated.near_duplicates) == (100, 99, 0)
    assert len(curated.kept[0].ids) == 100


def test_copies_that_differ_in_spaces_or_in_how_letters_are_encoded_are_one_and_the_latest_is_kept() -> None:
    one = "Zoë rows\n\nhome to the café."
    other = unicodedata.normalize("NFD", "  Zoë  rows home\tto the café.\n")
    curated = curate(rows(one, "A story of its own, quite.", other))
    assert kept(curated) == ["A story of its own, quite.", other]
    assert curated.duplicates == 1


def test_a_hundred_drafts_of_a_story_count_once_and_the_latest_is_kept() -> None:
    drafts = [LONG.replace("nine", f"{number} years old") for number in range(100)]
    curated = curate(rows(*drafts))
    assert kept(curated) == [drafts[-1]]
    assert (curated.duplicates, curated.near_duplicates) == (0, 99)


def test_drafts_of_drafts_are_one_story_even_where_first_and_last_have_little_in_common() -> None:
    words = [f"word{number}" for number in range(400)]
    drafts = [" ".join(words[start : start + 200]) for start in range(0, 200, 20)]
    assert len(curate(rows(drafts[0], drafts[-1])).kept) == 2
    assert kept(curate(rows(*drafts))) == [drafts[-1]]


def test_a_story_stays_a_near_duplicate_up_to_the_stated_share_of_changed_words() -> None:
    assert len(curate(rows(LONG, with_words_exchanged(LONG, 13))).kept) == 1
    assert len(curate(rows(LONG, with_words_exchanged(LONG, 6))).kept) == 2


def test_capitals_and_punctuation_do_not_make_another_story() -> None:
    curated = curate(rows(LONG, LONG.upper().replace(".", "!")))
    assert (len(curated.kept), curated.near_duplicates) == (1, 1)


@pytest.mark.parametrize("stories", [style_stories(40), random_word_stories(40, 1)])
def test_different_stories_in_one_strict_style_are_all_kept(stories: Sequence[LedgerRow]) -> None:
    assert len(curate(rows(*(story.story for story in stories))).kept) == 40


@pytest.mark.parametrize("story", ["", " \n\t", "Word", "😀", "月", "nul \0 inside"])
def test_a_story_of_no_or_one_word_is_unusable(story: str) -> None:
    curated = curate([row(story)])
    assert (curated.kept, curated.likes, curated.unusable) == ((), 1, 1)


@pytest.mark.parametrize(
    "story", ["Two words", "昔々、ある所に", "😀 🌙 ⛵", "Жил-был царь", "كان يا ما كان", "... !!! ???"]
)
def test_short_foreign_and_pictured_stories_are_stories(story: str) -> None:
    assert kept(curate(rows(story, LONG))) == [story, LONG]


def test_short_stories_that_differ_are_not_taken_for_one() -> None:
    short = ["Two words", "Other words", "😀 🌙", "😀 ⛵", "... !!!", "??? ..."]
    assert kept(curate(rows(*short))) == short


# --- likeness -------------------------------------------------------------------------------------

few_words = st.lists(st.sampled_from("abcde"), min_size=1, max_size=12).map(" ".join)


def plainly_grouped(texts: list[str], alike: Fraction) -> set[frozenset[int]]:
    """Every text compared with every other one, and whoever is alike joined."""

    def runs(text: str) -> set[tuple[str, ...]]:
        words = text.split()
        words += [""] * (3 - len(words))
        return {tuple(words[at : at + 3]) for at in range(len(words) - 2)}

    family = [frozenset([number]) for number in range(len(texts))]
    for one in range(len(texts)):
        for other in range(one):
            shared, either = runs(texts[one]) & runs(texts[other]), runs(texts[one]) | runs(texts[other])
            if Fraction(len(shared), len(either)) >= alike:
                joined = family[one] | family[other]
                for number in joined:
                    family[number] = joined
    return set(family)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(few_words, max_size=12), st.sampled_from([ALIKE, Fraction(1, 3), Fraction(9, 10), Fraction(1)])
)
def test_the_index_misses_nothing_that_comparing_all_with_all_finds(
    texts: list[str], alike: Fraction
) -> None:
    assert {frozenset(group) for group in groups(texts, alike)} == plainly_grouped(texts, alike)


@settings(deadline=None)
@given(st.lists(few_words, max_size=12), st.randoms(use_true_random=False))
def test_how_many_stories_there_are_does_not_depend_on_their_order(
    texts: list[str], chance: random.Random
) -> None:
    before = curate(rows(*texts))
    chance.shuffle(texts)
    after = curate(rows(*texts))
    assert len(after.kept) == len(before.kept)
    assert after.unusable == before.unusable
    assert after.duplicates + after.near_duplicates == before.duplicates + before.near_duplicates


@given(st.lists(few_words, max_size=12))
def test_every_good_story_is_accounted_for(texts: list[str]) -> None:
    curated = curate(rows(*texts))
    left_out = curated.unusable + curated.duplicates + curated.near_duplicates
    assert curated.likes == len(texts) == len(curated.kept) + left_out
    assert sorted(one for story in curated.kept for one in story.ids) == sorted(
        f"s{number}" for number, text in enumerate(texts) if len(text.split()) > 1
    )


@pytest.mark.slow
def test_ten_thousand_stories_are_looked_through_one_by_one_yet_not_each_with_each() -> None:
    """Fifty million comparisons would take most of an hour."""
    chance = random.Random(3)
    words = [f"w{number}" for number in range(5_000)]
    odds = [1 / (number + 1) for number in range(5_000)]
    stories = [" ".join(chance.choices(words, odds, k=150)) for _ in range(9_900)]
    drafts = [f"{stories[number]} and so on" for number in range(100)]
    assert len(groups(stories + drafts)) == 9_900


# --- sides ----------------------------------------------------------------------------------------


def one_story(*ids: str) -> Kept:
    return Kept(row("Once.", ids[-1]), ids)


ids = st.text(min_size=1, max_size=8)


@given(st.sets(ids, min_size=1), st.sets(ids), st.floats(0.01, 0.89))
def test_a_story_never_changes_sides_when_others_are_added(
    some: set[str], more: set[str], share: float
) -> None:
    before = split([one_story(one) for one in some], share)
    after = split([one_story(one) for one in some | more], share)
    assert set(before.train) <= set(after.train)
    assert set(before.held_out) <= set(after.held_out)


@given(st.lists(ids, min_size=1), st.lists(ids))
def test_what_may_have_been_learned_from_is_never_held_out(drafts: list[str], later: list[str]) -> None:
    if split([one_story(*drafts)], 0.5).train:
        assert split([one_story(*drafts, *later)], 0.5).train


def test_sides_are_the_same_on_every_machine_and_about_as_large_as_asked() -> None:
    assert [is_held_out(f"story-{number}", 0.2) for number in range(8)] == [True] + 7 * [False]
    sides = split([one_story(str(number)) for number in range(2_000)], 0.2)
    assert 350 < len(sides.held_out) < 450
    assert len(sides.train) + len(sides.held_out) == 2_000


# --- parts ----------------------------------------------------------------------------------------


def words_and_marks(text: str) -> int:
    """A stand-in for a tokenizer: a token for each four letters of a word, and for each other character."""
    return sum(-(-len(piece) // 4) if piece.isalnum() else 1 for piece in pieces(text))


def pieces(text: str) -> list[str]:
    parted = "".join(letter if letter.isalnum() else f"\n{letter!r}\n" for letter in text)
    return [piece for piece in parted.split("\n") if piece]


def parts_of(text: str, room: int) -> list[str]:
    parts = []
    while text:
        end = cut(text, room, words_and_marks)
        parts.append(text[:end])
        text = text[end:]
    return parts


prose = st.text(st.sampled_from('ab .!?"\n。」月😀é\u0301')) | st.text()


@settings(deadline=None)
@given(prose, st.integers(1, 40))
def test_the_parts_joined_are_the_story_and_each_has_room(text: str, room: int) -> None:
    parts = parts_of(text, room)
    assert "".join(parts) == text
    assert all(parts)
    assert all(words_and_marks(part) <= room or len(part) == 1 for part in parts)


@pytest.mark.parametrize(
    ("text", "room", "parts"),
    [
        ("Ada rows. Bo sings.\n\nBo rows.", 15, ["Ada rows. Bo sings.", "\n\nBo rows."]),
        ("Ada.\n\nBo.\n\nCy rows on and on.", 8, ["Ada.\n\nBo.", "\n\nCy rows on", " and on."]),
        ("Ada rows. Bo sings. Cy sleeps.", 12, ["Ada rows. Bo sings.", " Cy sleeps."]),
        ("“Row!” Ada says. “I row.”", 7, ["“Row!”", " Ada says.", " “I row.”"]),
        ("Ada rows and rows and rows", 6, ["Ada rows and", " rows and rows"]),
        ("月が出た。海は静か。", 3, ["月が出た。", "海は静か。"]),
        ("abcdefghijkl", 2, ["abcdefgh", "ijkl"]),
    ],
)
def test_a_story_is_cut_where_a_reader_would_pause(text: str, room: int, parts: list[str]) -> None:
    assert parts_of(text, room) == parts


def test_a_text_far_over_its_room_is_not_even_counted() -> None:
    counted: list[int] = []

    def count(text: str) -> int:
        counted.append(len(text))
        return len(text)

    assert cut("x" * 1_000_000, 50, count) == 50
    assert max(counted) <= 50 * LONGEST_TOKEN


@settings(deadline=None)
@given(prose, st.integers(0, 40))
def test_a_tail_is_an_ending_that_has_room(text: str, room: int) -> None:
    ending = tail(text, room, words_and_marks)
    assert text.endswith(ending)
    assert words_and_marks(ending) <= room


@pytest.mark.parametrize(
    ("text", "room", "ending"),
    [
        ("Ada rows. Bo sings. Cy sleeps.", 12, "Bo sings. Cy sleeps."),
        ("Ada rows.\n\nBo sings.\n\nCy sleeps.", 6, "Cy sleeps."),
        ("Ada rows and rows and rows", 5, "rows and rows"),
        ("Ada rows.", 50, "Ada rows."),
        ("abcdefghijkl", 2, "efghijkl"),
        ("Ada rows.", 0, ""),
    ],
)
def test_a_tail_begins_where_a_sentence_does(text: str, room: int, ending: str) -> None:
    assert tail(text, room, words_and_marks) == ending
