"""The gates of what a version makes of given texts: how surprised it is, and which words it would choose."""

from __future__ import annotations

from finetune.exam.gate import Gate, Metrics, against_name, figure, rival_role
from finetune.reports.wording import change, number, percent, plain

GENERAL_MOST, PARITY_LEAST, DIFFERS_LEAST = 1.05, 0.95, 0.01

ORDER_MOST = 0.9
"""The perplexity of the stories over that of their words shuffled, at the upper end of its interval. Random
words come to about 1, the stories of one voice that we tried to 0.03."""


def held_out(metrics: Metrics) -> Gate:
    rival = against_name(metrics)
    value = metrics["held_out"]
    ratio, low, high = (number(value.get(key)) for key in ("ratio", "low", "high"))
    before = figure(metrics, rival_role(metrics), "held_out_perplexity")
    after = figure(metrics, "candidate", "held_out_perplexity")
    if ratio is None or low is None or high is None or before is None or after is None:
        told = "how well it knows stories of yours that it had not seen could not be measured"
        return Gate.of("held_out", "Knows your stories better", None, 1.0, False, told)
    if low <= 1 <= high:
        told = f"it is not surely less surprised than {rival} by stories of yours that it had not seen"
    else:
        told = f"stories of yours that it had not seen surprise it {change(ratio)} than {rival}"
    ends = sorted((low, high), reverse=ratio < 1)
    told += (
        f" (perplexity {plain(after)} instead of {plain(before)}; with 95 % confidence between "
        f"{change(ends[0])} and {change(ends[1])})"
    )
    return Gate.of("held_out", "Knows your stories better", high, 1.0, high < 1, told)


def order(metrics: Metrics) -> Gate:
    """Whether the order of words in the writer's stories matters to it: see ``finetune.exam.order``."""
    value = metrics.get("order", {})
    ratio, high = (number(value.get(key)) for key in ("ratio", "high"))
    passed = high is not None and high <= ORDER_MOST
    told = (
        f"to it your stories are {'' if passed else 'hardly '}more than a heap of words (their order takes "
        f"{percent(1 - ratio) if ratio is not None and ratio < 1 else 'nothing'} off its surprise; "
        f"{percent(1 - ORDER_MOST)} at least is asked for)"
    )
    return Gate.of("order", "Reads your stories as stories", high, ORDER_MOST, passed, told)


def general(metrics: Metrics) -> Gate:
    before, after = (figure(metrics, role, "general_perplexity") for role in ("base", "candidate"))
    ratio = after / before if after is not None and before else None
    passed = ratio is not None and ratio <= GENERAL_MOST
    told = (
        f"it has forgotten {'little' if passed else 'too much'} of how other texts read (perplexity "
        f"{plain(after)}, the base model's is {plain(before)}; {percent(GENERAL_MOST - 1)} more is allowed)"
    )
    return Gate.of("general_perplexity", "Has not forgotten other texts", ratio, GENERAL_MOST, passed, told)


def parity(metrics: Metrics) -> Gate:
    found = metrics["parity"]
    share = number(found.get("agreement"))
    passed = share is not None and share >= PARITY_LEAST
    exact = percent(number(found.get("exact")))
    told = (
        f"the app writes the word that was trained at {percent(share)} of {found.get('positions')} places, "
        f"near ties included ({exact} without them; {percent(PARITY_LEAST)} is asked for)"
    )
    return Gate.of("parity", "Writes in the app as it was trained", share, PARITY_LEAST, passed, told)


def differs(metrics: Metrics) -> Gate:
    share = number(metrics["parity"].get("differs_from_base"))
    passed = share is not None and share >= DIFFERS_LEAST
    told = (
        f"it chooses another word than the base model at {percent(share)} of the places (at least "
        f"{percent(DIFFERS_LEAST)} is asked for)"
    )
    return Gate.of("differs_from_base", "Has learned something", share, DIFFERS_LEAST, passed, told)
