"""Which model is tuned, and why it cannot be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from finetune.base import resolve
from finetune.context import Context
from finetune.errors import UnusableBaseError
from finetune.ollama.marks import Marks
from storaiteller.config import Config
from storaiteller.registry import BaseRecord
from tests.closed import closed, open_folder
from tests.fake_ollama import FakeModel, FakeOllama
from tests.versions import add


@pytest.fixture
def fake() -> Iterator[FakeOllama]:
    with FakeOllama.in_thread() as server:
        yield server.fake


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    path = tmp_path / "base.gguf"
    path.write_bytes(b"GGUF the base")
    return path


def context_of(tmp_path: Path, host: str, model: str | None = None) -> Context:
    return Context(Config(data_dir=tmp_path / "data", ollama_host=host, model=model, ollama_models=tmp_path))


def learned(context: Context, fake: FakeOllama, gguf: Path) -> Marks:
    """Two versions of ours on the server, the second one under the name of the promoted one too."""
    base = BaseRecord(model_id="ollama/llama3.2", name="llama3.2", sha256="1" * 64, size_bytes=4)
    marks = Marks(context.config.data_dir, fake.url)
    for number in (1, 2):
        name = f"storaiteller:v{number}"
        add(context.registry, base=base, ollama=name)
        fake.models[name] = FakeModel(modelfile=f"FROM {gguf}\n", digest=str(number) * 64)
        marks.claim(name)
    fake.models["storaiteller:latest"] = fake.models["storaiteller:v2"]
    marks.set_alias("2" * 64)
    return marks


@pytest.mark.parametrize(
    ("model", "lost"),
    [
        *product((None, "storaiteller"), ("", "registry.json")),
        *product(("storaiteller:v1", "ollama:storaiteller:v1"), ("", "registry.json", "ollama.json")),
    ],
)
def test_what_was_learned_already_is_not_learned_on(
    tmp_path: Path, fake: FakeOllama, gguf: Path, model: str | None, lost: str
) -> None:
    context = context_of(tmp_path, fake.url, model)
    learned(context, fake, gguf)
    del fake.models["llama3.2:latest"]
    (context.config.data_dir / (lost or "nothing")).unlink(missing_ok=True)
    with pytest.raises(UnusableBaseError, match=r"learned already.*Fetch the model it came from") as refusal:
        resolve(context)
    assert ("(llama3.2)" in refusal.value.message) == (lost != "registry.json")


@pytest.mark.parametrize("marked", [False, True])
def test_a_storaiteller_made_by_hand_is_learned_on(
    tmp_path: Path, fake: FakeOllama, gguf: Path, marked: bool
) -> None:
    context = context_of(tmp_path, fake.url, "storaiteller")
    if marked:
        learned(context, fake, gguf)
    fake.models["storaiteller:latest"] = FakeModel(modelfile=f"FROM {gguf}\n", digest="7" * 64)
    assert resolve(context).ollama == "storaiteller"


def test_a_file_of_ollamas_that_may_not_be_read_is_said_with_the_way_to_it(
    tmp_path: Path, fake: FakeOllama
) -> None:
    with open_folder() as home:
        blob = home / "ollama" / "models" / "blobs" / "sha256-aa"
        blob.parent.mkdir(parents=True)
        blob.write_bytes(b"GGUF")
        (home / "data").mkdir(mode=0o777)
        fake.models["llama3.2:latest"] = FakeModel(modelfile=f"FROM {blob}\n")
        context = context_of(home, fake.url)
        assert resolve(context).gguf == blob
        with closed(home / "ollama"), pytest.raises(UnusableBaseError) as refusal:
            resolve(context)
    way = f"sudo chmod a+x {home}/ollama && sudo chmod -R a+rX {home}/ollama/models"
    assert way in refusal.value.message


@pytest.mark.parametrize("damage", ["[]", "7", '{"a": 3}', "{", ""])
def test_damaged_notes_on_digests_cost_only_time(tmp_path: Path, gguf: Path, damage: str) -> None:
    context = context_of(tmp_path, "127.0.0.1:9", str(gguf))
    context.bases.mkdir(parents=True)
    (context.bases / "digests.json").write_text(damage)
    expected = hashlib.sha256(b"GGUF the base").hexdigest()
    assert resolve(context).sha256 == expected
    assert list(json.loads((context.bases / "digests.json").read_text()).values()) == [expected]
