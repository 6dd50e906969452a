"""A run's folder: whole or as if it had never begun, one at a time, and not for ever."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from finetune.errors import BusyError, StageMissingError
from finetune.runs import BEGUN, MANIFEST, Runs, disk_use, fingerprint

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path / "runs")


def test_a_stage_without_its_manifest_is_done_anew_in_an_empty_folder(runs: Runs) -> None:
    stage = runs.create().stage("train")
    assert stage.begin("inputs") is None
    (stage.folder / "half").write_text("of it")
    assert stage.begin("inputs") is None
    assert [path.name for path in stage.folder.iterdir()] == [BEGUN]


def test_a_stage_that_goes_on_from_checkpoints_keeps_them(runs: Runs) -> None:
    stage = runs.create().stage("train")
    stage.begin("inputs", keep=True)
    (stage.folder / "checkpoint").write_text("here")
    assert stage.begin("inputs", keep=True) is None
    assert (stage.folder / "checkpoint").exists()
    assert stage.begin("other inputs", keep=True) is None
    assert not (stage.folder / "checkpoint").exists()


def test_a_stage_that_is_whole_is_not_done_twice_unless_its_inputs_changed(runs: Runs) -> None:
    stage = runs.create().stage("train")
    stage.begin("inputs")
    made = stage.finish("inputs", {"adapter": "epoch-1"}, {"loss": 1.5})
    assert stage.begin("inputs") == made
    assert stage.begin("other inputs", keep=True) is None
    assert stage.manifest() is None


@pytest.mark.parametrize("torn", [b"", b"{", b'{"stage": "train"}', b"[]", b"null"])
def test_a_torn_manifest_is_none(runs: Runs, torn: bytes) -> None:
    stage = runs.create().stage("train")
    stage.begin("inputs")
    (stage.folder / MANIFEST).write_bytes(torn)
    assert stage.manifest() is None


def test_what_an_earlier_stage_made_is_found_or_asked_for(runs: Runs) -> None:
    run = runs.create()
    with pytest.raises(StageMissingError, match=f"storaiteller-finetune dataset --run {run.id}"):
        run.output("dataset", "train")
    stage = run.stage("dataset")
    stage.begin("x")
    stage.finish("x", {"train": "train.jsonl"}, {})
    assert run.output("dataset", "train") == run.folder / "dataset" / "train.jsonl"


def test_runs_are_found_by_name_and_the_latest_without_one(runs: Runs) -> None:
    with pytest.raises(StageMissingError, match="no run yet"):
        runs.get(None)
    first, second = runs.create(), runs.create()
    assert runs.get(None) == second
    assert runs.get(first.id) == first
    with pytest.raises(StageMissingError, match="no run nonsense"):
        runs.get("nonsense")


@pytest.mark.parametrize("name", ["..", "../versions", "20261122-030000/../..", ""])
def test_a_run_is_never_a_path(runs: Runs, name: str) -> None:
    run = runs.create()
    if name:
        with pytest.raises(StageMissingError):
            runs.get(name)
    else:
        assert runs.get(name) == run


def test_old_runs_are_pruned_and_strange_folders_left_alone(runs: Runs) -> None:
    made = [runs.create() for _ in range(4)]
    (runs.folder / "my notes").mkdir()
    assert runs.prune(2) == [run.id for run in made[:2]]
    assert runs.all() == made[2:]
    assert (runs.folder / "my notes").is_dir()


def test_one_run_at_a_time_between_processes_and_a_killed_one_lets_go(runs: Runs) -> None:
    code = (
        "import sys; from pathlib import Path; from finetune.runs import Runs\n"
        "with Runs(Path(sys.argv[1])).lock(): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(runs.folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BusyError), runs.lock():
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with runs.lock():
            pass


def test_a_fingerprint_tells_files_by_what_is_in_them(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"same")
    other.write_bytes(b"same")
    assert fingerprint(one, {"a": 1}) == fingerprint(other, {"a": 1})
    other.write_bytes(b"different")
    assert fingerprint(one, {"a": 1}) != fingerprint(other, {"a": 1})
    assert fingerprint(one, {"a": 1}) != fingerprint(one, {"a": 2})


def test_a_runs_json_is_replaced_whole(runs: Runs) -> None:
    run = runs.create()
    run.write_json("result.json", {"decision": "kept"})
    path = run.write_json("result.json", {"decision": "promoted"})
    assert json.loads(path.read_text()) == {"decision": "promoted"}
    assert disk_use(run.folder) == path.stat().st_size


def test_a_file_that_goes_while_the_disk_is_measured_counts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk, lost = os.walk, tmp_path / "lost"
    lost.write_bytes(b"123")
    (tmp_path / "kept").write_bytes(b"12345")

    def walk_and_lose(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
        for found in walk(folder):
            lost.unlink()
            yield found

    monkeypatch.setattr(os, "walk", walk_and_lose)
    assert disk_use(tmp_path) == 5
