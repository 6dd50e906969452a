"""Variety, copying, and what the settings asked for, as tables."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.exam.kept import LEAST_LENGTH, kept
from finetune.exam.measures import (
    COPIED_GRAM,
    DISTINCT_WORDS,
    REFRAIN_STORIES,
    Copied,
    copied,
    distinct,
    repeated_4grams,
    self_bleu,
    words,
)
from storaiteller.story import Genre, Register, StorySettings

NUMBERS = [f"number{number}" for number in range(15)]
PIECES = st.sampled_from(["fox ", "sea ", "the ", "ran. ", "\n", "月", "’", "—", " "])
TEXTS = st.lists(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=40), max_size=5)


def run(start: int, stop: int) -> str:
    return " ".join(NUMBERS[start:stop])


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n", []),
        ("The fox, the FOX!", ["the", "fox", "the", "fox"]),
        ("“Don’t,” said Ada’s mother.", ["don't", "said", "ada's", "mother"]),
        ("snow—and ice… wait", ["snow", "and", "ice", "wait"]),
        ("well-known -- *** _so_", ["well-known", "so"]),
        ("月が海。", ["月", "が", "海"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
    ],
)
def test_words_are_compared_without_case_and_punctuation(text: str, expected: list[str]) -> None:
    assert words(text) == expected


# --- variety --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "n", "expected"),
    [
        ([], 1, 0.0),
        (["fox"], 2, 0.0),
        (["the fox the fox"], 1, 0.5),
        (["the fox the fox"], 2, 2 / 3),
        (["the fox ran", "The fox ran."], 2, 0.5),
        (["a b c d"], 3, 1.0),
    ],
)
def test_distinct_is_the_share_of_different_ngrams(texts: list[str], n: int, expected: float) -> None:
    assert distinct(texts, n) == pytest.approx(expected)


def test_a_longer_text_is_not_less_varied_for_its_length() -> None:
    beginning = " ".join(f"word{number}" for number in range(DISTINCT_WORDS))
    assert distinct([f"{beginning} again and again and again"], 2) == distinct([beginning], 2) == 1.0


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], 0.0),
        (["one two"], 0.0),
        (["one two three four five"], 0.0),
        (["so it was, so it was, so it was"], 1 - 3 / 6),
        (["one two three four five", "so it was, so it was, so it was"], 0.25),
    ],
)
def test_repeated_4grams_are_those_that_stood_in_the_same_text(texts: list[str], expected: float) -> None:
    assert repeated_4grams(texts) == pytest.approx(expected)


def test_texts_that_are_the_same_are_entirely_alike() -> None:
    assert self_bleu([run(0, 9)] * 3) == pytest.approx(1.0)


def test_texts_without_a_word_in_common_are_hardly_alike() -> None:
    assert 0 < self_bleu([run(0, 7), run(7, 14)]) < 0.05


@pytest.mark.parametrize("texts", [[], ["one two three four"], ["", ""], ["one two", "one two"]])
def test_texts_that_cannot_be_compared_are_not_alike(texts: list[str]) -> None:
    assert self_bleu(texts) == 0.0


def test_self_bleu_is_bleu_of_each_against_the_others() -> None:
    """By hand, for texts of five words of which the first four agree."""
    by_hand = math.exp((math.log(4 / 5) + math.log(3 / 4) + math.log(2 / 3) + math.log(1 / 2)) / 4)
    assert self_bleu(["a b c d e", "a b c d f"]) == pytest.approx(by_hand)


def test_self_bleu_counts_a_word_no_more_often_than_another_text_has_it() -> None:
    """Of four times fox two are hits, as the other has it twice; no longer run is one, and counts 0.1."""
    each = (2 / 4 * (0.1 / 3) * (0.1 / 2) * (0.1 / 1)) ** 0.25
    assert self_bleu(["fox fox fox fox", "fox a fox b"]) == pytest.approx(each)


def test_a_text_much_shorter_than_the_others_is_less_like_them() -> None:
    assert self_bleu([run(0, 5), run(0, 15)]) < self_bleu([run(0, 14), run(0, 15)])


@given(TEXTS)
def test_every_share_lies_between_none_and_all(texts: list[str]) -> None:
    shares = [*(distinct(texts, n) for n in (1, 2, 3)), repeated_4grams(texts), self_bleu(texts)]
    shares.append(copied(texts, texts[:2]).share)
    assert all(0 <= share <= 1 + 1e-9 for share in shares)


# --- copying --------------------------------------------------------------------------------------

COPIES: list[tuple[str, list[str], list[str], Copied]] = [
    ("nothing written", [], [run(0, 15)], Copied(0.0, 0)),
    ("nothing learned", [run(0, 15)], [], Copied(0.0, 0)),
    ("a word too few", [run(0, 7)], [run(0, 15)], Copied(0.0, 0)),
    ("the shortest copy", [run(0, 8)], [run(0, 15)], Copied(1.0, 8)),
    ("the whole", [run(0, 15)], [run(0, 15)], Copied(1.0, 15)),
    ("in other clothes", [run(0, 9).upper().replace(" ", ", ")], [run(0, 15)], Copied(1.0, 9)),
    ("half of it", [f"{run(0, 8)} and so the fox went off"], [run(0, 15)], Copied(1 / 7, 8)),
    ("two pieces", [f"{run(0, 9)} but {run(0, 8)}"], [run(0, 15)], Copied(3 / 11, 9)),
    ("two stories in one run", [run(0, 15)], [run(0, 10), run(3, 15)], Copied(1.0, 12)),
    ("of one text only", [run(0, 15), "quite another text of at least eight words"], [run(0, 15)],
     Copied(8 / 9, 15)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "stories", "expected"), [each[1:] for each in COPIES], ids=[c[0] for c in COPIES]
)
def test_copies_are_found(texts: list[str], stories: list[str], expected: Copied) -> None:
    found = copied(texts, stories)
    assert found.share == pytest.approx(expected.share)
    assert found.longest == expected.longest


def test_a_refrain_of_the_writers_is_no_copy() -> None:
    """What the writer says in every story is a manner to be learned; the same in two stories is a copy."""
    refrain = run(0, COPIED_GRAM)
    stories = [f"{word} {refrain} {word}" for word in ("fox", "sea", "moon")]
    assert len(stories) == REFRAIN_STORIES
    assert copied([refrain], stories) == Copied(0.0, 0)
    assert copied([refrain], stories[:-1]) == Copied(1.0, 8)


def test_a_story_with_a_refrain_is_found_all_the_same() -> None:
    refrain = run(0, COPIED_GRAM)
    tale = " ".join(f"tale{number}" for number in range(40))
    stories = [f"{refrain} {tale}", f"{refrain} fox", f"{refrain} sea"]
    assert copied([f"{refrain} {tale}"], stories).longest == 47


# --- settings -------------------------------------------------------------------------------------


def asked(names: tuple[str, ...] = (), keywords: tuple[str, ...] = (), most: int = 20) -> StorySettings:
    return StorySettings(Genre.FANTASY, Register.VIVID, most, names, keywords)


@pytest.mark.parametrize(
    ("name", "text", "there"),
    [
        ("Ada", "Then ADA, laughing, ran.", True),
        ("Ada", "It was Ada's boat.", True),
        ("Ada", "It was Ada’s boat.", True),
        ("Ada", "The Canadas are cold.", False),
        ("Ada", "Adage", False),
        ("Captain Rust", "So Rust went below.", True),
        ("Captain Rust", "The captain went below.", True),
        ("Captain Rust", "It was rusty.", False),
        ("Anna Maria de la Cruz", "Say Anna Maria de la Cruz.", True),
        ("Li Bo", "Bo and Li", False),
        ("Li Bo", "old Li Bo!", True),
        ("李白", "那天李白走了。", True),
        ("Zoë", "ZOË sang", True),
    ],
)
def test_a_name_counts_when_somebody_is_called_so(name: str, text: str, there: bool) -> None:
    assert kept(text, asked((name,)), ended=True).names == float(there)


@pytest.mark.parametrize(
    ("keyword", "text", "there"),
    [
        ("moon", "Moons, all of them.", True),
        ("moon", "the moon's path", True),
        ("moon", "a moonlit path", False),
        ("mirrors", "one mirror", True),
        ("bake", "She was baking; he baked.", True),
        ("run", "still running", True),
        ("city", "far cities", True),
        ("box", "boxes", True),
        ("sea", "season", False),
        ("old map", "Two old maps lay there.", True),
        ("old map", "a map, old", False),
        ("ox", "an oxen", False),
        ("ox", "the ox", True),
        ("海", "海边", True),
        ("...", "anything", False),
    ],
)
def test_a_keyword_counts_in_its_simple_forms(keyword: str, text: str, there: bool) -> None:
    assert kept(text, asked(keywords=(keyword,)), ended=True).keywords == float(there)


@pytest.mark.parametrize(
    ("length", "ended", "right"),
    [(20, True, 1.0), (21, True, 0.0), (20, False, 0.0), (5, True, 1.0), (4, True, 0.0), (0, True, 0.0)],
)
def test_a_length_is_kept_by_ending_in_time_and_not_at_once(length: int, ended: bool, right: float) -> None:
    assert LEAST_LENGTH * 20 == 5
    assert kept("word " * length, asked(), ended=ended).length == right


def test_only_what_was_asked_for_counts() -> None:
    nothing_asked = kept("word " * 10, asked(), ended=True)
    assert (nothing_asked.names, nothing_asked.keywords, nothing_asked.all) == (None, None, 1.0)
    half = kept("Ada " * 10, asked(("Ada", "Bo"), ("moon",)), ended=True)
    assert half.all == pytest.approx((0.5 + 0.0 + 1.0) / 3)


NAMES = st.text(st.characters(categories=("L", "M", "N", "P", "S")), min_size=1, max_size=20)


@given(st.text(max_size=200), NAMES, st.booleans())
def test_whatever_is_written_some_share_is_kept(text: str, name: str, ended: bool) -> None:
    found = kept(text, asked((name,), (name,)), ended=ended)
    assert 0 <= found.all <= 1
