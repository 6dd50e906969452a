"""What has to be better, what must not be worse, and the reason that is told."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from finetune.exam.gates import Decision, decide
from finetune.exam.writing_gates import COPIED_MOST, RUN_MOST
from tests.learning.exam import against_base, good_metrics

Metrics = dict[str, Any]
Change = Callable[[Metrics], None]


def decided(change: Change) -> Decision:
    metrics = deepcopy(good_metrics())
    change(metrics)
    return decide(metrics)


def broken(decision: Decision) -> list[str]:
    return [gate.name for gate in decision.gates if not gate.passed]


def of(role: str, name: str, value: Any) -> Change:
    def change(metrics: Metrics) -> None:
        metrics["models"][role][name] = value

    return change


def at(group: str, **values: Any) -> Change:
    return lambda metrics: metrics[group].update(values)


def refrain(liked: float, written: float) -> Change:
    """The writer's own stories have much in common, and so has what was learned from them."""

    def change(metrics: Metrics) -> None:
        metrics["liked"]["distinct_2"] = liked
        metrics["models"]["candidate"]["distinct_2"] = written

    return change


def texts(count: int, ending: float) -> Change:
    def change(metrics: Metrics) -> None:
        metrics["prompts"] = count
        metrics["models"]["candidate"]["ends_by_itself"] = ending

    return change


# --- the gates ------------------------------------------------------------------------------------


@pytest.mark.parametrize("metrics", [good_metrics(), against_base(good_metrics())], ids=["active", "base"])
def test_a_version_that_is_better_and_nowhere_worse_is_promoted(metrics: Metrics) -> None:
    decision = decide(metrics)
    assert decision.promoted
    assert broken(decision) == []


WORSE: list[tuple[str, Change, str]] = [
    ("no surer gain", at("held_out", high=1.0), "held_out"),
    ("a loss", at("held_out", ratio=1.2, low=1.1, high=1.3), "held_out"),
    ("one held-out story", at("held_out", low=None, high=None), "held_out"),
    ("random words", at("order", ratio=0.99, low=0.93, high=1.06), "order"),
    ("an order that was not measured", at("order", ratio=None, low=None, high=None), "order"),
    ("forgotten", of("candidate", "general_perplexity", 21.4 * 1.051), "general_perplexity"),
    ("monotonous", of("candidate", "distinct_2", 0.83 * 0.89), "distinct_2"),
    ("more monotonous than what was liked", refrain(liked=0.7, written=0.62), "distinct_2"),
    ("copying", of("candidate", "copied_8grams", COPIED_MOST + 0.001), "copied_8grams"),
    ("by heart", of("candidate", "longest_copied_run", RUN_MOST + 1), "longest_copied_run"),
    ("running on", of("candidate", "ends_by_itself", 0.9), "ends_by_itself"),
    ("disobedient", at("settings", difference=-0.06, low=-0.1, high=-0.01), "settings_kept"),
    ("another in the app", at("parity", agreement=0.949), "parity"),
    ("the base in disguise", at("parity", differs_from_base=0.0), "differs_from_base"),
]


@pytest.mark.parametrize(("change", "gate"), [each[1:] for each in WORSE], ids=[each[0] for each in WORSE])
def test_each_bound_alone_keeps_a_version_back(change: Change, gate: str) -> None:
    decision = decided(change)
    assert not decision.promoted
    assert broken(decision) == [gate]


JUST_ENOUGH: list[tuple[str, Change]] = [
    ("held out", at("held_out", high=0.999)),
    ("general", of("candidate", "general_perplexity", 21.4 * 1.049)),
    ("distinct", of("candidate", "distinct_2", 0.83 * 0.91)),
    ("as varied as what was liked", refrain(liked=0.7, written=0.64)),
    ("copied", of("candidate", "copied_8grams", COPIED_MOST)),
    ("run", of("candidate", "longest_copied_run", RUN_MOST)),
    ("settings", at("settings", difference=-0.05, low=-0.06, high=-0.04)),
    ("settings by chance", at("settings", difference=-0.1, low=-0.3, high=0.1)),
    ("parity", at("parity", agreement=0.95)),
    ("differs", at("parity", differs_from_base=0.01)),
]


@pytest.mark.parametrize("change", [each[1] for each in JUST_ENOUGH], ids=[each[0] for each in JUST_ENOUGH])
def test_at_its_bound_a_version_passes(change: Change) -> None:
    assert decided(change).promoted


@pytest.mark.parametrize(
    ("count", "ended", "passes"),
    [
        (1, 1, True),
        (1, 0, False),
        (3, 3, True),
        (3, 2, False),
        (4, 3, True),
        (4, 2, False),
        (8, 7, True),
        (8, 6, False),
        (19, 18, True),
        (20, 19, True),
        (20, 18, False),
        (40, 38, True),
        (40, 37, False),
        (100, 95, True),
        (100, 94, False),
    ],
)
def test_nineteen_of_twenty_stories_must_end_by_themselves(count: int, ended: int, passes: bool) -> None:
    """With fewer than twenty, 95 % would mean all of them: one may run on, where there are four or more."""
    decision = decided(texts(count, ended / count))
    assert decision.promoted == passes
    assert f"{ended} of {count} stories" in sentence(decision, "ends_by_itself")


def sentence(decision: Decision, name: str) -> str:
    return next(gate.sentence for gate in decision.gates if gate.name == name)


FIGURES = [
    ("models", "candidate", "held_out_perplexity"),
    ("models", "candidate", "general_perplexity"),
    ("models", "candidate", "distinct_1"),
    ("models", "candidate", "self_bleu"),
    ("models", "candidate", "copied_8grams"),
    ("models", "candidate", "longest_copied_run"),
    ("models", "candidate", "ends_by_itself"),
    ("models", "candidate", "settings_kept"),
    ("models", "active", "held_out_perplexity"),
    ("models", "base", "general_perplexity"),
    ("models", "base", "distinct_2"),
    ("held_out", "ratio"),
    ("held_out", "high"),
    ("settings", "difference"),
    ("parity", "agreement"),
    ("parity", "differs_from_base"),
]


@pytest.mark.parametrize("value", [math.nan, math.inf], ids=["nan", "infinite"])
@pytest.mark.parametrize("path", FIGURES, ids=[".".join(path) for path in FIGURES])
def test_a_figure_that_is_no_number_keeps_a_version_back(path: tuple[str, ...], value: float) -> None:
    metrics = deepcopy(good_metrics())
    place = metrics
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    decision = decide(metrics)
    assert not decision.promoted
    assert "nan" not in decision.reason.lower()
    json.dumps([gate.value for gate in decision.gates], allow_nan=False)


@pytest.mark.parametrize("path", [path for path in FIGURES if path[-1] != "settings_kept"])
def test_a_figure_that_is_missing_keeps_a_version_back(path: tuple[str, ...]) -> None:
    metrics = deepcopy(good_metrics())
    place = metrics
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = None
    assert not decide(metrics).promoted


def test_stories_without_settings_ask_for_nothing() -> None:
    def change(metrics: Metrics) -> None:
        for role in ("base", "active", "candidate"):
            metrics["models"][role] |= dict.fromkeys(
                ("names_kept", "keywords_kept", "length_kept", "settings_kept")
            )
        metrics["settings"] = {"difference": None, "low": None, "high": None}

    decision = decided(change)
    assert decision.promoted
    assert "no story kept for the exam came with settings" in sentence(decision, "settings_kept").lower()


def test_nothing_but_the_gain_is_held_against_the_active_version() -> None:
    """So that small losses cannot add up: the base is where it was, however often something was learned."""
    drifted = decided(of("active", "general_perplexity", 30.0))
    assert drifted.promoted
    forgetful = decided(of("base", "general_perplexity", 15.0))
    assert broken(forgetful) == ["general_perplexity"]
    assert decided(of("active", "distinct_2", 0.99)).promoted


# --- the reason -----------------------------------------------------------------------------------


def test_the_reason_for_promoting_names_the_numbers() -> None:
    reason = decide(good_metrics()).reason
    assert reason.startswith("Promoted, because ")
    for number in ("13 %", "21.9", "25.3", "11 %", "16 %", "v1"):
        assert number in reason


def test_the_reason_for_keeping_names_what_was_not_passed_and_by_how_much() -> None:
    reason = decided(of("candidate", "general_perplexity", 26.0)).reason
    assert reason.startswith("Not promoted, because it has forgotten too much")
    for number in ("26.0", "21.4", "5 %"):
        assert number in reason


def test_of_many_reasons_three_are_told() -> None:
    def change(metrics: Metrics) -> None:
        for name, worse, _ in WORSE:
            if name in ("forgotten", "monotonous", "copying", "by heart", "running on"):
                worse(metrics)

    reason = decided(change).reason
    assert reason.endswith("and 2 more of the bounds are broken.")
    assert len(reason) < 700


@pytest.mark.parametrize(("change", "gate"), [each[1:] for each in WORSE], ids=[each[0] for each in WORSE])
def test_every_sentence_is_one(change: Change, gate: str) -> None:
    for each in decided(change).gates:
        assert not each.sentence[0].islower()
        assert each.sentence.endswith(".")
        assert "None" not in each.sentence
