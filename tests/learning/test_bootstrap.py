"""How sure a comparison is, on scores whose truth is known."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.exam.bootstrap import Score, mean_difference, perplexity, perplexity_ratio

SCORES = st.lists(st.builds(Score, st.floats(0, 1e6), st.integers(1, 5_000)), min_size=2, max_size=12)


def scores(count: int, mean: float, *, spread: float = 0.3, seed: int = 1) -> list[Score]:
    """Stories of 100 to 300 tokens; how hard each is differs a lot, as it does in life."""
    chance = random.Random(seed)
    lengths = [chance.randint(100, 300) for _ in range(count)]
    return [Score(length * chance.gauss(mean, spread), length) for length in lengths]


def nudged(before: list[Score], by: float, *, spread: float = 0.02, seed: int = 2) -> list[Score]:
    """The same stories, read by a model that is better by ``by`` nats a token, a little more or less."""
    chance = random.Random(seed)
    return [Score(each.nll - each.tokens * chance.gauss(by, spread), each.tokens) for each in before]


def test_a_clear_gain_lies_wholly_below_one() -> None:
    before = scores(12, 3.2)
    found = perplexity_ratio(nudged(before, 0.3), before, seed=1)
    assert found.low < found.value < found.high < 1
    assert found.value == pytest.approx(math.exp(-0.3), abs=0.02)


def test_no_difference_contains_one() -> None:
    before = scores(12, 3.2)
    found = perplexity_ratio(nudged(before, 0.0), before, seed=1)
    assert found.low < 1 < found.high


def test_a_loss_lies_above_one() -> None:
    before = scores(12, 3.2)
    assert perplexity_ratio(nudged(before, -0.2), before, seed=1).low > 1


def test_pairing_sees_through_stories_that_are_hard_for_both() -> None:
    """Each perplexity alone is far less certain than how they compare."""
    before = scores(12, 3.2, spread=0.6)
    after = nudged(before, 0.1)
    alone, compared = perplexity(after, seed=1), perplexity_ratio(after, before, seed=1)
    assert compared.high < 1
    assert (alone.high - alone.low) / alone.value > 5 * (compared.high - compared.low)


def test_a_long_story_counts_for_more() -> None:
    found = perplexity([Score(100.0, 100), Score(900 * 3.0, 900)], seed=1)
    assert found.value == pytest.approx(math.exp(2.8))


def test_the_same_seed_gives_the_same_interval() -> None:
    before = scores(9, 3.0)
    after = nudged(before, 0.1)
    assert perplexity_ratio(after, before, seed=5) == perplexity_ratio(after, before, seed=5)
    assert perplexity_ratio(after, before, seed=5) != perplexity_ratio(after, before, seed=6)


def test_fewer_stories_are_less_sure() -> None:
    before = scores(200, 3.2)
    after = nudged(before, 0.1, spread=0.1)
    widths = []
    for count in (4, 20, 200):
        found = perplexity_ratio(after[:count], before[:count], seed=1)
        widths.append(found.high - found.low)
    assert widths == sorted(widths, reverse=True)


def test_two_stories_are_only_sure_if_both_got_better() -> None:
    before = [Score(300.0, 100), Score(300.0, 100)]
    both = [Score(290.0, 100), Score(280.0, 100)]
    one = [Score(250.0, 100), Score(301.0, 100)]
    assert perplexity_ratio(both, before, seed=1).high < 1
    assert perplexity_ratio(one, before, seed=1).high > 1


@pytest.mark.parametrize(("count", "least"), [(4, 0.8), (6, 0.91), (8, 0.92)])
def test_it_is_right_nineteen_times_out_of_twenty_or_nearly(count: int, least: float) -> None:
    """The share of draws whose interval holds the truth; with plain percentiles 0.76, 0.88 and 0.89. Of
    four stories no resample can tell more than the best and the worst, which hold it seven times in eight."""
    held = 0
    for draw in range(300):
        before = [Score(300.0, 100)] * count
        found = perplexity_ratio(nudged(before, 0.1, spread=0.1, seed=draw), before, seed=draw)
        held += found.low <= math.exp(-0.1) <= found.high
    assert least <= held / 300 < 1


@pytest.mark.parametrize("count", [0, 1])
def test_one_story_shows_nothing(count: int) -> None:
    before = scores(count, 3.2)
    found = perplexity_ratio(nudged(before, 1.0), before, seed=1)
    assert not found.high < 1


def test_a_model_gone_astray_has_no_interval() -> None:
    found = perplexity([Score(math.nan, 10), Score(1.0, 10)], seed=1)
    assert math.isnan(found.value)
    assert math.isnan(found.high)


def test_a_perplexity_beyond_all_numbers_is_endless_and_no_error() -> None:
    assert perplexity([Score(1e9, 10), Score(1e9, 10)], seed=1).value == math.inf


def test_scores_of_different_stories_are_not_compared() -> None:
    with pytest.raises(ValueError, match="not the same stories"):
        perplexity_ratio([Score(1.0, 10)], [Score(1.0, 11)], seed=1)


def test_a_mean_difference_is_paired_too() -> None:
    theirs = [0.0, 0.5, 1.0, 0.2, 0.9, 0.4]
    ours = [value - 0.1 for value in theirs]
    found = mean_difference(ours, theirs, seed=1)
    assert (found.value, found.low, found.high) == pytest.approx((-0.1, -0.1, -0.1))


@given(SCORES, st.integers(0, 100))
def test_an_interval_holds_its_figure(found: list[Score], seed: int) -> None:
    told = perplexity(found, seed)
    assert told.low <= told.high
    alike = perplexity_ratio(found, found, seed)
    assert (alike.low, alike.value, alike.high) == (1.0, 1.0, 1.0)
