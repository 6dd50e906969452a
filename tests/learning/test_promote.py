"""The version that passed writes, the one that did not is kept, and the way back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from finetune.context import Context
from finetune.errors import StageMissingError
from finetune.promote import promote, promote_version, rollback
from storaiteller.errors import RegistryError, UnknownVersionError
from tests.learning.exam import SHA, add_version, against_base, context_at, good_metrics, tried_run


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return context_at(tmp_path)


# --- the stage ------------------------------------------------------------------------------------


def test_a_better_version_is_active_and_the_registry_knows_why(context: Context) -> None:
    first = add_version(context)
    context.registry.activate(first)
    run = tried_run(context, good_metrics(), parent=first)
    made = promote(context, run)
    state = context.registry.read()
    version = state.find("v2")
    assert state.active == made.metrics["version"] == "v2"
    assert (version.status, version.reason) == ("promoted", made.metrics["reason"])
    assert version.metrics["stories"] == 31
    assert version.metrics["held_out"]["ratio"] == 0.866
    assert [gate["name"] for gate in version.metrics["gates"]] == [g["name"] for g in made.metrics["gates"]]
    assert json.loads(run.output("promote", "decision").read_text()) == made.metrics
    json.dumps(version.model_dump(mode="json"), allow_nan=False)


def test_a_worse_version_is_kept_and_the_active_one_goes_on(context: Context) -> None:
    first = add_version(context)
    context.registry.activate(first)
    metrics = good_metrics()
    metrics["parity"]["agreement"] = 0.4
    made = promote(context, tried_run(context, metrics, parent=first))
    state = context.registry.read()
    assert made.metrics["decision"] == "kept"
    assert state.active == first
    assert state.find("v2").status == "kept"
    assert "40 %" in state.find("v2").reason


def test_deciding_twice_decides_once(context: Context) -> None:
    """Also after the writer has taken it back: what was decided is not decided again."""
    run = tried_run(context, against_base(good_metrics()))
    made = promote(context, run)
    rollback(context)
    assert promote(context, run) == made
    assert context.registry.read().active is None


def test_a_decision_that_was_interrupted_is_made_again(context: Context) -> None:
    """Killed after the pointer was set and before the manifest was written."""
    run = tried_run(context, against_base(good_metrics()))
    promote(context, run)
    (run.folder / "promote" / "manifest.json").unlink()
    assert promote(context, run).metrics["decision"] == "promoted"
    assert context.registry.read().active == "v1"


@pytest.mark.parametrize("now", [None, "v2"], ids=["rolled back", "another promoted"])
def test_a_version_tried_against_one_that_is_no_longer_active_is_kept(
    context: Context, now: str | None
) -> None:
    first, other = add_version(context), add_version(context)
    assert other == "v2"
    run = tried_run(context, good_metrics(), parent=first)
    context.registry.activate(now)
    made = promote(context, run)
    assert made.metrics["decision"] == "kept"
    assert "another model became active" in made.metrics["reason"]
    assert context.registry.read().active == now


def test_an_active_version_of_other_weights_is_not_the_one_to_beat(context: Context) -> None:
    other = add_version(context, sha256="f" * 64)
    context.registry.activate(other)
    made = promote(context, tried_run(context, against_base(good_metrics())))
    assert made.metrics["decision"] == "promoted"
    assert context.registry.read().active == "v2"


def test_nothing_is_decided_before_the_exam(context: Context) -> None:
    with pytest.raises(StageMissingError, match="evaluate"):
        promote(context, context.runs.create())


# --- by hand --------------------------------------------------------------------------------------


def test_a_kept_version_can_be_promoted_by_hand(context: Context) -> None:
    metrics = good_metrics()
    metrics["parity"]["agreement"] = 0.4
    promote(context, tried_run(context, against_base(metrics)))
    assert promote_version(context, "v1") == "Version v1 writes from the next story on."
    version = context.registry.read().find("v1")
    assert context.registry.read().active == "v1"
    assert version.status == "promoted"
    assert version.reason.startswith("Promoted by hand. Its exam had said: Not promoted, because")
    promote_version(context, "v1")
    assert context.registry.read().find("v1").reason.count("by hand") == 1


def test_a_version_whose_file_is_gone_is_not_promoted(context: Context) -> None:
    name = add_version(context)
    context.registry.adapter(name).unlink()
    with pytest.raises(RegistryError, match="is gone"):
        promote_version(context, name)
    assert context.registry.read().active is None
    assert context.registry.read().find(name).status == "candidate"


def test_a_version_that_never_was_is_called_so(context: Context) -> None:
    for action in (promote_version, rollback):
        with pytest.raises(UnknownVersionError, match="v9"):
            action(context, "v9")


# --- the way back ---------------------------------------------------------------------------------


def line(context: Context) -> None:
    """v1 ← v2 ← v3, of which the last is active, and v4 beside them, made from v2 too."""
    for parent in (None, "v1", "v2", "v2"):
        add_version(context, parent=parent)
    context.registry.activate("v3")


def test_rolling_back_goes_up_the_line_to_the_base(context: Context) -> None:
    line(context)
    told = [rollback(context) for _ in range(4)]
    assert context.registry.read().active is None
    assert [sentence.split(".")[0] for sentence in told] == [
        "Version v2 writes from the next story on",
        "Version v1 writes from the next story on",
        "The base model writes from the next story on",
        "The base model writes already; there is nothing to take back",
    ]
    assert "v3 is kept" in told[0]


@pytest.mark.parametrize(("to", "active"), [("v1", "v1"), ("v4", "v4"), ("base", None), ("v3", "v3")])
def test_rolling_back_goes_where_it_is_told(context: Context, to: str, active: str | None) -> None:
    line(context)
    rollback(context, to)
    assert context.registry.read().active == active


def test_a_version_before_that_is_gone_is_passed_over(context: Context) -> None:
    line(context)
    context.registry.adapter("v2").unlink()
    rollback(context)
    assert context.registry.read().active == "v1"


def test_a_version_before_of_other_weights_is_passed_over(context: Context) -> None:
    add_version(context, sha256="f" * 64)
    add_version(context, sha256=SHA, parent="v1")
    context.registry.activate("v2")
    rollback(context)
    assert context.registry.read().active is None


def test_versions_that_claim_to_come_from_each_other_end_at_the_base(context: Context) -> None:
    """A registry that was edited by hand must not hang the way back."""
    add_version(context, parent="v2")
    add_version(context, parent="v1")
    context.registry.activate("v1")
    context.registry.adapter("v2").unlink()
    rollback(context)
    assert context.registry.read().active is None


def test_what_was_promoted_and_taken_back_keeps_its_reason(context: Context) -> None:
    promote(context, tried_run(context, against_base(good_metrics())))
    rollback(context)
    version = context.registry.read().find("v1")
    assert version.status == "promoted"
    assert version.reason.startswith("Promoted, because")
