"""A model and what it learned, as one GGUF file: for servers that take no adapters.

The new file is the old one, byte for byte, but for the weights that the adapter changes; these keep their
place and their kind. They are read, changed and written a few rows at a time, so that memory does not grow
with the model.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from zlib import crc32

import numpy as np

from finetune.context import Silent, Tell
from finetune.errors import AdapterMismatchError, UnsupportedAdapterError, UnusableBaseError
from finetune.tensors import gguf_file, quants
from finetune.tensors.draft import draft
from finetune.tensors.gguf_file import GgufFile, Tensor
from finetune.tensors.gguf_names import fitting, read_model
from finetune.tensors.safetensors_file import Numbers

_AT_ONCE = 1 << 15
"""Weights changed at once: so few that memory for them is not asked of the system anew each time. Measured:
30 ns a weight, and 50 to 100 with eight times as many."""

_BLOCK = 4 << 20


@dataclass(frozen=True, slots=True)
class Merged:
    """``tensors`` counts those that were changed; ``bytes`` is the file's size.

    ``kept`` is the share of the change that the merged weights have: 1.0 but for rounding.
    """

    path: Path
    tensors: int
    bytes: int
    kept: float
    seconds: float


@dataclass(frozen=True, slots=True)
class _Change:
    """``factor`` times B·A is what is added to ``tensor``; ``a`` and ``b`` are not read yet."""

    tensor: Tensor
    a: Tensor
    b: Tensor
    factor: float


@dataclass(slots=True)
class _Tally:
    """Sums over all weights: of wanted change times real change, and of wanted change squared."""

    real: float = 0.0
    wanted: float = 0.0
    touched: set[str] = field(default_factory=set)

    def add(self, name: str, wanted: Numbers, real: Numbers) -> None:
        self.real += float(np.vdot(wanted, real))
        self.wanted += float(np.vdot(wanted, wanted))
        self.touched.add(name)


def merge(base: Path, adapter: Path, out: Path, *, scale: float = 1.0, tell: Tell | None = None) -> Merged:
    """Write ``base`` with ``scale`` times the GGUF adapter added to it; ``out`` is whole or not there.

    The same inputs give the same bytes. Raises ``UnusableBaseError``, ``UnsupportedAdapterError``,
    ``AdapterMismatchError``, and ``NoRoomError`` before anything is written or when the disk fills.
    """
    began = time.perf_counter()
    model = read_model(base)
    if out.exists() and out.samefile(base):
        raise UnusableBaseError(f"{out.name} is the base itself. Give the merged model another name.")
    lora = _adapter(adapter)
    changes = _changes(model, lora, scale)
    tally = _Tally()
    with draft(out, model.size) as path, base.open("rb") as source, path.open("wb") as target:
        for change in changes:
            _copy(source, target, change.tensor.offset)
            _write_changed(change, lora, source, target, tally)
            (tell or Silent()).progress("Merging", target.tell(), model.size)
        _copy(source, target, model.size)
    kept = tally.real / tally.wanted if tally.wanted else 1.0
    seconds = round(time.perf_counter() - began, 3)
    return Merged(out, len(tally.touched), model.size, round(kept, 4), seconds)


def _copy(source: IO[bytes], target: IO[bytes], until: int) -> None:
    while (missing := until - source.tell()) > 0:
        target.write(_exactly(source, min(_BLOCK, missing)))


def _exactly(source: IO[bytes], size: int) -> bytes:
    block = source.read(size)
    if len(block) < size:
        raise UnusableBaseError(f"{Path(source.name).name} became shorter while it was read. Try again.")
    return block


def _write_changed(
    change: _Change, lora: GgufFile, source: IO[bytes], target: IO[bytes], tally: _Tally
) -> None:
    tensor, a = change.tensor, _numbers(lora, change.a)
    all_b: Numbers = _numbers(lora, change.b) * np.float32(change.factor)
    rows, columns = tensor.shape
    chance = np.random.default_rng(crc32(tensor.name.encode()))
    at_once = max(1, _AT_ONCE // columns)
    for begin in range(0, rows, at_once):
        b = all_b[begin : begin + at_once]
        wanted: Numbers = b @ a
        raw = np.frombuffer(_exactly(source, tensor.size // rows * len(b)), np.uint8).reshape(len(b), -1)
        try:
            new, real = quants.moved(raw, wanted, tensor.kind, chance)
        except ValueError as error:
            raise UnusableBaseError(
                f"{Path(source.name).name} cannot be merged with what was learned: {error}, in "
                f"{tensor.name}. Fetch the model again, then learn anew."
            ) from error
        if new is not raw:
            tally.add(tensor.name, wanted, real)
        target.write(new.data)


def _adapter(path: Path) -> GgufFile:
    """The header of a GGUF adapter. Raises ``UnsupportedAdapterError``."""
    try:
        file = gguf_file.read(path)
        if file.text("general.type") != "adapter" or file.text("adapter.type") != "lora":
            raise ValueError("it is no LoRA adapter")
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    return file


def _unreadable(path: Path, why: object) -> UnsupportedAdapterError:
    return UnsupportedAdapterError(f"{path.name} cannot be read as an adapter: {why}. Convert it again.")


def _changes(model: GgufFile, lora: GgufFile, scale: float) -> list[_Change]:
    """What the adapter changes, checked against the model, in the order of the model's file."""
    ours, theirs = (file.text("general.architecture") for file in (model, lora))
    if ours != theirs:
        raise AdapterMismatchError(
            f"What was learned does not fit {model.path.name}: that is a model of the kind {ours}, and the "
            f"adapter was made for one of the kind {theirs}."
        )
    alpha = lora.metadata.get("adapter.lora.alpha")
    changes = []
    for name, a, b in _pairs(lora):
        tensor = fitting(model, name, (b.shape[0], a.shape[1]))
        if tensor.kind not in quants.MOVABLE:
            raise UnusableBaseError(
                f"{model.path.name} cannot be merged with what was learned: {name} is stored as "
                f"{tensor.kind_name}, too coarsely to be changed. Use a file of the same model in Q4_K_M, "
                "Q8_0 or F16."
            )
        factor = alpha / a.shape[0] if isinstance(alpha, float) and alpha else 1.0  # as llama.cpp has it
        changes.append(_Change(tensor, a, b, scale * factor))
    return sorted(changes, key=lambda change: change.tensor.offset)


def _pairs(lora: GgufFile) -> Iterator[tuple[str, Tensor, Tensor]]:
    """For each tensor of the model its A, (rank, inputs), and its B, (outputs, rank)."""
    for name in {name.rpartition(".lora_")[0]: None for name in lora.tensors}:
        a, b = (lora.tensors.get(f"{name}.lora_{half}") for half in "ab")
        if a is None or b is None:
            raise _unreadable(lora.path, f"it has no pair of matrices for {name or 'some weights'}")
        if len(a.shape) != 2 or len(b.shape) != 2 or a.shape[0] != b.shape[1]:
            raise _unreadable(lora.path, f"its matrices for {name} do not fit together")
        yield name, a, b


def _numbers(lora: GgufFile, tensor: Tensor) -> Numbers:
    raw = np.frombuffer(tensor.read(lora.path), np.uint8).reshape(tensor.shape[0], -1)
    try:
        numbers = quants.decode(raw, tensor.kind)
    except ValueError as error:
        raise _unreadable(lora.path, f"{tensor.name} is stored as {tensor.kind_name}") from error
    if not np.isfinite(numbers).all():
        raise _unreadable(lora.path, f"the numbers of {tensor.name} are not all finite")
    return numbers
