"""The weights of a GGUF model that an adapter may change: their names, and the order of their rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from finetune.errors import AdapterMismatchError, UnsupportedAdapterError, UnusableBaseError
from finetune.tensors import gguf_file
from finetune.tensors.gguf_file import GgufFile, Tensor
from finetune.tensors.safetensors_file import Numbers

ARCHITECTURES = ("llama", "qwen2", "qwen3", "gemma2", "gemma3")
"""As GGUF calls them; Mistral's models are ``llama`` there."""

_PERMUTING = ("llama",)
"""Where llama.cpp rotates neighbouring rows of a head, and Transformers rows that are half a head apart."""

_PROJECTIONS = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_MODULE = re.compile(
    rf"(?:model\.|language_model\.)*layers\.(\d+)\.({'|'.join(map(re.escape, _PROJECTIONS))})"
)


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A model that can be tuned. Head counts are of queries, and of keys and values."""

    file: GgufFile
    architecture: str
    heads: int
    key_heads: int

    @property
    def name(self) -> str:
        return self.file.path.name

    def turned(self, name: str, b: Numbers) -> Numbers:
        """The rows of a B matrix in the order in which the GGUF file has the rows of ``name``."""
        heads = {"attn_q": self.heads, "attn_k": self.key_heads}.get(name.split(".")[2])
        if self.architecture not in _PERMUTING or heads is None:
            return b
        rows, rank = b.shape
        if rows % (2 * heads):
            raise UnusableBaseError(f"{self.name} cannot be tuned: {heads} heads do not fit {name}.")
        halves = b.reshape(heads, 2, rows // heads // 2, rank)
        return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(rows, rank)


def read_model(path: Path) -> GgufFile:
    """The header of a whole model file. Raises ``UnusableBaseError``."""
    try:
        file = gguf_file.read(path)
        if file.metadata.get("split.count", 1) != 1:
            raise ValueError("it is one part of a model in several files; join them with llama-gguf-split")
        file.count(f"{file.text('general.architecture')}.block_count")
    except FileNotFoundError as error:
        raise UnusableBaseError(f"There is no model file at {path}. Fetch the model first.") from error
    except (OSError, ValueError) as error:
        raise UnusableBaseError(
            f"{path.name} cannot be tuned: {error}. Fetch the model again, or choose another one."
        ) from error
    return file


def base_model(path: Path) -> BaseModel:
    """A model of an architecture that adapters are made for here. Raises ``UnusableBaseError``."""
    file = read_model(path)
    architecture = file.text("general.architecture")
    if architecture not in ARCHITECTURES:
        raise UnusableBaseError(
            f"{path.name} is a model of the kind '{architecture}', which cannot be tuned here. Choose one of "
            f"the kinds {', '.join(ARCHITECTURES)} (Mistral's models are llama)."
        )
    try:
        heads = file.count(f"{architecture}.attention.head_count")
        key_heads_are = f"{architecture}.attention.head_count_kv"
        key_heads = file.count(key_heads_are) if key_heads_are in file.metadata else heads
    except ValueError as error:
        raise UnusableBaseError(f"{path.name} cannot be tuned: {error}. Choose another model.") from error
    return BaseModel(file, architecture, heads, key_heads)


def fitting(file: GgufFile, name: str, shape: tuple[int, int]) -> Tensor:
    """The weights that a change of this shape is for; ``AdapterMismatchError`` if there are none."""
    found = file.tensors.get(name)
    if found is None or found.shape != shape:
        there = "has no such weights" if found is None else f"has {_size(found.shape)} there"
        raise AdapterMismatchError(
            f"What was learned does not fit {file.path.name}: it changes {name}, {_size(shape)}, and that "
            f"model {there}. It was learned on another model; choose that one, or learn anew on this one."
        )
    return found


def gguf_name(module: str) -> str:
    """What GGUF calls the weights of a Transformers module. Raises ``UnsupportedAdapterError``."""
    found = _MODULE.fullmatch(module)
    if found is None:
        raise UnsupportedAdapterError(
            f"The adapter changes {module}, and only the attention and feed-forward projections of a text "
            f"model can be changed here. Train it on these alone: {', '.join(_endings())}."
        )
    layer, projection = found.groups()
    return f"blk.{int(layer)}.{_PROJECTIONS[projection]}.weight"


def _endings() -> list[str]:
    return [name.rpartition(".")[2] for name in _PROJECTIONS]


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{extent:,}" for extent in shape)
