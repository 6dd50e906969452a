"""A model made ready for tuning: loaded through Unsloth, with a fresh adapter over all its linear layers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from finetune.config import LearnConfig
from finetune.errors import TrainingFailedError
from finetune.stories.examples import Example
from finetune.training.batches import IGNORED, Row, Tensors, tensors
from finetune.training.libraries import quiet

if TYPE_CHECKING:
    import torch

LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""All linear layers of a block, as the families we convert for name them."""

_ALIKE = 0.05
"""Logits that differ by less are the same but for rounding; another story's words move them by ten."""


@dataclass
class Tuner:
    """``model`` with its adapter; ``row_tokens`` is how much of a batch it reads at once."""

    model: Any
    device: torch.device
    dtype: torch.dtype
    row_tokens: int

    @property
    def weights(self) -> list[torch.nn.Parameter]:
        """The adapter's own weights, float32: all that is trained."""
        return [weight for weight in self.model.parameters() if weight.requires_grad]

    @property
    def device_name(self) -> str:
        return "GPU" if self.device.type == "cuda" else "CPU"

    @property
    def dtype_name(self) -> str:
        return str(self.dtype).removeprefix("torch.")

    def loss(self, row: Row) -> tuple[torch.Tensor, int]:
        """The summed negative log-likelihood of the stories' tokens, in nats, and how many they are."""
        made = tensors(row, self.device)
        if self.device.type == "cuda":  # where Unsloth's own loss never holds all logits at once
            mean = self.model(**made.inputs(), use_cache=False).loss
            return mean * made.learned, made.learned
        return self._loss_of_stories(made), made.learned

    def _loss_of_stories(self, made: Tensors) -> torch.Tensor:
        """The same with logits for the stories' tokens only: a twentieth of the time on a CPU."""
        from torch.nn.functional import cross_entropy

        targets = made.labels[0, 1:]
        kept = (targets != IGNORED).nonzero()[:, 0]
        logits = self.model(
            input_ids=made.input_ids, position_ids=made.position_ids, logits_to_keep=kept, use_cache=False
        ).logits[0]
        return cross_entropy(logits.float(), targets[kept], reduction="sum")

    def held_out_loss(self, rows: list[Row]) -> float:
        """Mean negative log-likelihood a story token, in nats."""
        import torch

        self.model.eval()
        total, tokens = 0.0, 0
        with torch.no_grad():
            for row in rows:
                loss, learned = self.loss(row)
                total += loss.item()
                tokens += learned
        self.model.train()
        return total / tokens

    def save(self, folder: Path) -> None:
        """Write the adapter for PEFT, in safetensors, its configuration last."""
        self.model.save_pretrained(folder, safe_serialization=True, save_embedding_layers=False)


def load(weights: Path, learn: LearnConfig, *, row_tokens: int, checkpointing: bool) -> Tuner:
    """A fresh adapter on the base in ``weights``. On the CPU and on a GPU through the same calls.

    ``checkpointing`` computes activations twice to hold them once. Where the model does not keep
    the stories of a row apart, rows have one story each.
    """
    with quiet():
        import torch
        from unsloth import FastLanguageModel

        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        weights_bytes = sum(path.stat().st_size for path in weights.glob("*.safetensors"))
        dtype = best_dtype(device, weights_bytes)
        model, _tokenizer = FastLanguageModel.from_pretrained(
            str(weights), max_seq_length=learn.window, dtype=dtype, load_in_4bit=False
        )
        model = FastLanguageModel.get_peft_model(
            model,
            r=learn.rank,
            lora_alpha=learn.alpha,
            lora_dropout=0,
            bias="none",
            target_modules=list(LAYERS),
            use_gradient_checkpointing="unsloth" if checkpointing else False,
            random_state=learn.seed,
        )
    model.train()
    tuner = Tuner(model, device, dtype, row_tokens)
    if not keeps_apart(tuner):
        tuner.row_tokens = 1
    return tuner


def best_dtype(device: torch.device, weights_bytes: int) -> torch.dtype:
    """bfloat16 on a GPU that has it. On a CPU float32, where it fits and bfloat16 is not the faster one.

    ``weights_bytes`` is their size in bfloat16. Measured: a CPU with AVX-512 does 310 GFLOP/s in float32
    and 165 in bfloat16; only AMX turns that round.
    """
    import torch

    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    fits = psutil.virtual_memory().available > 3 * weights_bytes
    return torch.float32 if fits and not torch.cpu.get_capabilities().get("amx_bf16") else torch.bfloat16


def keeps_apart(tuner: Tuner) -> bool:
    """Whether stories in one row really do not see each other: tried, because patched models differ."""
    import torch

    first, second = ([token % 97 + 3 for token in range(start, start + 12)] for start in (5, 60))
    with torch.no_grad():
        alone = _logits(tuner, [second])[0]
        together = _logits(tuner, [first, second])[0, len(first) :]
    return float((alone - together).abs().max()) < _ALIKE * max(1.0, float(alone.abs().max()))


def _logits(tuner: Tuner, stories: list[list[int]]) -> torch.Tensor:
    row = [Example("", 1, 1, "", "", "", None, story[:1], story[1:]) for story in stories]
    made = tensors(row, tuner.device)
    inputs = {"input_ids": made.input_ids, "position_ids": made.position_ids}
    logits: torch.Tensor = tuner.model(**inputs, use_cache=False).logits
    return logits.float()


def is_out_of_memory(error: BaseException) -> bool:
    """What torch and Python raise when memory runs out, on a GPU and on a CPU."""
    import torch

    told = str(error).lower()
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and ("not enough memory" in told or "out of memory" in told)
    )


def check_finite(loss: float, step: int) -> None:
    """Raises ``TrainingFailedError`` for a loss that is no number: nothing after it could be learned."""
    if not -1e30 < loss < 1e30:
        raise TrainingFailedError(
            f"Training went astray at step {step}: the loss is {loss}. Nothing was kept of it, and the model "
            "you have goes on writing. Try a smaller learning rate: --learning-rate 1e-4."
        )
