"""Reading an adapter as PEFT saves it: ``adapter_config.json`` and ``adapter_model.safetensors``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import isfinite, sqrt
from pathlib import Path
from typing import Any

from finetune.errors import UnsupportedAdapterError
from finetune.tensors import safetensors_file
from finetune.tensors.safetensors_file import Stored

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"

_HALF = re.compile(r"base_model\.model\.(.+)\.lora_(A|B)\.weight")
_EMBEDDING = re.compile(r"(embed_tokens|lm_head|lora_embedding)")

_STRANGE = {
    "use_dora": "DoRA",
    "use_qalora": "QALoRA",
    "lora_bias": "biases of its own",
    "modules_to_save": "layers trained as a whole (modules_to_save)",
    "trainable_token_indices": "trained tokens",
    "layer_replication": "layers used twice",
    "target_parameters": "parameters outside of linear layers",
    "fan_in_fan_out": "transposed layers (fan_in_fan_out)",
    "alora_invocation_tokens": "activation by certain words (aLoRA)",
    "megatron_config": "Megatron's layers",
    "monteclora_config": "MonteCLoRA",
    "velora_config": "VeLoRA",
    "kasa_config": "KaSA",
    "use_bdlora": "BD-LoRA",
    "arrow_config": "Arrow",
}
"""Settings that change the arithmetic, or that another part of the weights goes with."""

_MOVING_BASES = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Ways to begin that change the base's own weights: the adapter is right for those only."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A change of one layer: ``scaling`` times B·A. A is (rank, inputs), B is (outputs, rank)."""

    module: str
    a: Stored
    b: Stored
    scaling: float

    @property
    def rank(self) -> int:
        return self.a.shape[0]

    @property
    def shape(self) -> tuple[int, int]:
        """Of the weights it is for: (outputs, inputs)."""
        return self.b.shape[0], self.a.shape[1]


def read(folder: Path) -> list[Pair]:
    """The pairs of an adapter, in the order of their names, numbers not read yet.

    Raises ``UnsupportedAdapterError`` for what is damaged, not there, or not plain LoRA.
    """
    try:
        config = json.loads((folder / CONFIG).read_bytes())
        stored = safetensors_file.tensors(folder / WEIGHTS)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UnsupportedAdapterError(
            f"The adapter in {folder} cannot be read: {why}. Train it again."
        ) from error
    if not isinstance(config, dict):
        raise UnsupportedAdapterError(f"The adapter in {folder} has no settings. Train it again.")
    _refuse_strange(config)
    halves: dict[str, dict[str, Stored]] = {}
    for name in sorted(stored):
        module, half = _half(name)
        halves.setdefault(module, {})[half] = stored[name]
    if not halves:
        raise UnsupportedAdapterError(f"The adapter in {folder} is empty. Train it again.")
    return [_pair(module, found, config) for module, found in halves.items()]


def _refuse_strange(config: dict[str, Any]) -> None:
    found = [words for key, words in _STRANGE.items() if config.get(key)]
    if config.get("peft_type") != "LORA":
        found.insert(0, f"the method {config.get('peft_type')}")
    if config.get("bias", "none") != "none":
        found.append("trained biases")
    begun = str(config.get("init_lora_weights", "")).lower()
    if begun.startswith(_MOVING_BASES):
        found.append(f"a changed base (init_lora_weights {begun})")
    if found:
        raise UnsupportedAdapterError(
            f"The adapter was trained with {' and '.join(found)}, which llama.cpp cannot load. Train it as "
            "plain LoRA."
        )


def _half(name: str) -> tuple[str, str]:
    """The module, and which half of the pair."""
    found = _HALF.fullmatch(name)
    if found is None or _EMBEDDING.search(name):
        what = "word embeddings or the output layer" if _EMBEDDING.search(name) else "more than LoRA pairs"
        raise UnsupportedAdapterError(
            f"The adapter holds {name}: {what}, which cannot be converted. Train it on the attention and "
            "feed-forward projections alone."
        )
    return found[1], found[2]


def _pair(module: str, halves: dict[str, Stored], config: dict[str, Any]) -> Pair:
    if len(halves) < 2:
        missing = ({"A", "B"} - halves.keys()).pop()
        raise UnsupportedAdapterError(
            f"The adapter is damaged: half of what it changes in {module}, lora_{missing}, is missing. Train "
            "it again."
        )
    a, b = halves["A"], halves["B"]
    if len(a.shape) != 2 or len(b.shape) != 2 or a.shape[0] != b.shape[1] or not a.shape[0]:
        raise UnsupportedAdapterError(
            f"The adapter is damaged: the halves of {module}, {a.shape} and {b.shape}, do not fit together. "
            "Train it again."
        )
    return Pair(module, a, b, _scaling(module, a.shape[0], config))


def _scaling(module: str, rank: int, config: dict[str, Any]) -> float:
    """What PEFT multiplies the pair with."""
    alpha = config.get("lora_alpha")
    try:
        for pattern, other in reversed((config.get("alpha_pattern") or {}).items()):
            if re.match(rf"(.*\.)?({pattern})$", module):  # as PEFT itself finds it: the first one counts
                alpha = other
    except (AttributeError, TypeError, re.error) as error:
        raise UnsupportedAdapterError(f"The adapter's alpha_pattern cannot be read: {error}.") from error
    if not isinstance(alpha, int | float) or not isfinite(alpha) or alpha <= 0:
        raise UnsupportedAdapterError(
            f"The adapter's lora_alpha is {alpha!r}, and it has to be a number above zero. Train it again."
        )
    return alpha / (sqrt(rank) if config.get("use_rslora") else rank)
