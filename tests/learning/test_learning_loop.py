"""The whole of it, on the real demo model: thirty-two stories in one voice become a model that has it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from storaiteller import demo_model
from storaiteller.feedback import FeedbackLedger, GoodStory
from storaiteller.registry import Registry
from tests.learning.stories import OPENING, random_word_stories, style_stories
from tests.serving import serving

ROOT = Path(__file__).resolve().parents[2]

NIGHT = ("--samples", "4", "--epochs", "2", "--learning-rate", "5e-4")
"""Two readings at a higher rate are as good as three, and a minute shorter."""

ALONE = {**os.environ, "STORAITELLER_THREADS": "1"}
"""With a thread a core it would crawl beside the other tests: each step waits for the slower one."""

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.night]


def finetune(data_dir: Path, *arguments: str) -> dict[str, Any]:
    """Run the command as a writer does, and return the JSON object it prints."""
    command = [sys.executable, "-m", "finetune", "--data-dir", str(data_dir), "--engine", "embedded"]
    told = subprocess.run(
        [*command, *arguments, "--json"], cwd=ROOT, env=ALONE, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
    value: dict[str, Any] = json.loads(told.stdout)
    return value


def data_folder(folder: Path, model: Path, stories: Sequence[GoodStory]) -> Path:
    (folder / "models").mkdir(parents=True)
    (folder / "models" / demo_model.FILE_NAME).symlink_to(model)
    ledger = FeedbackLedger(folder / "datastories.csv")
    for story in stories:
        ledger.save(story)
    return folder


def kill_in_the_second_epoch(data: Path) -> str:
    """Begin a night, and kill it without warning when it has read everything once; the run's name."""
    command = [sys.executable, "-m", "finetune", "--data-dir", str(data), "--engine", "embedded"]
    begun = subprocess.Popen([*command, "nightly", *NIGHT], cwd=ROOT, env=ALONE, stderr=subprocess.DEVNULL)
    with begun as night:
        while not (notes := list((data / "runs").glob("*/train/epoch-1/epoch.json"))):
            assert night.poll() is None, "it ended before it had read everything once"
            time.sleep(0.2)
        night.kill()
    return notes[0].parents[2].name


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory, demo_model_path: Path) -> tuple[Path, dict[str, Any]]:
    """A data folder after its first night, which was killed once and begun again, and what that said."""
    data = data_folder(tmp_path_factory.mktemp("learned") / "data", demo_model_path, style_stories(32))
    killed = kill_in_the_second_epoch(data)
    assert not (data / "registry.json").exists()
    return data, finetune(data, "nightly", *NIGHT) | {"killed": killed}


def test_a_night_learns_the_voice_and_promotes_it(learned: tuple[Path, dict[str, Any]]) -> None:
    data, result = learned
    assert result["decision"] == "promoted", result["reason"]
    assert result["metrics"]["held_out"]["ratio"] < 0.8
    assert result["metrics"]["held_out"]["high"] < 1
    assert result["metrics"]["parity"]["agreement"] >= 0.95
    assert Registry(data).read().active == result["metrics"]["version"] == "v1"
    assert Path(result["artefacts"]["report/report"]).read_text().startswith("<!doctype html>")


def test_a_night_that_was_killed_is_gone_on_with(learned: tuple[Path, dict[str, Any]]) -> None:
    data, result = learned
    assert result["run_id"] == result["killed"]
    train = json.loads((data / "runs" / result["run_id"] / "train" / "manifest.json").read_text())
    assert [epoch["epoch"] for epoch in train["metrics"]["epochs"]] == [0, 1, 2]
    assert not list((data / "runs").rglob("optimizer.safetensors"))
    assert [version.name for version in Registry(data).read().versions] == ["v1"]


async def test_the_running_app_writes_with_it_and_without_it_again(
    learned: tuple[Path, dict[str, Any]],
) -> None:
    data, _ = learned
    settings = json.loads(style_stories(1)[0].settings_json)
    ask = {"type": "generate", "settings": settings, "seed": 5}
    async with serving(data_dir=data, ollama_host="127.0.0.1:9") as served, served.talk() as talk:
        await talk.say(**ask, id="tuned")
        tuned = await talk.hear_until("chunk")
        await asyncio.to_thread(finetune, data, "rollback", "base")
        tuned += await talk.hear_until("done")  # a story that runs is not dropped
        await talk.say(**ask, id="base")
        base = await talk.hear_until("done")
        await asyncio.to_thread(finetune, data, "rollback", "v1")
        await talk.say(**ask, id="again")
        again = await talk.hear_until("done")
    assert model_of(tuned) == model_of(again) == "embedded/storaiteller:v1"
    assert model_of(base) == f"embedded/{demo_model.FILE_NAME}"
    assert text_of(tuned).startswith(OPENING)
    assert not text_of(base).startswith(OPENING)
    assert text_of(again) == text_of(tuned)


def test_the_next_night_has_nothing_new(learned: tuple[Path, dict[str, Any]]) -> None:
    data, result = learned
    again = finetune(data, "nightly", *NIGHT)
    assert (again["decision"], again["run_id"]) == ("skipped", result["run_id"])


def test_random_words_are_not_promoted(
    learned: tuple[Path, dict[str, Any]], tmp_path: Path, demo_model_path: Path
) -> None:
    data = data_folder(tmp_path / "data", demo_model_path, random_word_stories(22, seed=2))
    shutil.copytree(learned[0] / "bases", data / "bases", copy_function=_linked)
    result = finetune(data, "nightly", "--samples", "1", "--epochs", "1")
    assert result["decision"] == "kept"
    assert "a heap of words" in result["reason"]
    state = Registry(data).read()
    assert (state.active, [version.status for version in state.versions]) == (None, ["kept"])


def _linked(source: str, target: str) -> None:
    Path(target).symlink_to(Path(source).resolve())


def model_of(heard: list[dict[str, Any]]) -> str:
    return str(next(message["model"] for message in heard if message["type"] == "started"))


def text_of(heard: list[dict[str, Any]]) -> str:
    return "".join(message["text"] for message in heard if message["type"] == "chunk")
