"""Reading a safetensors file into numpy, bfloat16 included, without torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float32]

_KINDS = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_MAX_HEADER = 100_000_000
"""Bytes; the format's own bound."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One tensor in a file, not read yet."""

    path: Path
    kind: str
    shape: tuple[int, ...]
    offset: int

    def read(self) -> Numbers:
        """Its numbers, as float32."""
        raw = np.fromfile(self.path, _KINDS[self.kind], prod(self.shape), offset=self.offset)
        if self.kind == "BF16":  # the upper half of a float32
            raw = (raw.astype(np.uint32) << 16).view(np.float32)
        return raw.astype(np.float32, copy=False).reshape(self.shape)


def tensors(path: Path) -> dict[str, Stored]:
    """What is in the file. ``ValueError`` says what is wrong with it, ``OSError`` that it cannot be read."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= min(size - 8, _MAX_HEADER):
            raise ValueError("its header is cut short")
        header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("its header is no table")
    header.pop("__metadata__", None)
    return {name: _stored(path, name, told, 8 + length, size) for name, told in header.items()}


def _stored(path: Path, name: str, told: Any, start: int, size: int) -> Stored:
    try:
        kind, shape = str(told["dtype"]), tuple(int(extent) for extent in told["shape"])
        begin, end = (start + int(offset) for offset in told["data_offsets"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"its header does not say what {name} is") from error
    if kind not in _KINDS:
        raise ValueError(f"{name} is stored as {kind}, and only {', '.join(_KINDS)} can be read")
    needed = prod(shape) * np.dtype(_KINDS[kind]).itemsize
    if min(shape, default=0) < 0 or not start <= begin <= end <= size or end - begin != needed:
        raise ValueError(f"the numbers of {name} are not all there")
    return Stored(path, kind, shape, begin)
