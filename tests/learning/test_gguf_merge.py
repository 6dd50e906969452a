"""A model and what it learned in one file: only the touched weights change, and they change by B·A."""

from __future__ import annotations

import shutil
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from libgguf import GGML_QUANT_SIZES
from libgguf import GGMLQuantizationType as Kind

from finetune import gguf_lora, gguf_merge
from finetune.errors import (
    AdapterMismatchError,
    LearnError,
    NoRoomError,
    UnsupportedAdapterError,
    UnusableBaseError,
)
from finetune.tensors import gguf_file, quants
from storaiteller.engines.llama_probe import LlamaProbe
from tests.learning import tiny_models
from tests.learning.test_gguf_lora import (
    A_STORY,
    AGREE,
    adapter_for_the_demo_model,
    changes_by_hand,
    changes_in,
    refuses_to_grow_beyond,
)
from tests.learning.tiny_models import FAMILIES, Array, TinyModel

pytestmark = pytest.mark.slow

QUANTIZED = sorted(quants.MOVABLE - {Kind.F32, Kind.F16, Kind.BF16})
WIDE = 256
"""Columns of a K quant's block."""


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    return tiny_models.make("llama", tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="module")
def adapter(llama: TinyModel) -> Path:
    """A GGUF adapter for ``llama``."""
    return converted(llama)


def converted(model: TinyModel, strength: float = 0.1, name: str = "adapter") -> Path:
    peft = tiny_models.write_adapter(model, model.gguf.with_name(f"{name}-peft"), strength=strength)
    out = model.gguf.with_name(f"{name}.gguf")
    return gguf_lora.convert(peft, model.gguf, out, "f32").path


def weights_of(path: Path) -> dict[str, Array]:
    """All tensors as numbers, read by the ``gguf`` package."""
    from gguf import GGUFReader, dequantize

    tensors = GGUFReader(path).tensors
    return {one.name: dequantize(one.data, one.tensor_type).reshape(one.shape[::-1]) for one in tensors}


# The same model, merged and with the adapter beside it


@pytest.mark.parametrize("family", FAMILIES)
def test_the_merged_model_says_what_transformers_and_peft_say(family: str, tmp_path: Path) -> None:
    model = tiny_models.make(family, tmp_path)
    peft = tiny_models.peft_adapter(model, tmp_path / "peft")
    adapter = gguf_lora.convert(peft, model.gguf, tmp_path / "adapter.gguf").path
    merged = gguf_merge.merge(model.gguf, adapter, tmp_path / "merged.gguf").path
    said = tiny_models.llama_says(merged)
    assert np.abs(said - tiny_models.llama_says(model.gguf, [adapter], [1.0])).max() < AGREE
    assert np.abs(said - tiny_models.torch_says(model, peft)).max() < AGREE
    assert np.abs(said - tiny_models.torch_says(model)).max() > 50 * AGREE


@pytest.mark.parametrize("kind", [Kind.Q4_K, Kind.Q6_K, Kind.Q8_0, Kind.F16, Kind.BF16])
def test_a_merged_quantized_model_says_what_it_says_beside_the_adapter(kind: Kind, tmp_path: Path) -> None:
    model = tiny_models.make("llama", tmp_path, kind, WIDE)
    adapter = converted(model)
    merged = gguf_merge.merge(model.gguf, adapter, tmp_path / "merged.gguf").path
    base, tuned = tiny_models.llama_says(model.gguf), tiny_models.llama_says(model.gguf, [adapter], [1.0])
    off = np.linalg.norm(tiny_models.llama_says(merged) - tuned)
    assert off < {Kind.Q4_K: 0.5, Kind.Q6_K: 0.25}.get(kind, 0.1) * np.linalg.norm(base - tuned)


@pytest.mark.model
def test_the_merged_demo_model_says_what_it_says_beside_the_adapter(
    demo_model_path: Path, tmp_path: Path
) -> None:
    peft = adapter_for_the_demo_model(demo_model_path, tmp_path / "peft", strength=0.5)
    adapter = gguf_lora.convert(peft, demo_model_path, tmp_path / "adapter.gguf").path
    made = gguf_merge.merge(demo_model_path, adapter, tmp_path / "merged.gguf")
    assert (made.tensors, made.bytes) == (90, demo_model_path.stat().st_size)
    assert 0.9 < made.kept < 1.02
    with LlamaProbe(made.path, window=256, threads=1) as probe:
        merged = said_of_stories(probe, ())
    with LlamaProbe(demo_model_path, adapters=[adapter], window=256, threads=1) as probe:
        base, tuned = (said_of_stories(probe, [scale]) for scale in (0.0, 1.0))
    assert divergence(tuned, merged) < 0.75 * divergence(tuned, base)


def said_of_stories(probe: LlamaProbe, scales: Sequence[float]) -> Array:
    prompts = (A_STORY, "“Good morning,” said the baker, and she put the bread on the")
    tokens = [probe.tokens(prompt, prompt=True) for prompt in prompts]
    return np.stack([tiny_models.probe_says(probe, scales, prompt=one, words=49_152) for one in tokens])


def divergence(one: Array, other: Array) -> float:
    """Kullback and Leibler's, of log probabilities."""
    return float((np.exp(one) * (one - other)).sum())


# Arithmetic, tensor by tensor


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_stored_in_full_change_by_exactly_b_times_a(family: str, tmp_path: Path) -> None:
    model = tiny_models.make(family, tmp_path)
    adapter = converted(model)
    made = gguf_merge.merge(model.gguf, adapter, tmp_path / "merged.gguf", scale=0.5)
    old, new = weights_of(model.gguf), weights_of(made.path)
    changes = changes_by_hand(model.gguf.with_name("adapter-peft"), model)
    assert old.keys() == new.keys()
    assert (made.tensors, made.kept) == (len(changes), 1.0)
    for name in old:
        wanted = old[name] + 0.5 * changes.get(name, np.float32(0))
        assert np.abs(new[name] - wanted).max() < 1e-5


@pytest.mark.parametrize("kind", sorted(quants.MOVABLE))
@pytest.mark.parametrize("strength", [0.001, 0.01, 0.1, 2.0])
def test_in_every_kind_the_weights_change_by_b_times_a_but_for_rounding(
    kind: Kind, strength: float, tmp_path: Path
) -> None:
    model = tiny_models.make("llama", tmp_path, kind, WIDE)
    adapter = converted(model, strength)
    made = gguf_merge.merge(model.gguf, adapter, tmp_path / "merged.gguf")
    old, new, changes = weights_of(model.gguf), weights_of(made.path), changes_in(adapter)
    total = np.concatenate([change.ravel() for change in changes.values()])
    real = np.concatenate([(new[name] - old[name]).ravel() for name in changes])
    kept = real @ total / (total @ total)
    assert kept == pytest.approx(made.kept, abs=1e-3)
    least = {Kind.Q2_K: 0.75, Kind.Q3_K: 0.85}.get(kind, 0.93)
    assert least < kept < 1.05
    for name, change in changes.items():
        wanted = old[name] + change
        rounded = quants.decode(quants.encode(wanted, kind), kind) - wanted
        assert np.abs(new[name] - wanted).mean() < 3 * np.abs(rounded).mean() + 1e-9


@pytest.mark.parametrize("kind", [Kind.BF16, *QUANTIZED])
def test_a_change_far_smaller_than_a_step_is_not_lost(kind: Kind) -> None:
    """Added and rounded to the nearest, 6 % of a real adapter was left in Q4_1, and 7 % of its effect."""
    chance = np.random.default_rng(5)
    weights = chance.standard_normal((256, 1024)).astype(np.float32)
    size = np.float32(0.0005 if kind == Kind.BF16 else 0.002)
    change = np.outer(chance.standard_normal(256), chance.standard_normal(1024)).astype(np.float32) * size
    raw = quants.encode(weights, kind)
    old = quants.decode(raw, kind)
    new, real = quants.moved(raw, change, kind, chance)
    assert (real == quants.decode(new, kind) - old).all()
    kept = np.vdot(real, change) / np.vdot(change, change)
    assert {Kind.Q2_K: 0.75, Kind.Q3_K: 0.85}.get(kind, 0.92) < kept < 1.05
    nearest = quants.decode(quants.encode(old + change, kind), kind) - old
    assert np.vdot(nearest, change) / np.vdot(change, change) < 0.8


@pytest.mark.parametrize("kind", QUANTIZED)
@given(seed=some.integers(0, 2**32 - 1), size=some.floats(0, 3))
def test_each_weight_lands_beside_what_it_should_be(kind: Kind, seed: int, size: float) -> None:
    chance = np.random.default_rng(seed)
    elements, bytes_of = GGML_QUANT_SIZES[kind]
    blocks = quants.encode(chance.standard_normal((4, elements)).astype(np.float32), kind)
    assert blocks.shape == (4, bytes_of)
    grid = quants._GRIDS[kind]
    codes, old = quants._codes(blocks, grid), quants.decode(blocks, kind)
    at = [
        quants.decode(quants._with_codes(blocks, np.full_like(codes, code), grid), kind) for code in range(3)
    ]
    step = at[1] - at[0]
    assert np.allclose(old, at[0] + codes * step, rtol=1e-3, atol=1e-5)  # what a code is
    assert np.allclose(at[2] - at[1], step, rtol=1e-3, atol=1e-5)
    change = (chance.standard_normal(old.shape) * size * np.abs(step)).astype(np.float32)
    new = old + quants.moved(blocks, change, kind, chance)[1]
    within = codes + change / np.where(step == 0, 1, step)
    inside = ((within >= grid.lowest) & (within <= grid.highest)).all(axis=1)
    assert (np.abs(new - old - change) <= 1.001 * np.abs(step) + 1e-5)[inside].all()


@pytest.mark.parametrize("kind", QUANTIZED)
@given(data=some.data())
def test_codes_come_back_as_they_were_put(kind: Kind, data: some.DataObject) -> None:
    elements, size = GGML_QUANT_SIZES[kind]
    grid = quants._GRIDS[kind]
    chance = np.random.default_rng(data.draw(some.integers(0, 2**32 - 1)))
    blocks = chance.integers(0, 256, (3, size), np.uint8)
    codes = chance.integers(grid.lowest, grid.highest, (3, elements), np.uint8, endpoint=True)
    put = quants._with_codes(blocks, codes, grid)
    assert (quants._codes(put, grid) == codes).all()
    assert (quants._with_codes(put, quants._codes(blocks, grid), grid) == blocks).all()


@pytest.mark.parametrize("kind", sorted(quants.MOVABLE))
def test_rows_that_do_not_change_stay_byte_for_byte(kind: Kind) -> None:
    chance = np.random.default_rng(5)
    raw = quants.encode(chance.standard_normal((8, WIDE)).astype(np.float32), kind)
    change = np.zeros((8, WIDE), np.float32)
    assert quants.moved(raw, change, kind, chance)[0] is raw
    change[3] = 0.5
    new, _ = quants.moved(raw, change, kind, chance)
    others = [row for row in range(8) if row != 3]
    assert (new[others] == raw[others]).all()
    assert (new[3] != raw[3]).any()


@pytest.mark.parametrize("kind", QUANTIZED)
def test_a_block_of_zeros_can_learn_too(kind: Kind) -> None:
    chance = np.random.default_rng(5)
    raw = quants.encode(np.zeros((2, WIDE), np.float32), kind)
    change = chance.standard_normal((2, WIDE)).astype(np.float32)
    new, real = quants.moved(raw, change, kind, chance)
    assert (quants.decode(new, kind) == real).all()
    assert np.linalg.norm(real - change) < 0.45 * np.linalg.norm(change)


@pytest.mark.parametrize("kind", [Kind.F32, Kind.F16, Kind.BF16, Kind.Q8_0, Kind.Q4_0, Kind.Q5_1])
def test_what_is_stored_is_what_the_gguf_package_stores(kind: Kind) -> None:
    import gguf

    weights = np.random.default_rng(5).standard_normal((8, WIDE)).astype(np.float32)
    theirs = gguf.GGMLQuantizationType(int(kind))
    raw = quants.encode(weights, kind)
    assert raw.tobytes() == gguf.quantize(weights, theirs).tobytes()
    assert (quants.decode(raw, kind) == gguf.dequantize(raw, theirs)).all()


# All else stays as it is


@pytest.mark.parametrize("alignment", [None, 64, 256])
def test_all_but_the_touched_weights_is_byte_for_byte_the_base(
    alignment: int | None, llama: TinyModel, adapter: Path, tmp_path: Path
) -> None:
    base, weights = tmp_path / "base.gguf", tiny_models.gguf_weights(llama)
    kinds = {"blk.0.ffn_up.weight": Kind.Q4_0, "blk.1.attn_v.weight": Kind.Q5_1, "output.weight": Kind.Q8_0}
    tiny_models.write_gguf(base, "llama", 128, weights, Kind.F16, kinds, alignment)
    with base.open("ab") as file:
        file.write(b"what somebody put behind it")
    made = gguf_merge.merge(base, adapter, tmp_path / "merged.gguf")
    old, new = bytearray(base.read_bytes()), bytearray(made.path.read_bytes())
    assert len(old) == len(new) == made.bytes
    touched = [
        gguf_file.read(base).tensors[name.removesuffix(".lora_a")]
        for name in gguf_file.read(adapter).tensors
        if name.endswith(".lora_a")
    ]
    assert len(touched) == 14
    for tensor in touched:
        assert tensor.offset % (alignment or 32) == 0
        where = slice(tensor.offset, tensor.offset + tensor.size)
        assert old[where] != new[where]
        old[where] = new[where] = bytes(tensor.size)
    assert old == new


def test_every_key_keeps_its_kind_and_value(llama: TinyModel, adapter: Path, tmp_path: Path) -> None:
    from gguf import GGUFReader

    made = gguf_merge.merge(llama.gguf, adapter, tmp_path / "merged.gguf")
    old, new = (GGUFReader(path).fields for path in (llama.gguf, made.path))
    assert [(key, field.types, field.contents()) for key, field in old.items()] == [
        (key, field.types, field.contents()) for key, field in new.items()
    ]
    assert new["tiny.bytes"].contents() == [1, 2, 3]
    assert new["tokenizer.chat_template"].contents()


def test_with_no_strength_it_is_the_base(llama: TinyModel, adapter: Path, tmp_path: Path) -> None:
    made = gguf_merge.merge(llama.gguf, adapter, tmp_path / "merged.gguf", scale=0)
    assert made.path.read_bytes() == llama.gguf.read_bytes()
    assert (made.tensors, made.kept) == (0, 1.0)


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    model = tiny_models.make("llama", tmp_path, Kind.Q4_1)
    adapter = converted(model)
    one, two = (gguf_merge.merge(model.gguf, adapter, tmp_path / name).path for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_progress_is_told_in_bytes_of_the_file(llama: TinyModel, adapter: Path, tmp_path: Path) -> None:
    heard: list[tuple[float, float]] = []

    class Listening:
        def say(self, sentence: str) -> None: ...

        def progress(self, what: str, done: float, total: float) -> None:
            heard.append((done, total))

    made = gguf_merge.merge(llama.gguf, adapter, tmp_path / "merged.gguf", tell=Listening())
    assert len(heard) == made.tensors
    assert heard == sorted(heard)
    assert {total for _, total in heard} == {made.bytes}


def test_memory_does_not_grow_with_the_model(tmp_path: Path) -> None:
    """A tensor of 17 million weights: 64 MB as numbers, and the whole of it is never in memory."""
    base, rows, columns = tmp_path / "base.gguf", 4096, 4096
    row = quants.encode(np.random.default_rng(1).standard_normal((1, columns)).astype(np.float32), Kind.Q4_0)
    tensor = ("blk.0.attn_q.weight", (rows, columns), Kind.Q4_0, np.repeat(row, rows, axis=0))
    write_plainly(base, {"llama.block_count": 1}, tensor)
    halves = [
        (f"blk.0.attn_q.weight.lora_{half}", shape, Kind.F32, np.full(shape, 0.01, np.float32))
        for half, shape in {"a": (8, columns), "b": (rows, 8)}.items()
    ]
    adapter = tmp_path / "adapter.gguf"
    write_plainly(adapter, {"general.type": "adapter", "adapter.type": "lora"}, *halves)
    tracemalloc.start()
    try:
        gguf_merge.merge(base, adapter, tmp_path / "merged.gguf")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24e6


def write_plainly(
    path: Path, metadata: dict[str, Any], *tensors: tuple[str, tuple[int, ...], Kind, Any]
) -> None:
    """A GGUF file of the kind llama with just this in it; lengths are not checked."""
    from gguf import GGUFWriter

    writer: Any = GGUFWriter(path, "llama")
    for key, value in metadata.items():
        (writer.add_string if isinstance(value, str) else writer.add_uint32)(key, value)
    for name, shape, kind, raw in tensors:
        writer.add_tensor_info(name, shape, np.dtype(np.float32), raw.nbytes, raw_dtype=kind)
        writer.tensors[-1][name].tensor = raw
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


# What cannot be merged


def refused(base: Path, adapter: Path, out: Path) -> str:
    """What is said; there must be no file after it, nor half of one."""
    with pytest.raises(LearnError) as caught:
        gguf_merge.merge(base, adapter, out)
    assert not list(out.parent.glob(f"{out.name}*"))
    return f"{type(caught.value).__name__}: {caught.value.message}"


@given(data=some.data())
def test_a_base_cut_anywhere_is_unusable(data: some.DataObject, llama: TinyModel, adapter: Path) -> None:
    whole = llama.gguf.read_bytes()
    length = data.draw(some.integers(0, 20_000) | some.integers(0, len(whole) - 1))
    base = llama.gguf.with_name("cut.gguf")
    base.write_bytes(whole[:length])
    said = refused(base, adapter, llama.gguf.with_name("merged.gguf"))
    assert said.startswith(UnusableBaseError.__name__)


@given(data=some.data())
def test_an_adapter_cut_anywhere_is_unsupported(
    data: some.DataObject, llama: TinyModel, adapter: Path
) -> None:
    whole = adapter.read_bytes()
    short = adapter.with_name("cut-adapter.gguf")
    short.write_bytes(whole[: data.draw(some.integers(0, len(whole) - 1))])
    said = refused(llama.gguf, short, llama.gguf.with_name("merged.gguf"))
    assert said.startswith(UnsupportedAdapterError.__name__)


def test_a_base_that_is_not_there_is_said_to_be_missing(adapter: Path, tmp_path: Path) -> None:
    assert "Fetch the model" in refused(tmp_path / "base.gguf", adapter, tmp_path / "merged.gguf")


@pytest.mark.parametrize("kind", [Kind.IQ4_XS, Kind.IQ3_S, Kind.TQ1_0])
def test_a_kind_that_is_too_coarse_is_refused_by_name(kind: Kind, tmp_path: Path) -> None:
    model = tiny_models.make("llama", tmp_path, Kind.F32, WIDE)
    adapter = converted(model)
    base = tmp_path / "coarse.gguf"
    kinds = {"blk.1.ffn_down.weight": kind}
    tiny_models.write_gguf(base, "llama", WIDE, tiny_models.gguf_weights(model), Kind.F16, kinds)
    said = refused(base, adapter, tmp_path / "merged.gguf")
    assert said.startswith(UnusableBaseError.__name__)
    assert f"blk.1.ffn_down.weight is stored as {kind.name}" in said


def test_what_is_not_touched_may_be_stored_in_any_way(tmp_path: Path) -> None:
    model = tiny_models.make("llama", tmp_path, Kind.F32, WIDE)
    adapter = converted(model)
    base = tmp_path / "coarse.gguf"
    kinds = {"token_embd.weight": Kind.IQ4_XS}
    tiny_models.write_gguf(base, "llama", WIDE, tiny_models.gguf_weights(model), Kind.F16, kinds)
    assert gguf_merge.merge(base, adapter, tmp_path / "merged.gguf").tensors == 14


def test_an_adapter_for_another_base_is_refused_by_name_and_shapes(adapter: Path, tmp_path: Path) -> None:
    other = tiny_models.make("llama", tmp_path, width=256)
    said = refused(other.gguf, adapter, tmp_path / "merged.gguf")
    assert said.startswith(AdapterMismatchError.__name__)
    assert "blk.0.ffn_down.weight, 128 × 256" in said
    assert "256 × 512" in said


def test_an_adapter_for_another_architecture_is_refused(adapter: Path, tmp_path: Path) -> None:
    other = tiny_models.make("qwen2", tmp_path)
    said = refused(other.gguf, adapter, tmp_path / "merged.gguf")
    assert said.startswith(AdapterMismatchError.__name__)
    assert "qwen2" in said
    assert "llama" in said


def test_a_model_is_no_adapter(llama: TinyModel, tmp_path: Path) -> None:
    said = refused(llama.gguf, llama.gguf, tmp_path / "merged.gguf")
    assert said.startswith(UnsupportedAdapterError.__name__)


HALF = np.zeros((4, 128), np.float32)


@pytest.mark.parametrize(
    "tensors",
    [
        [("blk.0.attn_q.weight.lora_a", HALF)],
        [("blk.0.attn_q.weight.lora_b", HALF.T)],
        [("blk.0.attn_norm.weight", HALF[0])],
        [("blk.0.attn_q.weight.lora_a", HALF), ("blk.0.attn_q.weight.lora_b", HALF)],
        [("blk.0.attn_q.weight.lora_a", HALF[0]), ("blk.0.attn_q.weight.lora_b", HALF.T)],
        [("blk.0.attn_q.weight.lora_a", HALF), ("blk.0.attn_q.weight.lora_b", HALF.T + np.nan)],
    ],
    ids=["no b", "no a", "a norm", "not fitting", "a vector", "nan"],
)
def test_an_adapter_that_is_not_made_of_pairs_is_refused(
    tensors: list[tuple[str, Array]], llama: TinyModel, tmp_path: Path
) -> None:
    adapter = tmp_path / "adapter.gguf"
    stored = [(name, array.shape, Kind.F32, np.ascontiguousarray(array)) for name, array in tensors]
    write_plainly(adapter, {"general.type": "adapter", "adapter.type": "lora"}, *stored)
    said = refused(llama.gguf, adapter, tmp_path / "merged.gguf")
    assert said.startswith(UnsupportedAdapterError.__name__)


@pytest.mark.parametrize("kind", [Kind.F32, Kind.F16, Kind.BF16, Kind.Q4_0, Kind.Q4_K])
def test_a_base_with_numbers_that_are_not_finite_is_refused(kind: Kind, tmp_path: Path) -> None:
    model = tiny_models.make("llama", tmp_path, kind, WIDE)
    adapter = converted(model)
    spoiled = bytearray(model.gguf.read_bytes())
    tensor = gguf_file.read(model.gguf).tensors["blk.0.attn_q.weight"]
    spoiled[tensor.offset : tensor.offset + 4] = b"\xff" * 4  # the scale of a block, or a weight
    model.gguf.write_bytes(spoiled)
    said = refused(model.gguf, adapter, tmp_path / "merged.gguf")
    assert said.startswith(UnusableBaseError.__name__)
    assert "blk.0.attn_q.weight" in said


def test_the_base_itself_is_never_overwritten(llama: TinyModel, adapter: Path, tmp_path: Path) -> None:
    before = llama.gguf.read_bytes()
    link = tmp_path / "link.gguf"
    link.symlink_to(llama.gguf)
    with pytest.raises(UnusableBaseError, match="another name"):
        gguf_merge.merge(llama.gguf, adapter, link)
    assert llama.gguf.read_bytes() == before


# A full disk


def test_a_disk_without_room_is_found_before_anything_is_written(adapter: Path, tmp_path: Path) -> None:
    """The base is a file with a hole in it that is larger than what is free."""
    base, free = tmp_path / "base.gguf", shutil.disk_usage(tmp_path).free
    columns = 1 << 20
    rows = free // columns + 1
    name = "blk.0.attn_q.weight"
    stored = np.lib.stride_tricks.as_strided(np.zeros(1, np.int8), (rows, columns), (0, 0))
    from gguf import GGUFWriter

    writer: Any = GGUFWriter(base, "llama")
    writer.add_block_count(1)
    writer.add_tensor_info(name, (rows, columns), stored.dtype, rows * columns)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    with base.open("r+b") as file:
        file.truncate(4096 + rows * columns)
    lora = tmp_path / "empty.gguf"
    write_plainly(lora, {"general.type": "adapter", "adapter.type": "lora"})
    said = refused(base, lora, tmp_path / "merged.gguf")
    assert said.startswith(NoRoomError.__name__)
    assert f"{(4096 + rows * columns) / 1e6:,.0f}"[:-3] in said


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.99])
def test_a_disk_that_fills_while_merging_leaves_what_was_there(
    share: float, llama: TinyModel, adapter: Path, tmp_path: Path
) -> None:
    out = tmp_path / "merged.gguf"
    out.write_bytes(b"last night's")
    (tmp_path / "merged.gguf.draft").write_bytes(b"of a night when the power failed")
    size = int(share * llama.gguf.stat().st_size)
    with refuses_to_grow_beyond(size), pytest.raises(NoRoomError, match=r"merged\.gguf"):
        gguf_merge.merge(llama.gguf, adapter, out)
    assert [path.name for path in tmp_path.iterdir()] == ["merged.gguf"]
    assert out.read_bytes() == b"last night's"
