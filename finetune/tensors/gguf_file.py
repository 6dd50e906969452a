"""What a GGUF file says of itself: its plain metadata, and where each tensor lies.

The ``gguf`` package's own reader makes an array of every word of the vocabulary, which takes two seconds
for the demo model; nothing here needs the words, so they are stepped over.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path

from libgguf import GGML_QUANT_SIZES, GGMLQuantizationType

_MAGIC, _VERSIONS = b"GGUF", (2, 3)
_STRING, _ARRAY = 8, 9
_NUMBERS = dict(enumerate(("B", "b", "H", "h", "I", "i", "f", "?"))) | {10: "Q", 11: "q", 12: "d"}
_LENGTH = struct.Struct("<Q")
_DEFAULT_ALIGNMENT = 32
_MOST, _MOST_EXTENTS = 1 << 24, 4
"""Of anything, and extents of a tensor: a damaged number must not keep us counting for minutes."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """``shape`` is (…, rows, columns), as numpy and PEFT count; ``offset`` is from the start of the file."""

    name: str
    kind: int
    shape: tuple[int, ...]
    offset: int
    size: int

    @property
    def kind_name(self) -> str:
        return str(GGMLQuantizationType(self.kind).name)

    def read(self, path: Path) -> bytes:
        with path.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


@dataclass(frozen=True, slots=True)
class GgufFile:
    """``metadata`` has None for what is an array. Tensors are in the order of their offsets."""

    path: Path
    metadata: dict[str, str | float | None]
    tensors: dict[str, Tensor]
    size: int

    def text(self, key: str) -> str:
        """A text in the metadata, or nothing."""
        found = self.metadata.get(key, "")
        return found if isinstance(found, str) else ""

    def count(self, key: str) -> int:
        """A number above zero in the metadata; ``ValueError`` if it does not say so."""
        found = self.metadata.get(key)
        if not isinstance(found, int) or found <= 0:
            raise ValueError(f"it does not say its {key} in one number")
        return found


def read(path: Path) -> GgufFile:
    """Read the header. ``ValueError`` says what is wrong with the file, ``OSError`` why it cannot be read."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError("it is not a GGUF file")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                return _header(path, _Cursor(data))
            except (struct.error, OverflowError) as error:
                raise ValueError("it is cut short or damaged") from error


class _Cursor:
    """A place in the file; reading past its end is a ``struct.error``."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = len(_MAGIC)

    def number(self, form: str) -> int | float:
        (found,) = struct.unpack_from(f"<{form}", self.data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return found  # type: ignore[no-any-return]

    def count(self, form: str = "Q") -> int:
        return int(self.number(form))

    def few(self, most: int = _MOST, form: str = "Q") -> int:
        """How many of something follow."""
        if (found := self.count(form)) > most:
            raise ValueError("it is damaged")
        return found

    def text(self) -> str:
        length = self.count()
        return struct.unpack_from(f"{length}s", self.data, self._passed(length))[0].decode()  # type: ignore[no-any-return]

    def _passed(self, length: int) -> int:
        begin, self.at = self.at, self.at + length
        if self.at > len(self.data):
            raise struct.error("past the end")
        return begin

    def value(self, kind: int) -> str | float | None:
        """A value of the metadata; None for an array, which is only stepped over."""
        if kind == _STRING:
            return self.text()
        if kind != _ARRAY:
            return self.number(_form(kind))
        kind, count = self.count("I"), self.few()
        if kind == _STRING:
            self._pass_texts(count)
        else:
            self._passed(count * struct.calcsize(_form(kind)))
        return None

    def _pass_texts(self, count: int) -> None:
        at, data = self.at, self.data
        for _ in range(count):
            at += 8 + _LENGTH.unpack_from(data, at)[0]
        self.at = at


def _form(kind: int) -> str:
    if kind not in _NUMBERS:
        raise ValueError(f"its metadata holds values of an unknown kind ({kind})")
    return _NUMBERS[kind]


def _header(path: Path, cursor: _Cursor) -> GgufFile:
    if (version := cursor.count("I")) not in _VERSIONS:
        raise ValueError(f"it is of version {version} of the format, and only 2 and 3 can be read")
    tensors, keys = cursor.few(), cursor.few()
    told = ((cursor.text(), cursor.value(cursor.count("I"))) for _ in range(keys))
    metadata = dict(told)
    listed = [_listed(cursor) for _ in range(tensors)]
    alignment = metadata.get("general.alignment", _DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment <= 0:
        raise ValueError(f"its alignment is {alignment}")
    begin, size = -(-cursor.at // alignment) * alignment, len(cursor.data)
    placed = sorted(_placed(listed, begin), key=lambda tensor: tensor.offset)
    if len({tensor.name for tensor in placed}) < len(placed):
        raise ValueError("two of its tensors have one name")
    if any(this.offset + this.size > after.offset for this, after in pairwise(placed)):
        raise ValueError("its tensors overlap")
    if placed and (end := placed[-1].offset + placed[-1].size) > size:
        raise ValueError(f"it is cut short: {size:,} bytes of {end:,} are there")
    return GgufFile(path, metadata, {tensor.name: tensor for tensor in placed}, size)


def _listed(cursor: _Cursor) -> tuple[str, tuple[int, ...], int, int]:
    name = cursor.text()
    shape = [cursor.count() for _ in range(cursor.few(_MOST_EXTENTS, "I"))]
    return name, tuple(reversed(shape)), cursor.count("I"), cursor.count()


def _placed(listed: list[tuple[str, tuple[int, ...], int, int]], begin: int) -> Iterator[Tensor]:
    for name, shape, kind, offset in listed:
        if kind not in GGML_QUANT_SIZES:
            raise ValueError(f"{name} is stored in a way that is not known here ({kind})")
        elements, size = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
        if not shape or shape[-1] % elements:
            raise ValueError(f"{name} is stored in blocks that do not fit its shape")
        yield Tensor(name, kind, shape, begin + offset, prod(shape) // elements * size)
