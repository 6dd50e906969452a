"""The night's order of things, up to where training would begin; the whole of it is in test_learning_loop."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from finetune import nightly as room
from finetune.config import LearnConfig
from finetune.context import Context
from finetune.errors import BusyError
from finetune.nightly import STAGES, Decision, Result, nightly, result_of, stage
from finetune.runs import Run
from finetune.status import status
from storaiteller import demo_model
from storaiteller.config import Config
from storaiteller.feedback import GoodStory
from tests.learning.exam import Heard, add_version
from tests.learning.stories import style_stories
from tests.versions import DEMO, IN_OLLAMA, add

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def context(config: Config) -> Context:
    return Context(config, LearnConfig(min_likes=20), Heard())


def like(context: Context, stories: Sequence[GoodStory]) -> None:
    for story in stories:
        context.ledger.save(story)


def finetune(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "finetune", "--data-dir", str(data_dir), "--engine", "embedded"]
    return subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_stage_is_in_the_file_named_after_it() -> None:
    assert all(callable(stage(name)) for name in STAGES)


def test_an_empty_ledger_is_skipped_and_says_how_many_stories_are_missing(context: Context) -> None:
    result = nightly(context)
    assert (result.decision, result.error) == ("skipped", None)
    assert "20" in result.reason
    assert context.runs.all() == []


def test_too_few_stories_are_skipped_and_say_how_many_are_missing(context: Context) -> None:
    like(context, style_stories(13))
    result = nightly(context)
    assert result.decision == "skipped"
    assert "13" in result.reason
    assert "7" in result.reason
    assert not (context.config.data_dir / "registry.json").exists()


def test_a_model_that_is_not_here_is_said_and_nothing_is_begun(context: Context) -> None:
    like(context, style_stories(24))
    result = nightly(context)
    assert (result.decision, result.error) == ("kept", "unusable_base")
    assert demo_model.FILE_NAME in result.reason
    assert context.runs.all() == []


def test_two_nightlies_at_once_are_one(context: Context) -> None:
    with context.runs.lock(), pytest.raises(BusyError):
        nightly(context)


@pytest.mark.slow
def test_too_few_stories_leave_no_run_behind(tmp_path: Path) -> None:
    told = finetune(tmp_path, "dataset")
    assert told.returncode == 1
    assert "20" in told.stderr
    assert not list((tmp_path / "runs").glob("2*"))


@pytest.mark.slow
def test_a_busy_night_is_skipped_and_says_so_in_json_too(context: Context) -> None:
    with context.runs.lock():
        told = finetune(context.config.data_dir, "nightly", "--json")
    value = json.loads(told.stdout)
    assert (value["decision"], value["error"]) == ("skipped", "busy")


@pytest.fixture
def here(context: Context, demo_model_path: Path) -> Context:
    """With the demo model and enough stories."""
    context.config.models_dir.mkdir(parents=True)
    (context.config.models_dir / demo_model.FILE_NAME).symlink_to(demo_model_path)
    like(context, style_stories(24))
    return context


def fake_stages(monkeypatch: pytest.MonkeyPatch, *, failing: str | None = None) -> list[str]:
    """Stages that only say that they were there, in place of ten minutes of work each."""
    ran: list[str] = []

    def fake(name: str) -> Any:
        def run_it(context: Context, run: Run) -> Any:
            made = run.stage(name)
            if done := made.begin("inputs"):
                return done
            ran.append(name)
            if name == failing:
                raise OSError(28, "No space left on device", "/somewhere")
            metrics = {
                "train_stories": 19, "held_out_stories": 5, "best_epoch": 2, "tokens_per_second": 1.0,
                "device": "CPU", "version": "v1", "against": "base", "held_out": {}, "parity": {},
                "decision": "kept", "reason": "Not promoted, because it is not better.",
            }  # fmt: skip
            return made.finish("inputs", {}, metrics)

        return run_it

    monkeypatch.setattr(room, "stage", fake)
    monkeypatch.setattr(room, "report", lambda context, run, stopped: ran.append(f"told: {stopped[:24]}"))
    return ran


@pytest.mark.model
def test_all_stages_run_in_order_once_and_not_again_for_the_same_stories(
    here: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = fake_stages(monkeypatch)
    first = nightly(here)
    assert ran == list(STAGES)
    assert first.decision == "kept"
    assert result_of(here.runs.get(first.run_id)) == first
    again = nightly(here)
    assert (again.decision, again.run_id) == ("skipped", first.run_id)
    assert ran == list(STAGES)


@pytest.mark.model
def test_a_run_whose_inputs_cannot_be_read_is_begun_anew(
    here: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = fake_stages(monkeypatch)
    first = nightly(here)
    (here.runs.get(first.run_id).folder / "inputs.json").write_text("[]")
    assert nightly(here).run_id != first.run_id
    assert ran == [*STAGES] * 2


@pytest.mark.model
def test_a_story_more_or_one_taken_back_is_something_new(
    here: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = fake_stages(monkeypatch)
    nightly(here)
    here.ledger.take_back(style_stories(1)[0].story_id)
    nightly(here)
    like(here, style_stories(26)[24:])
    nightly(here)
    assert ran == [*STAGES] * 3


@pytest.mark.model
def test_a_full_disk_keeps_the_old_model_and_the_next_night_goes_on_from_there(
    here: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = fake_stages(monkeypatch, failing="register")
    failed = nightly(here)
    assert (failed.decision, failed.error) == ("kept", "no_room")
    assert "No space left" in failed.reason
    resumed = fake_stages(monkeypatch)
    assert nightly(here).run_id == failed.run_id
    assert ran == ["dataset", "train", "convert", "register", "told: The disk could not be wr"]
    assert resumed == ["register", "evaluate", "promote", "report"]


@pytest.mark.model
def test_a_run_by_hand_counts_like_a_night(here: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = fake_stages(monkeypatch)
    run = room.begin(here)
    for name in STAGES:
        room.stage(name)(here, run)
    assert room.conclude(run).decision == "kept"
    assert nightly(here).decision == "skipped"
    assert ran == list(STAGES)


@pytest.mark.model
def test_at_night_without_ollama_the_demo_does_not_take_the_place_of_what_was_learned(
    here: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = fake_stages(monkeypatch)
    version = add_version(here, sha256="0" * 64)
    learned_on = here.registry.read().find(version).base.model_copy(update={"model_id": "ollama/llama3.2"})
    here.registry.update(version, base=learned_on)
    here.registry.activate(version)
    result = nightly(here)
    assert (result.decision, result.error, ran) == ("kept", "unusable_base", [])
    assert "Ollama does not answer" in result.reason
    assert here.registry.read().active == version


@pytest.mark.model
def test_old_runs_go_and_the_stated_number_stays(here: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_stages(monkeypatch)
    few = Context(here.config, here.learn.model_copy(update={"keep_runs": 1}), here.tell)
    nightly(few)
    like(few, style_stories(25)[24:])
    last = nightly(few)
    assert [run.id for run in few.runs.all()] == [last.run_id]


@pytest.mark.slow
def test_json_prints_one_object_and_nothing_else(tmp_path: Path) -> None:
    told = finetune(tmp_path, "nightly", "--json")
    assert told.returncode == 0
    value = json.loads(told.stdout)
    assert value["decision"] == "skipped"
    assert set(value) >= {"run_id", "decision", "reason", "metrics", "artefacts"}


@pytest.mark.slow
def test_status_tells_what_there_is(tmp_path: Path) -> None:
    told = finetune(tmp_path, "status", "--json")
    value = json.loads(told.stdout)
    assert (value["likes"], value["needed"], value["active"], value["versions"]) == (0, 20, None, {})


def test_status_says_that_a_version_learned_on_another_model_waits(context: Context) -> None:
    add(context.registry, base=IN_OLLAMA)
    add(context.registry, base=DEMO)
    context.registry.activate("v1")
    told = status(context).as_text()
    assert f"v1 was learned on llama3.2; {DEMO.name} writes now." in told
    assert "Writing now" not in told
    context.registry.activate("v2")
    assert "Writing now: v2" in status(context).as_text()


@pytest.mark.slow
def test_a_damaged_registry_is_said_and_mended(tmp_path: Path) -> None:
    (tmp_path / "registry.json").write_text('{"format": 1, "active": "v')
    told = finetune(tmp_path, "status")
    assert told.returncode == 1
    assert "--mend" in " ".join(told.stderr.split())
    assert finetune(tmp_path, "status", "--mend").returncode == 0
    assert finetune(tmp_path, "status").returncode == 0
    assert list(tmp_path.glob("registry.json.broken-*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("train",), 1, "no run yet"),
        (("train", "--run", "../x"), 1, "no run"),
        (("nightly", "--epochs", "0"), 2, "--epochs"),
        (("nightly", "--learning-rate", "7"), 2, "--learning-rate"),
        (("promote", "v9"), 1, "no version v9"),
        (("rollback", "v9"), 1, "no version v9"),
        (("import", "/nowhere/at/all"), 1, "/nowhere"),
    ],
)
def test_what_is_wrong_is_a_sentence_and_an_exit_code(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    told = finetune(tmp_path, *arguments)
    assert (told.returncode, "Traceback" in told.stderr) == (code, False)
    assert said in " ".join(told.stderr.split())


@pytest.mark.parametrize(
    ("decision", "reason", "said"),
    [
        ("promoted", "Promoted, because it is better.", "Promoted, because it is better."),
        ("kept", "Not promoted, because it copies.", "Not promoted, because it copies."),
        ("kept", "The disk is full.", "Kept. The disk is full."),
        ("skipped", "Nothing is new.", "Skipped. Nothing is new."),
    ],
)
def test_the_decision_is_said_once(decision: Decision, reason: str, said: str) -> None:
    assert Result("r", decision, reason).told() == said
    assert (
        Result("r", decision, reason, {}, {"report/report": "/r.html"}).told()
        == f"{said}\nThe report: /r.html"
    )
