"""A server that has a base, a run to register, and the stages that take long done in a moment."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from finetune import register as registering
from finetune.context import Context
from finetune.register import register
from finetune.runs import Run
from storaiteller.config import Config
from storaiteller.registry import Version
from tests.fake_ollama import FakeModel, FakeOllama, ThreadedFakeOllama
from tests.learning.exam import Heard
from tests.learning.registering.made import PARAMETERS, TEMPLATE, a_run, versions


@pytest.fixture
def server() -> Iterator[ThreadedFakeOllama]:
    with FakeOllama.in_thread() as handle:
        yield handle


@pytest.fixture
def fake(server: ThreadedFakeOllama, base_file: Path) -> FakeOllama:
    """A server that has ``llama3.2`` from a file on this machine."""
    server.fake.models["llama3.2:latest"] = FakeModel(
        modelfile=f"FROM {base_file}\n",
        template=TEMPLATE,
        parameters=PARAMETERS,
        system="Write.",
        license="MIT",
    )
    return server.fake


@pytest.fixture
def base_file(tmp_path: Path) -> Path:
    path = tmp_path / "base.gguf"
    path.write_bytes(b"GGUF the base")
    return path


@pytest.fixture
def context(tmp_path: Path, fake: FakeOllama) -> Context:
    return Context(Config(data_dir=tmp_path / "data", ollama_host=fake.url), tell=Heard())


@pytest.fixture
def run(context: Context) -> Run:
    return a_run(context)


@pytest.fixture(autouse=True)
def tried(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, Path]]:
    """Unless it is a test with a model: what was tried in the app's engine, where it only has to load."""
    seen: list[tuple[Path, Path]] = []
    if request.node.get_closest_marker("model") is None:

        def engine(base: Path, adapter: Path, examples: Any, **_: Any) -> None:
            assert [list(prompt) for prompt, _ in examples] == [[1, 2, 3], [1, 2]]
            seen.append((base, adapter))

        monkeypatch.setattr(registering, "try_out", engine)
    return seen


@pytest.fixture
def merged(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A merge in a moment; the list tells where the files were written."""
    made: list[Path] = []

    def merge(base: Path, adapter: Path, out: Path, **_: Any) -> None:
        out.write_bytes(base.read_bytes() + adapter.read_bytes())
        made.append(out)

    module = ModuleType("finetune.gguf_merge")
    module.merge = merge  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "finetune.gguf_merge", module)
    return made


@pytest.fixture
def two(context: Context, merged: list[Path]) -> list[Version]:
    """Two versions that Ollama serves."""
    for adapter in (b"GGUF one", b"GGUF two"):
        register(context, a_run(context, adapter))
    return versions(context)
