"""A PEFT adapter as a GGUF adapter, which llama.cpp and Ollama load beside the model it was learned on.

llama.cpp computes ``alpha / rank`` times B·A, with one ``alpha`` for the whole file; a pair that PEFT
scales otherwise has the difference in its B.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from libgguf import GGMLQuantizationType as Kind

from finetune.context import Silent, Tell
from finetune.errors import UnsupportedAdapterError
from finetune.tensors import gguf_names, peft_adapter
from finetune.tensors.draft import draft
from finetune.tensors.gguf_names import BaseModel
from finetune.tensors.peft_adapter import Pair
from finetune.tensors.quants import Raw, decode, encode
from finetune.tensors.safetensors_file import Numbers

KINDS = {"f16": Kind.F16, "f32": Kind.F32, "bf16": Kind.BF16, "q8_0": Kind.Q8_0}

_Q8_BLOCK = 32


@dataclass(frozen=True, slots=True)
class Converted:
    """``tensors`` counts A and B matrices; ``bytes`` is the file's size."""

    path: Path
    tensors: int
    bytes: int
    type: str
    seconds: float


def convert(adapter: Path, base: Path, out: Path, kind: str = "f16", tell: Tell | None = None) -> Converted:
    """Convert the PEFT folder ``adapter``, learned on the GGUF model ``base``; ``out`` is whole or not there.

    ``kind`` is one of ``KINDS``. With q8_0, a matrix whose rows are not made of whole blocks is f16.

    Raises ``UnusableBaseError``, ``UnsupportedAdapterError``, ``AdapterMismatchError`` (both shapes are
    compared before a number is read) and ``NoRoomError``.
    """
    began = time.perf_counter()
    model = gguf_names.base_model(base)
    pairs = {gguf_names.gguf_name(pair.module): pair for pair in peft_adapter.read(adapter)}
    for name, pair in pairs.items():
        gguf_names.fitting(model.file, name, pair.shape)
    numbers = sum(pair.rank * sum(pair.shape) for pair in pairs.values())
    with draft(out, 4 * numbers) as path:
        _write(path, model, pairs, KINDS[kind], tell or Silent())
    seconds = round(time.perf_counter() - began, 3)
    return Converted(out, 2 * len(pairs), out.stat().st_size, kind, seconds)


def _write(path: Path, model: BaseModel, pairs: dict[str, Pair], kind: Kind, tell: Tell) -> None:
    from gguf import GGUFWriter, Keys

    first = next(iter(pairs.values()))
    alpha = first.scaling * first.rank
    writer: Any = GGUFWriter(path, model.architecture)
    with closing(writer):
        writer.add_type("adapter")
        writer.add_string(Keys.Adapter.TYPE, "lora")
        writer.add_float32(Keys.Adapter.LORA_ALPHA, alpha)
        for name, pair in pairs.items():
            _announce(writer, f"{name}.lora_a", pair.a.shape, kind)
            _announce(writer, f"{name}.lora_b", pair.b.shape, kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        [file] = writer.fout
        writer.write_padding(file, file.tell())
        for done, (name, pair) in enumerate(pairs.items(), 1):
            b = model.turned(name, pair.b.read()) * np.float32(pair.scaling * pair.rank / alpha)
            for half in (pair.a.read(), b):
                raw = _encoded(half, _kind_for(half.shape, kind), pair.module)
                file.write(raw.data)
                writer.write_padding(file, raw.nbytes)
            tell.progress("Converting what was learned", done, len(pairs))


def _announce(writer: Any, name: str, shape: tuple[int, ...], kind: Kind) -> None:
    kind = _kind_for(shape, kind)
    size = len(encode(np.zeros((1, shape[1]), np.float32), kind).reshape(-1)) * shape[0]
    writer.add_tensor_info(name, shape, np.dtype(np.float32), size, raw_dtype=kind)


def _kind_for(shape: tuple[int, ...], kind: Kind) -> Kind:
    return Kind.F16 if kind == Kind.Q8_0 and shape[-1] % _Q8_BLOCK else kind


def _encoded(numbers: Numbers, kind: Kind, module: str) -> Raw:
    """Raises ``UnsupportedAdapterError`` for numbers that are not finite, or not so in this kind."""
    raw = encode(numbers, kind)
    if np.isfinite(numbers).all() and np.isfinite(decode(raw, kind)).all():
        return raw
    if np.isfinite(numbers).all():
        raise UnsupportedAdapterError(
            f"The adapter's numbers for {module} are too large for {kind.name.lower()}. Convert it as f32."
        )
    raise UnsupportedAdapterError(
        f"The adapter's numbers for {module} are not all finite: its training went wrong. Train it again, "
        "with a lower learning rate."
    )
