"""The version itself: what it holds, and when there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finetune import register as registering
from finetune.context import Context
from finetune.errors import NoRoomError, StageMissingError, TrainingFailedError
from finetune.register import register
from finetune.runs import Run
from storaiteller.errors import ModelUnusableError, RegistryError
from tests.fake_ollama import FakeOllama
from tests.learning.registering.made import ADAPTER, a_run, paths, versions

pytestmark = pytest.mark.slow


def test_a_version_holds_all_that_it_needs_later(context: Context, run: Run, merged: list[Path]) -> None:
    made = register(context, run)
    (version,) = versions(context)
    assert (version.name, version.run_id, version.status) == ("v1", run.id, "candidate")
    assert (version.trained_on, version.held_out, version.parent) == (("t",), ("h",), None)
    assert (version.base.model_id, version.base.size_bytes) == ("ollama/llama3.2", 13)
    folder = context.registry.folder("v1")
    assert context.registry.adapter("v1").read_bytes() == ADAPTER
    assert {path.name: path.read_bytes() for path in (folder / "peft").iterdir()} == {
        "adapter_config.json": b"{}",
        "adapter_model.safetensors": b"tensors",
    }
    assert made.metrics["version"] == "v1"
    assert context.registry.read().active is None


def test_a_version_descends_from_the_one_that_writes_on_the_same_base(
    context: Context, merged: list[Path]
) -> None:
    register(context, a_run(context))
    context.registry.activate("v1")
    register(context, a_run(context, b"GGUF another night"))
    context.registry.update("v1", base=versions(context)[0].base.model_copy(update={"sha256": "0" * 64}))
    register(context, a_run(context, b"GGUF a third night"))
    assert [version.parent for version in versions(context)] == [None, "v1", None]


def test_a_run_registered_twice_is_one_version(
    context: Context, run: Run, fake: FakeOllama, tried: list[Any], merged: list[Path]
) -> None:
    first = register(context, run)
    fake.requests.clear()
    assert register(context, run) == first
    assert len(versions(context)) == 1
    assert len(tried) == len(merged) == 1
    assert {"POST /api/create", "POST /api/blobs/sha256"}.isdisjoint(paths(fake))


def test_killed_between_version_and_manifest_the_version_is_found_again(
    context: Context, run: Run, tried: list[Any], merged: list[Path]
) -> None:
    register(context, run)
    (run.stage("register").folder / "manifest.json").unlink()
    made = register(context, run)
    assert made.metrics["version"] == "v1"
    assert len(versions(context)) == len(tried) == 1


def test_killed_while_its_folder_was_filled_the_next_one_takes_the_name(
    context: Context, run: Run, merged: list[Path]
) -> None:
    torn = context.registry.folder("v1") / "peft"
    torn.mkdir(parents=True)
    (torn / "half.safetensors").write_bytes(b"torn")
    register(context, run)
    assert not (torn / "half.safetensors").exists()
    assert context.registry.adapter("v1").read_bytes() == ADAPTER


def test_another_adapter_of_the_same_run_is_another_version(
    context: Context, run: Run, merged: list[Path]
) -> None:
    register(context, run)
    run.output("convert", "adapter").write_bytes(b"GGUF trained again")
    register(context, run)
    assert [version.run_id for version in versions(context)] == [run.id, run.id]


@pytest.mark.parametrize("failure", [ModelUnusableError("no"), TrainingFailedError("no")])
def test_what_the_apps_engine_cannot_write_with_is_never_registered(
    context: Context,
    run: Run,
    fake: FakeOllama,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise failure

    monkeypatch.setattr(registering, "try_out", refuse)
    with pytest.raises(type(failure)):
        register(context, run)
    assert versions(context) == []
    assert not context.registry.folder("v1").exists()
    assert "POST /api/blobs/sha256" not in paths(fake)


def test_a_full_disk_leaves_no_version_and_says_how_much_is_needed(
    context: Context, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("finetune.version_folder.shutil.copyfileobj", full)
    with pytest.raises(NoRoomError, match="Make room"):
        register(context, run)
    assert versions(context) == []
    assert not context.registry.folder("v1").exists()


def test_a_disk_that_breaks_otherwise_leaves_no_version_either(
    context: Context, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("finetune.version_folder.shutil.copyfileobj", broken)
    with pytest.raises(RegistryError, match="Input/output"):
        register(context, run)
    assert versions(context) == []


def test_nothing_is_registered_before_it_was_converted(context: Context) -> None:
    with pytest.raises(StageMissingError, match="convert"):
        register(context, context.runs.create())
