"""A PEFT adapter as a GGUF adapter: the same arithmetic, loaded by llama.cpp; the rest is refused."""

from __future__ import annotations

import json
import resource
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from libgguf import GGMLQuantizationType as Kind

from finetune import gguf_lora
from finetune.context import Context
from finetune.convert import convert as convert_stage
from finetune.errors import (
    AdapterMismatchError,
    LearnError,
    NoRoomError,
    UnsupportedAdapterError,
    UnusableBaseError,
)
from finetune.runs import Run
from finetune.tensors import gguf_file, gguf_names, quants, safetensors_file
from storaiteller.config import Config, EngineChoice
from storaiteller.engines.llama_probe import LlamaProbe
from tests.learning import tiny_models
from tests.learning.tiny_models import FAMILIES, Array, TinyModel

pytestmark = pytest.mark.slow

AGREE = 0.02
"""Log probabilities of llama.cpp and torch differ by up to 0.003: llama.cpp keeps attention in 16 bits."""

A_STORY = "Once upon a time there was a fox who lived by the sea. Every evening she walked down to the"


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    return tiny_models.make(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def peft(model: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.write_adapter(model, tmp_path_factory.mktemp("peft"))


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    return tiny_models.make("llama", tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="module")
def sound(llama: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter for ``llama`` with nothing wrong with it."""
    return tiny_models.write_adapter(llama, tmp_path_factory.mktemp("sound"))


@pytest.fixture
def adapter(sound: Path, tmp_path: Path) -> Path:
    """A copy of it to be spoiled."""
    return shutil.copytree(sound, tmp_path / "peft")


def changes_by_hand(folder: Path, model: TinyModel) -> dict[str, Array]:
    """What the adapter adds to each tensor of the GGUF file, without the code under test."""
    from safetensors.numpy import load_file

    config = json.loads((folder / "adapter_config.json").read_text())
    halves = load_file(folder / "adapter_model.safetensors")
    changes = {}
    for name in halves:
        if ".lora_A." not in name:
            continue
        a, b = halves[name], halves[name.replace(".lora_A.", ".lora_B.")]
        _, layer, _, projection = name.removesuffix(".lora_A.weight").rsplit(".", 3)
        short = projection.removesuffix("_proj")
        change = config["lora_alpha"] / config["r"] * b @ a
        if model.architecture == "llama" and short in "qk":
            heads = tiny_models.HEADS if short == "q" else tiny_models.KEY_HEADS
            change = change[tiny_models.rows_as_llama_has_them(len(change), heads)]
        part = {"o": "attn_output", "q": "attn_q", "k": "attn_k", "v": "attn_v"}.get(short, f"ffn_{short}")
        changes[f"blk.{layer}.{part}.weight"] = change
    return changes


def changes_in(path: Path) -> dict[str, Array]:
    """The same out of a GGUF adapter, as llama.cpp computes it."""
    from gguf import GGUFReader, dequantize

    reader = GGUFReader(path)
    alpha = reader.fields["adapter.lora.alpha"].contents()
    halves = {tensor.name: dequantize(tensor.data, tensor.tensor_type) for tensor in reader.tensors}
    names = [name.removesuffix(".lora_a") for name in halves if name.endswith(".lora_a")]
    assert len(halves) == 2 * len(names)
    return {
        name: alpha / len(halves[f"{name}.lora_a"]) * halves[f"{name}.lora_b"] @ halves[f"{name}.lora_a"]
        for name in names
    }


# The same model, in torch and in llama.cpp


def test_llama_cpp_says_with_the_adapter_what_transformers_and_peft_say(
    model: TinyModel, tmp_path: Path
) -> None:
    peft = tiny_models.peft_adapter(model, tmp_path / "peft")
    made = gguf_lora.convert(peft, model.gguf, tmp_path / "adapter.gguf")
    base, tuned = tiny_models.torch_says(model), tiny_models.torch_says(model, peft)
    assert np.abs(tuned - base).max() > 50 * AGREE
    with LlamaProbe(model.gguf, adapters=[made.path], window=256, threads=1) as probe:
        assert np.abs(tiny_models.probe_says(probe, [1.0]) - tuned).max() < AGREE
        assert np.abs(tiny_models.probe_says(probe, [0.0]) - base).max() < AGREE
        without = tiny_models.probe_says(probe, [0.0])
    assert (without == tiny_models.llama_says(model.gguf)).all()


@pytest.mark.parametrize("family", ["llama", "qwen2"])
def test_rows_in_the_wrong_order_would_be_seen(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_models.make(family, tmp_path)
    peft = tiny_models.peft_adapter(model, tmp_path / "peft")
    wrongly = () if family == "llama" else ("qwen2",)
    monkeypatch.setattr(gguf_names, "_PERMUTING", wrongly)
    made = gguf_lora.convert(peft, model.gguf, tmp_path / "adapter.gguf")
    said = tiny_models.llama_says(model.gguf, [made.path], [1.0])
    assert np.abs(said - tiny_models.torch_says(model, peft)).max() > 10 * AGREE


@pytest.mark.parametrize(
    "settings",
    [
        {"use_rslora": True},
        {"alpha_pattern": {"q_proj": 3, "layers.1.mlp.down_proj": 40, "down_proj": 7}},
        {"rank_pattern": {"v_proj": 8, r"layers.0.*\.k_proj": 2}, "alpha_pattern": {"v_proj": 5}},
        {"lora_alpha": 0.7},
    ],
    ids=["rslora", "alphas", "ranks", "fraction"],
)
def test_however_peft_scales_a_pair_llama_cpp_does_too(
    settings: dict[str, Any], llama: TinyModel, tmp_path: Path
) -> None:
    peft = tiny_models.peft_adapter(llama, tmp_path / "peft", strength=0.3, **settings)
    made = gguf_lora.convert(peft, llama.gguf, tmp_path / "adapter.gguf")
    tuned = tiny_models.torch_says(llama, peft)
    assert np.abs(tuned - tiny_models.torch_says(llama)).max() > 10 * AGREE
    assert np.abs(tiny_models.llama_says(llama.gguf, [made.path], [1.0]) - tuned).max() < AGREE


# Arithmetic, tensor by tensor


@pytest.mark.parametrize("kind", gguf_lora.KINDS)
def test_every_tensor_is_changed_by_scale_times_b_times_a(
    kind: str, model: TinyModel, peft: Path, tmp_path: Path
) -> None:
    made = gguf_lora.convert(peft, model.gguf, tmp_path / "adapter.gguf", kind)
    wanted, found = changes_by_hand(peft, model), changes_in(made.path)
    assert found.keys() == wanted.keys()
    assert len(found) == 7 * tiny_models.LAYERS
    tolerance = {"f32": 1e-6, "f16": 1e-3, "bf16": 8e-3, "q8_0": 1e-2}[kind]
    for name, change in wanted.items():
        assert change.shape == gguf_file.read(model.gguf).tensors[name].shape
        assert np.abs(found[name] - change).max() < tolerance * np.abs(change).max()


def test_the_file_says_what_llama_cpp_asks_for(llama: TinyModel, sound: Path, tmp_path: Path) -> None:
    made = gguf_lora.convert(sound, llama.gguf, tmp_path / "adapter.gguf")
    file = gguf_file.read(made.path)
    assert file.metadata == {
        "general.architecture": "llama",
        "general.type": "adapter",
        "adapter.type": "lora",
        "adapter.lora.alpha": 8.0,
    }
    assert (made.tensors, made.bytes, made.type) == (len(file.tensors), file.size, "f16")
    assert file.tensors["blk.0.ffn_down.weight.lora_a"].shape == (4, 256)
    assert file.tensors["blk.0.ffn_down.weight.lora_b"].shape == (128, 4)


@pytest.mark.parametrize(("rank", "stored"), [(4, Kind.F16), (32, Kind.Q8_0)])
def test_with_q8_0_a_matrix_of_broken_blocks_is_f16(
    rank: int, stored: Kind, llama: TinyModel, tmp_path: Path
) -> None:
    peft = tiny_models.write_adapter(llama, tmp_path / "peft", rank=rank)
    made = gguf_lora.convert(peft, llama.gguf, tmp_path / "adapter.gguf", "q8_0")
    tensors = gguf_file.read(made.path).tensors
    assert {tensors[name].kind for name in tensors if name.endswith("_a")} == {Kind.Q8_0}
    assert {tensors[name].kind for name in tensors if name.endswith("_b")} == {stored}
    with LlamaProbe(llama.gguf, adapters=[made.path], window=256, threads=1) as probe:
        assert np.abs(tiny_models.probe_says(probe, [1.0]) - tiny_models.probe_says(probe, [0.0])).max() > 0.5


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_adapters_in_sixteen_bits_are_read_to_the_bit(dtype: str, adapter: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    path = adapter / "adapter_model.safetensors"
    short = {name: tensor.to(getattr(torch, dtype)) for name, tensor in load_file(path).items()}
    save_file(short, path)
    read = {name: stored.read() for name, stored in safetensors_file.tensors(path).items()}
    assert read.keys() == short.keys()
    assert all((read[name] == tensor.float().numpy()).all() for name, tensor in short.items())


@given(
    heads=some.integers(1, 8),
    half=some.integers(1, 16),
    rank=some.integers(1, 5),
    columns=some.integers(1, 5),
    seed=some.integers(0, 2**32 - 1),
)
def test_turning_b_turns_the_rows_of_the_product(
    heads: int, half: int, rank: int, columns: int, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    b = chance.integers(-9, 10, (2 * half * heads, rank)).astype(np.float32)
    a = chance.integers(-9, 10, (rank, columns)).astype(np.float32)
    model = gguf_names.BaseModel(gguf_file.GgufFile(Path("x"), {}, {}, 0), "llama", heads, 1)
    rows = tiny_models.rows_as_llama_has_them(len(b), heads)
    assert (model.turned("blk.0.attn_q.weight", b) @ a == (b @ a)[rows]).all()
    assert (model.turned("blk.0.attn_v.weight", b) == b).all()


def test_the_names_of_models_with_eyes_are_understood() -> None:
    for module in (
        "model.language_model.layers.11.mlp.up_proj",
        "language_model.model.layers.11.mlp.up_proj",
        "model.layers.11.mlp.up_proj",
    ):
        assert gguf_names.gguf_name(module) == "blk.11.ffn_up.weight"
    with pytest.raises(UnsupportedAdapterError, match="vision"):
        gguf_names.gguf_name("model.vision_tower.vision_model.encoder.layers.0.self_attn.q_proj")


# How it is done


def test_converting_imports_no_torch(llama: TinyModel, sound: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from finetune import gguf_lora;"
        "gguf_lora.convert(*map(Path, sys.argv[1:]));"
        "print({'torch', 'transformers', 'peft'} & set(sys.modules))"
    )
    out = tmp_path / "adapter.gguf"
    told = subprocess.run(
        [sys.executable, "-c", code, sound, llama.gguf, out], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "set()"
    assert out.is_file()


def test_the_same_adapter_gives_the_same_bytes(llama: TinyModel, sound: Path, tmp_path: Path) -> None:
    one, two = (gguf_lora.convert(sound, llama.gguf, tmp_path / name).path for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.model
def test_an_adapter_for_the_demo_model_is_converted_and_writes_otherwise(
    demo_model_path: Path, tmp_path: Path
) -> None:
    peft = adapter_for_the_demo_model(demo_model_path, tmp_path / "peft")
    made = gguf_lora.convert(peft, demo_model_path, tmp_path / "adapter.gguf")
    assert made.tensors == 180
    with LlamaProbe(demo_model_path, window=256) as probe:
        prompt = probe.tokens(A_STORY, prompt=True)
        alone = tiny_models.probe_says(probe, prompt=prompt, words=49_152)
    with LlamaProbe(demo_model_path, adapters=[made.path], window=256) as probe:
        off, on = (
            tiny_models.probe_says(probe, [scale], prompt=prompt, words=49_152) for scale in (0.0, 1.0)
        )
    assert (off == alone).all()
    assert np.abs(on - alone).max() > 0.1


def adapter_for_the_demo_model(base: Path, folder: Path, strength: float = 0.2) -> Path:
    """An adapter of rank 16 that makes more of the main directions of its weights, made without torch.

    Unlike random numbers, and like something learned, it does the same to many weights at once.
    """
    from safetensors.numpy import save_file

    parts = {"attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_up": "mlp.up_proj"}
    chance, file = np.random.default_rng(3), gguf_file.read(base)
    halves = {}
    for name, tensor in file.tensors.items():
        _, _, rest = name.partition("blk.")
        layer, _, part = rest.removesuffix(".weight").partition(".")
        if part in parts:
            raw = np.frombuffer(tensor.read(base), np.uint8).reshape(tensor.shape[0], -1)
            weights = quants.decode(raw, tensor.kind)
            main, _ = np.linalg.qr(weights @ chance.standard_normal((tensor.shape[1], 16)).astype(np.float32))
            module = f"base_model.model.model.layers.{layer}.{parts[part]}"
            halves[f"{module}.lora_A.weight"] = np.ascontiguousarray(main.T @ weights)
            halves[f"{module}.lora_B.weight"] = np.ascontiguousarray(main * np.float32(strength))
    folder.mkdir()
    save_file(halves, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 16, "lora_alpha": 16}))
    return folder


# An adapter for another base


def refused(adapter: Path, base: Path, out: Path, kind: str = "f16") -> str:
    """What is said; there must be no file after it, nor half of one."""
    with pytest.raises(LearnError) as caught:
        gguf_lora.convert(adapter, base, out, kind)
    assert not list(out.parent.glob(f"{out.name}*"))
    return f"{type(caught.value).__name__}: {caught.value.message}"


def test_an_adapter_for_another_base_is_refused_by_name_and_shapes(sound: Path, tmp_path: Path) -> None:
    other = tiny_models.make("llama", tmp_path, width=256)
    said = refused(sound, other.gguf, tmp_path / "adapter.gguf")
    assert said.startswith(AdapterMismatchError.__name__)
    assert "blk.0.ffn_down.weight, 128 × 256" in said
    assert "256 × 512" in said


def test_an_adapter_for_a_deeper_base_is_refused_by_name(
    llama: TinyModel, adapter: Path, tmp_path: Path
) -> None:
    rename(adapter, lambda name: name.replace("layers.1.", "layers.40."))
    said = refused(adapter, llama.gguf, tmp_path / "adapter.gguf")
    assert said.startswith(AdapterMismatchError.__name__)
    assert "blk.40.ffn_down.weight" in said
    assert "no such weights" in said


def test_the_base_is_compared_before_any_number_is_read(adapter: Path, tmp_path: Path) -> None:
    spoil(adapter, np.nan)
    other = tiny_models.make("llama", tmp_path, width=256)
    assert refused(adapter, other.gguf, tmp_path / "a.gguf").startswith(AdapterMismatchError.__name__)


# Bases that cannot be used


def test_an_unknown_architecture_is_named_and_so_are_the_known_ones(sound: Path, tmp_path: Path) -> None:
    base = tmp_path / "base.gguf"
    tiny_models.write_gguf(base, "mamba", 128, {}, Kind.F32)
    said = refused(sound, base, tmp_path / "adapter.gguf")
    assert said.startswith(UnusableBaseError.__name__)
    assert "'mamba'" in said
    for known in ("llama", "qwen2", "gemma3"):
        assert known in said


@pytest.mark.parametrize("content", [b"", b"GG", b"GGUF", b"not a model", b"GGUF\x01\0\0\0" + bytes(100)])
def test_what_is_no_gguf_file_is_an_unusable_base(content: bytes, sound: Path, tmp_path: Path) -> None:
    base = tmp_path / "base.gguf"
    base.write_bytes(content)
    assert refused(sound, base, tmp_path / "adapter.gguf").startswith(UnusableBaseError.__name__)


def test_a_base_that_is_not_there_is_said_to_be_missing(sound: Path, tmp_path: Path) -> None:
    said = refused(sound, tmp_path / "base.gguf", tmp_path / "adapter.gguf")
    assert said.startswith(UnusableBaseError.__name__)
    assert "Fetch the model" in said


@given(data=some.data())
def test_a_base_cut_anywhere_is_unusable(data: some.DataObject, llama: TinyModel, sound: Path) -> None:
    whole = llama.gguf.read_bytes()
    length = data.draw(some.integers(0, 20_000) | some.integers(0, len(whole) - 1))
    base = llama.gguf.with_name("cut.gguf")
    base.write_bytes(whole[:length])
    with pytest.raises(UnusableBaseError):
        gguf_lora.convert(sound, base, llama.gguf.with_name("adapter.gguf"))


@given(data=some.data())
def test_a_base_damaged_in_its_header_never_fails_otherwise(
    data: some.DataObject, llama: TinyModel, sound: Path
) -> None:
    damaged = bytearray(llama.gguf.read_bytes())
    for _ in range(data.draw(some.integers(1, 4))):
        damaged[data.draw(some.integers(0, 9_000))] = data.draw(some.integers(0, 255))
    base = llama.gguf.with_name("damaged.gguf")
    base.write_bytes(damaged)
    try:
        gguf_lora.convert(sound, base, llama.gguf.with_name("adapter.gguf"))
    except LearnError as error:
        assert error.message.endswith(".")  # noqa: PT017


def test_a_model_in_several_files_is_refused(llama: TinyModel, sound: Path, tmp_path: Path) -> None:
    from gguf import GGUFWriter

    base = tmp_path / "base-00001-of-00002.gguf"
    writer: Any = GGUFWriter(base, "llama")
    writer.add_block_count(2)
    writer.add_uint16("split.count", 2)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert "several files" in refused(sound, base, tmp_path / "adapter.gguf")


# Adapters that cannot be converted


def rename(folder: Path, name_of: Callable[[str], str]) -> None:
    from safetensors.numpy import load_file, save_file

    path = folder / "adapter_model.safetensors"
    save_file({name_of(name): array for name, array in load_file(path).items()}, path)


def spoil(folder: Path, value: float, half: str = "lora_B") -> None:
    from safetensors.numpy import load_file, save_file

    path = folder / "adapter_model.safetensors"
    halves = load_file(path)
    halves[next(name for name in halves if half in name)][1, 1] = value
    save_file(halves, path)


def configure(folder: Path, **settings: Any) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"bias": "all"}, "biases"),
        ({"lora_bias": True}, "biases"),
        ({"fan_in_fan_out": True}, "transposed"),
        ({"trainable_token_indices": [1]}, "tokens"),
        ({"init_lora_weights": "pissa_niter_4"}, "pissa"),
        ({"peft_type": "LOHA"}, "LOHA"),
        ({"lora_alpha": 0}, "above zero"),
        ({"lora_alpha": None}, "above zero"),
        ({"lora_alpha": "NaN"}, "above zero"),
        ({"alpha_pattern": {"(": 3}}, "alpha_pattern"),
        ({"alpha_pattern": [1]}, "alpha_pattern"),
    ],
)
def test_what_is_no_plain_lora_is_refused_with_its_name(
    settings: dict[str, Any], word: str, llama: TinyModel, adapter: Path, tmp_path: Path
) -> None:
    configure(adapter, **settings)
    said = refused(adapter, llama.gguf, tmp_path / "adapter.gguf")
    assert said.startswith(UnsupportedAdapterError.__name__)
    assert word in said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("base_model.model.model.embed_tokens.lora_embedding_A", "embeddings"),
        ("base_model.model.lm_head.lora_A.weight", "output layer"),
        ("base_model.model.lm_head.weight", "output layer"),
        ("base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector", "more than LoRA"),
        ("base_model.model.model.layers.0.input_layernorm.weight", "more than LoRA"),
        ("base_model.model.model.layers.0.mlp.experts.0.up_proj.lora_A.weight", "experts"),
    ],
)
def test_what_else_an_adapter_holds_is_refused_with_its_name(
    name: str, words: str, llama: TinyModel, adapter: Path, tmp_path: Path
) -> None:
    one = "base_model.model.model.layers.0.mlp.down_proj.lora_A.weight"
    other, other_new = one.replace("lora_A", "lora_B"), name.replace("lora_A", "lora_B")
    rename(adapter, lambda old: {one: name, other: other_new if "lora_A." in name else other}.get(old, old))
    said = refused(adapter, llama.gguf, tmp_path / "adapter.gguf")
    assert said.startswith(UnsupportedAdapterError.__name__)
    assert words in said


def test_an_adapter_that_peft_saved_with_its_embeddings_is_refused(llama: TinyModel, tmp_path: Path) -> None:
    modules = [*tiny_models.PROJECTIONS, "embed_tokens"]
    peft = tiny_models.peft_adapter(llama, tmp_path / "peft", target_modules=modules)
    assert "embeddings" in refused(peft, llama.gguf, tmp_path / "adapter.gguf")


def test_half_a_pair_is_refused(llama: TinyModel, adapter: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    path = adapter / "adapter_model.safetensors"
    halves = load_file(path)
    del halves["base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight"]
    save_file(halves, path)
    said = refused(adapter, llama.gguf, tmp_path / "adapter.gguf")
    assert "layers.1.self_attn.v_proj" in said
    assert "lora_B" in said


def test_halves_that_do_not_fit_together_are_refused(llama: TinyModel, adapter: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    path = adapter / "adapter_model.safetensors"
    halves = load_file(path)
    name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
    halves[name] = np.concatenate([halves[name]] * 2)
    save_file(halves, path)
    assert "do not fit together" in refused(adapter, llama.gguf, tmp_path / "adapter.gguf")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("half", ["lora_A", "lora_B"])
@pytest.mark.parametrize("kind", gguf_lora.KINDS)
def test_numbers_that_are_not_finite_are_refused(
    value: float, half: str, kind: str, llama: TinyModel, adapter: Path, tmp_path: Path
) -> None:
    spoil(adapter, value, half)
    said = refused(adapter, llama.gguf, tmp_path / "adapter.gguf", kind)
    assert said.startswith(UnsupportedAdapterError.__name__)
    assert "not all finite" in said


def test_numbers_too_large_for_the_kind_are_refused(llama: TinyModel, adapter: Path, tmp_path: Path) -> None:
    spoil(adapter, 1e6)
    assert "as f32" in refused(adapter, llama.gguf, tmp_path / "adapter.gguf")
    made = gguf_lora.convert(adapter, llama.gguf, tmp_path / "adapter.gguf", "f32")
    assert made.path.is_file()


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", struct.pack("<Q", 2) + b"[]", b"\xff" * 64])
def test_damaged_and_missing_files_are_said_to_be_unreadable(
    name: str, content: bytes | None, llama: TinyModel, adapter: Path, tmp_path: Path
) -> None:
    if content is None:
        (adapter / name).unlink()
    else:
        (adapter / name).write_bytes(content)
    said = refused(adapter, llama.gguf, tmp_path / "adapter.gguf")
    assert said.startswith(UnsupportedAdapterError.__name__)
    assert "Train it again" in said


@given(data=some.data())
def test_weights_cut_or_damaged_anywhere_never_fail_otherwise(
    data: some.DataObject, llama: TinyModel, sound: Path
) -> None:
    folder = sound.parent / "spoiled"
    shutil.copytree(sound, folder, dirs_exist_ok=True)
    path = folder / "adapter_model.safetensors"
    whole = bytearray(path.read_bytes())
    if data.draw(some.booleans()):
        del whole[data.draw(some.integers(0, len(whole) - 1)) :]
    else:
        whole[data.draw(some.integers(0, 4_000))] = data.draw(some.integers(0, 255))
    (folder / path.name).write_bytes(whole)
    try:
        gguf_lora.convert(folder, llama.gguf, llama.gguf.with_name("adapter.gguf"))
    except LearnError as error:
        assert error.message.endswith(".")  # noqa: PT017


def test_an_empty_adapter_is_refused(llama: TinyModel, adapter: Path, tmp_path: Path) -> None:
    header = b"{}"
    (adapter / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    assert "empty" in refused(adapter, llama.gguf, tmp_path / "adapter.gguf")


# A full disk


@contextmanager
def refuses_to_grow_beyond(size: int) -> Iterator[None]:
    """No file can grow beyond ``size`` bytes: the system says so as it does of a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 100, 30_000])
def test_a_disk_that_fills_leaves_what_was_there(
    size: int, llama: TinyModel, sound: Path, tmp_path: Path
) -> None:
    out = tmp_path / "adapter.gguf"
    out.write_bytes(b"last night's")
    with refuses_to_grow_beyond(size), pytest.raises(NoRoomError, match=r"adapter\.gguf"):
        gguf_lora.convert(sound, llama.gguf, out)
    assert [path.name for path in tmp_path.iterdir()] == ["adapter.gguf"]
    assert out.read_bytes() == b"last night's"


# The stage


@pytest.fixture
def context(llama: TinyModel, tmp_path: Path) -> Context:
    data = tmp_path / "data"
    return Context(Config(data_dir=data, engine=EngineChoice.EMBEDDED, model=str(llama.gguf), browser=False))


@pytest.fixture
def run(context: Context, sound: Path) -> Run:
    run = context.runs.create()
    train = run.stage("train")
    train.begin("x")
    shutil.copytree(sound, train.folder / "epoch-2")
    train.finish("x", {"adapter": "epoch-2"}, {})
    return run


def test_the_stage_converts_the_best_epoch_and_says_what_came_of_it(
    context: Context, run: Run, llama: TinyModel, sound: Path
) -> None:
    made = convert_stage(context, run)
    adapter = run.output("convert", "adapter")
    assert made.metrics.keys() == {"tensors", "bytes", "type", "seconds"}
    assert (made.metrics["tensors"], made.metrics["type"]) == (28, "f16")
    assert made.metrics["bytes"] == adapter.stat().st_size
    wanted, found = changes_by_hand(sound, llama), changes_in(adapter)
    assert all(np.allclose(found[name], wanted[name], atol=1e-3) for name in wanted)


def test_the_stage_done_twice_is_done_once_until_its_inputs_change(context: Context, run: Run) -> None:
    convert_stage(context, run)
    adapter = run.output("convert", "adapter")
    first = adapter.stat().st_ino
    convert_stage(context, run)
    assert adapter.stat().st_ino == first
    learn = context.learn.model_copy(update={"adapter_type": "q8_0"})
    made = convert_stage(Context(context.config, learn), run)
    assert made.metrics["type"] == "q8_0"
    assert Kind.Q8_0 in {tensor.kind for tensor in gguf_file.read(adapter).tensors.values()}


def test_without_the_libraries_the_stage_says_how_to_get_them() -> None:
    code = (
        "import sys; sys.modules['libgguf'] = None\n"
        "from finetune.convert import convert\n"
        "from finetune.errors import MissingPartsError\n"
        "try: convert(None, None)\n"
        "except MissingPartsError as error: print(error.message)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "libgguf is missing" in told.stdout
    assert "make learn" in told.stdout
