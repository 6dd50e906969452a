"""How sure a comparison is: bootstrap intervals over stories. Pure, and the same for the same seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

RESAMPLES = 10_000
_CONFIDENCE = 0.95
_BLOCK = 1_000  # resamples held at once: 8 MB for a thousand stories


@dataclass(frozen=True, slots=True)
class Score:
    """What a model made of one story: its negative log-likelihood (in nats), summed over ``tokens``."""

    nll: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure, and the two between which it lies with 95 % confidence."""

    value: float
    low: float
    high: float


def perplexity(scores: Sequence[Score], seed: int) -> Interval:
    """Of all tokens together, so that a long story counts for more."""
    return _exp(_mean([score.nll for score in scores], [score.tokens for score in scores], seed))


def perplexity_ratio(candidate: Sequence[Score], against: Sequence[Score], seed: int) -> Interval:
    """The candidate's perplexity over the other's, on the same stories in the same order; below 1 is better.

    Paired: a resample takes a story with both its scores, so that stories which are hard for both do
    not blur the difference. After Koehn, "Statistical Significance Tests for Machine Translation
    Evaluation" (EMNLP 2004).
    """
    if [score.tokens for score in candidate] != [score.tokens for score in against]:
        raise ValueError("these are not the same stories")
    gains = [ours.nll - theirs.nll for ours, theirs in zip(candidate, against, strict=True)]
    return _exp(_mean(gains, [score.tokens for score in candidate], seed))


def mean_difference(ours: Sequence[float], theirs: Sequence[float], seed: int) -> Interval:
    """The mean of ``ours - theirs`` over pairs."""
    return _mean([a - b for a, b in zip(ours, theirs, strict=True)], [1] * len(ours), seed)


def _mean(values: Sequence[float], weights: Sequence[float], seed: int) -> Interval:
    """The sum of ``values`` over that of ``weights``, with an interval; endless when nothing can be said."""
    import numpy as np

    if not values or not all(map(math.isfinite, values)):
        return Interval(math.nan, math.nan, math.nan)
    value = sum(values) / sum(weights)
    if len(values) == 1:
        return Interval(value, -math.inf, math.inf)
    chance = np.random.default_rng(seed)
    pairs = np.array([values, weights], dtype=np.float64)
    means = []
    for _ in range(0, RESAMPLES, _BLOCK):
        drawn = pairs[:, chance.integers(0, len(values), (_BLOCK, len(values)))].sum(axis=2)
        means.append(drawn[0] / drawn[1])
    tail = _tail(len(values))
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return Interval(value, float(low), float(high))


def _tail(count: int) -> float:
    """Which share of the resamples to leave out at either end: 2.5 %, and less the fewer stories there are.

    Plain percentiles of few stories are too sure of themselves. This is the expanded percentile interval
    of Hesterberg, "What Teachers Should Know About the Bootstrap" (2015), with Student's t by its
    Cornish-Fisher series.
    """
    free = count - 1
    z = NormalDist().inv_cdf((1 + _CONFIDENCE) / 2)
    t = (
        z
        + (z**3 + z) / (4 * free)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * free**3)
    )
    return NormalDist().cdf(-t * math.sqrt(count / free))


def _exp(interval: Interval) -> Interval:
    return Interval(*(_safe_exp(value) for value in (interval.value, interval.low, interval.high)))


def _safe_exp(value: float) -> float:
    return math.inf if value > 700 else math.exp(value)
