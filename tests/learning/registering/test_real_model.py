"""With the demo model: an adapter is tried in the app's engine, merged and given away."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from finetune.context import Context
from finetune.errors import TrainingFailedError
from finetune.register import register
from finetune.tryout import try_out
from storaiteller.config import Config
from storaiteller.engines.llama_probe import LlamaProbe
from storaiteller.errors import ModelUnusableError
from storaiteller.story import Message
from tests.fake_ollama import FakeOllama
from tests.learning.exam import Heard
from tests.learning.registering.made import a_run

pytestmark = pytest.mark.slow


def an_adapter(path: Path, *, strength: float = 0.5, width: int = 576) -> Path:
    """A LoRA for the first layers of the demo model, as ``convert`` would write it, but random."""
    chance = np.random.default_rng(3)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 16.0)
    for layer in range(4):
        name = f"blk.{layer}.attn_output.weight"
        writer.add_tensor(f"{name}.lora_a", chance.normal(size=(8, width)).astype(np.float32))
        b = strength * chance.normal(size=(width, 8))
        writer.add_tensor(f"{name}.lora_b", b.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def example(demo_model_path: Path) -> tuple[list[int], list[int]]:
    with LlamaProbe(demo_model_path) as probe:
        prompt = probe.render([Message("user", "Write a story about a lighthouse.")])
        story = "Once upon a time a lighthouse stood on a rock in the sea, and nobody lived in it but a gull."
        return probe.tokens(prompt, prompt=True), probe.tokens(story, prompt=False)


@pytest.mark.model
def test_an_adapter_that_changes_the_writing_passes(
    tmp_path: Path, demo_model_path: Path, example: tuple[list[int], list[int]]
) -> None:
    try_out(demo_model_path, an_adapter(tmp_path / "a.gguf"), [example])


@pytest.mark.model
def test_an_adapter_that_changes_nothing_is_refused(
    tmp_path: Path, demo_model_path: Path, example: tuple[list[int], list[int]]
) -> None:
    silent = an_adapter(tmp_path / "a.gguf", strength=0)
    with pytest.raises(TrainingFailedError, match="has learned nothing"):
        try_out(demo_model_path, silent, [example])


@pytest.mark.model
def test_an_adapter_of_other_weights_is_refused_by_the_engine(
    tmp_path: Path, demo_model_path: Path, example: tuple[list[int], list[int]]
) -> None:
    with pytest.raises(ModelUnusableError, match=r"with a\.gguf"):
        try_out(demo_model_path, an_adapter(tmp_path / "a.gguf", width=960), [example])


@pytest.mark.model
def test_the_real_model_is_merged_and_given_to_a_server_whole(
    tmp_path: Path, fake: FakeOllama, demo_model_path: Path
) -> None:
    config = Config(data_dir=tmp_path / "data", ollama_host=fake.url, model=str(demo_model_path))
    context = Context(config, tell=Heard())
    run = a_run(context, an_adapter(tmp_path / "a.gguf").read_bytes())
    made = register(context, run)
    assert (made.metrics["ollama"], made.metrics["merged"]) == ("storaiteller:v1", True)
    (size,) = fake.blobs.values()
    assert size == pytest.approx(demo_model_path.stat().st_size, rel=0.01)
    assert not list(run.folder.rglob("merged.gguf"))
