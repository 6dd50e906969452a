"""What a version has to pass to write from now on. Pure: figures in, gates and a decision out.

Only the held-out perplexity has to be better than that of the model to beat. Every other gate is a bound,
which keeps a gain there from being bought with something that no perplexity shows. What is forgotten and
what variety is lost is held against the base and not against the active version: the base stays where it
is, so that small losses cannot add up night after night.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from finetune.reports.wording import change, number, percent, plain

GENERAL_MOST, DISTINCT_LEAST, ENDS_LEAST, SETTINGS_LEAST = 1.05, 0.9, 0.95, -0.05
PARITY_LEAST, DIFFERS_LEAST = 0.95, 0.01

ORDER_MOST = 0.9
"""The perplexity of the stories over that of their words shuffled, at the upper end of its interval. Random
words come to about 1, the stories of one voice that we tried to 0.03."""

COPIED_MOST = 0.05
"""One run of eight words in twenty. People share hardly any; this leaves room for set phrases, and a model
that tells its lessons again is far above it."""

RUN_MOST = 30
"""Words: two sentences. Carlini et al., "Quantifying Memorization" (ICLR 2023), call 50 tokens in a row,
about 37 words, learned by heart."""

FEW = 20
"""With fewer texts 95 % would allow none to run on: then one may, if there are at least ``FEWEST``."""

FEWEST = 4

_MOST_REASONS = 3
_MAY_BE_UNASKED = frozenset(("names_kept", "keywords_kept", "length_kept", "settings_kept"))

Metrics = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Gate:
    """``value`` against ``bound``; ``value`` None where nothing was measured, which passes only where
    nothing was asked. ``label`` names it for a writer, ``sentence`` says how it went, with the numbers.
    """

    name: str
    label: str
    value: float | None
    bound: float
    passed: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Decision:
    """``reason`` is one sentence that begins with Promoted or Not promoted."""

    promoted: bool
    reason: str
    gates: tuple[Gate, ...]


def decide(metrics: Metrics) -> Decision:
    """``metrics`` as the evaluate stage wrote them. A figure that is missing or no number passes nothing."""
    gates = tuple(gate(metrics) for gate in _GATES)
    failed = [_clause(gate) for gate in gates if not gate.passed]
    if not failed:
        return Decision(
            True, f"Promoted, because {_clause(gates[0])}, and nothing else got worse than allowed.", gates
        )
    told = "; ".join(failed[:_MOST_REASONS])
    more = len(failed) - _MOST_REASONS
    rest = f"; and {more} more of the bounds {'is' if more == 1 else 'are'} broken" if more > 0 else ""
    return Decision(False, f"Not promoted, because {told}{rest}.", gates)


def against_name(metrics: Metrics) -> str:
    """The model that the candidate was compared with, in words."""
    return "the base model" if metrics.get("against") == "base" else str(metrics.get("against"))


def _held_out(metrics: Metrics) -> Gate:
    rival = against_name(metrics)
    value = metrics["held_out"]
    ratio, low, high = (number(value.get(key)) for key in ("ratio", "low", "high"))
    before = _figure(metrics, "base" if metrics.get("against") == "base" else "active", "held_out_perplexity")
    after = _figure(metrics, "candidate", "held_out_perplexity")
    if ratio is None or low is None or high is None or before is None or after is None:
        told = "how well it knows stories of yours that it had not seen could not be measured"
        return _gate("held_out", "Knows your stories better", None, 1.0, False, told)
    if low <= 1 <= high:
        told = f"it is not surely less surprised than {rival} by stories of yours that it had not seen"
    else:
        told = f"stories of yours that it had not seen surprise it {change(ratio)} than {rival}"
    ends = sorted((low, high), reverse=ratio < 1)
    told += (
        f" (perplexity {plain(after)} instead of {plain(before)}; with 95 % confidence between "
        f"{change(ends[0])} and {change(ends[1])})"
    )
    return _gate("held_out", "Knows your stories better", high, 1.0, high < 1, told)


def _order(metrics: Metrics) -> Gate:
    """Whether the order of words in the writer's stories matters to it: see ``order``."""
    value = metrics.get("order", {})
    ratio, high = (number(value.get(key)) for key in ("ratio", "high"))
    passed = high is not None and high <= ORDER_MOST
    told = (
        f"to it your stories are {'' if passed else 'hardly '}more than a heap of words (their order takes "
        f"{percent(1 - ratio) if ratio is not None and ratio < 1 else 'nothing'} off its surprise; "
        f"{percent(1 - ORDER_MOST)} at least is asked for)"
    )
    return _gate("order", "Reads your stories as stories", high, ORDER_MOST, passed, told)


def _general(metrics: Metrics) -> Gate:
    before, after = (_figure(metrics, role, "general_perplexity") for role in ("base", "candidate"))
    ratio = after / before if after is not None and before else None
    passed = ratio is not None and ratio <= GENERAL_MOST
    told = (
        f"it has forgotten {'little' if passed else 'too much'} of how other texts read (perplexity "
        f"{plain(after)}, the base model's is {plain(before)}; {percent(GENERAL_MOST - 1)} more is allowed)"
    )
    return _gate("general_perplexity", "Has not forgotten other texts", ratio, GENERAL_MOST, passed, told)


def _distinct(metrics: Metrics) -> Gate:
    """Against the base, or against the writer's own stories where those are less varied: a voice with a
    refrain is what was asked for.
    """
    before, after = (_figure(metrics, role, "distinct_2") for role in ("base", "candidate"))
    liked = number(metrics.get("liked", {}).get("distinct_2"))
    known = [value for value in (before, liked) if value is not None]
    ratio = after / min(known) if after is not None and before and min(known) else None
    passed = ratio is not None and ratio >= DISTINCT_LEAST
    beside = f", your own stories' {plain(liked, 2)}" if liked is not None else ""
    told = (
        f"it writes {'varied enough' if passed else 'too much alike'} (distinct-2 {plain(after, 2)}, the "
        f"base model's is {plain(before, 2)}{beside}; at least {percent(DISTINCT_LEAST)} of "
        f"{'the lower' if beside else 'that'} is asked for)"
    )
    return _gate("distinct_2", "Writes varied", ratio, DISTINCT_LEAST, passed, told)


def _copied(metrics: Metrics) -> Gate:
    share = _figure(metrics, "candidate", "copied_8grams")
    passed = share is not None and share <= COPIED_MOST
    told = (
        f"{percent(share)} of what it writes stands in the stories it learned from (runs of eight "
        f"words; {percent(COPIED_MOST)} is allowed)"
    )
    return _gate("copied_8grams", "Does not copy your stories", share, COPIED_MOST, passed, told)


def _run(metrics: Metrics) -> Gate:
    longest = _figure(metrics, "candidate", "longest_copied_run")
    passed = longest is not None and longest <= RUN_MOST
    told = (
        "it copied no eight words in a row"
        if longest == 0
        else f"the longest run that it copied has {plain(longest, 0)} words ({RUN_MOST} are allowed)"
    )
    return _gate("longest_copied_run", "Knows no passage by heart", longest, RUN_MOST, passed, told)


def _ends(metrics: Metrics) -> Gate:
    label = "Comes to an end"
    share, texts = _figure(metrics, "candidate", "ends_by_itself"), number(metrics.get("prompts"))
    if share is None or texts is None:
        told = "whether its stories come to an end could not be measured"
        return _gate("ends_by_itself", label, None, ENDS_LEAST, False, told)
    running_on = round((1 - share) * texts)
    allowed = 1 if FEWEST <= texts < FEW else int(texts * (1 - ENDS_LEAST) + 1e-9)
    told = (
        f"{texts - running_on:.0f} of {texts:.0f} stories came to an end by themselves "
        f"({allowed or 'none'} may run on)"
    )
    return _gate("ends_by_itself", label, share, ENDS_LEAST, running_on <= allowed, told)


def _settings(metrics: Metrics) -> Gate:
    """Worse by more than five points, and not by chance: with few texts a single one is five points."""
    label = "Keeps to the settings"
    rival = "base" if metrics.get("against") == "base" else "active"
    shares = [(metrics["models"].get(role) or {}).get("settings_kept") for role in (rival, "candidate")]
    if shares == [None, None]:
        told = "no story kept for the exam came with settings, so nothing is known of how it keeps to them"
        return _gate("settings_kept", label, None, SETTINGS_LEAST, True, told)
    found = metrics.get("settings") or {}
    difference, high = (number(found.get(key)) for key in ("difference", "high"))
    worse = difference is None or difference < SETTINGS_LEAST
    by_chance = difference is not None and high is not None and high >= 0
    before, after = (percent(number(share)) for share in shares)
    told = (
        f"it keeps {after} of what the settings ask for, {against_name(metrics)} {before} ("
        f"{'with so few texts that may be chance' if worse and by_chance else '5 points less are allowed'})"
    )
    return _gate("settings_kept", label, difference, SETTINGS_LEAST, not worse or by_chance, told)


def _parity(metrics: Metrics) -> Gate:
    found = metrics["parity"]
    share = number(found.get("agreement"))
    passed = share is not None and share >= PARITY_LEAST
    exact = percent(number(found.get("exact")))
    told = (
        f"the app writes the word that was trained at {percent(share)} of {found.get('positions')} places, "
        f"near ties included ({exact} without them; {percent(PARITY_LEAST)} is asked for)"
    )
    return _gate("parity", "Writes in the app as it was trained", share, PARITY_LEAST, passed, told)


def _differs(metrics: Metrics) -> Gate:
    share = number(metrics["parity"].get("differs_from_base"))
    passed = share is not None and share >= DIFFERS_LEAST
    told = (
        f"it chooses another word than the base model at {percent(share)} of the places (at least "
        f"{percent(DIFFERS_LEAST)} is asked for)"
    )
    return _gate("differs_from_base", "Has learned something", share, DIFFERS_LEAST, passed, told)


def _figures(metrics: Metrics) -> Gate:
    """A model that has gone astray answers with no numbers; then the others may be luck."""
    lost = sorted(name for name, value in _all_figures(metrics) if not _is_figure(name, value))
    told = f"these figures came out as no numbers: {', '.join(lost)}" if lost else "every figure is a number"
    return _gate("figures", "Could be measured", float(len(lost)), 0.0, not lost, told)


def _all_figures(metrics: Metrics) -> Iterator[tuple[str, Any]]:
    for role in ("base", "active", "candidate"):
        yield from (metrics["models"].get(role) or {}).items()
    yield from metrics["parity"].items()


def _is_figure(name: str, value: Any) -> bool:
    return number(value) is not None or (value is None and name in _MAY_BE_UNASKED)


_GATES: tuple[Callable[[Metrics], Gate], ...] = (
    _held_out,
    _order,
    _general,
    _distinct,
    _copied,
    _run,
    _ends,
    _settings,
    _parity,
    _differs,
    _figures,
)


def _gate(name: str, label: str, value: float | None, bound: float, passed: bool, clause: str) -> Gate:
    return Gate(name, label, value, bound, passed, f"{clause[0].upper()}{clause[1:]}.")


def _clause(gate: Gate) -> str:
    return gate.sentence[0].lower() + gate.sentence[1:].rstrip(".")


def _figure(metrics: Metrics, role: str, name: str) -> float | None:
    return number((metrics["models"].get(role) or {}).get(name))
