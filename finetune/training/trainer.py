"""Training, as it runs in a process of its own: load, foretell, train, and once more if memory runs out."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from finetune.config import LearnConfig
from finetune.errors import TrainingFailedError
from finetune.stories.examples import Example, read_examples
from finetune.training.libraries import import_unsloth
from finetune.training.loop import Epoch, Loop
from finetune.training.tuner import Tuner, is_out_of_memory, load

ROW_TOKENS = 1_024
"""Read at once, at most: enough to keep a processor busy, and little memory."""

Told = tuple[Any, ...]
"""``("say", sentence)`` or ``("progress", what, done, total)``: a call of ``Tell``, for the other process."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``tokens`` is what an epoch reads, prompts included; ``seconds`` all that it took."""

    epochs: list[Epoch]
    tokens: int
    seconds: float
    device: str
    dtype: str


@dataclass(frozen=True, slots=True)
class _Reporter:
    """A ``Tell`` that speaks through ``report``."""

    report: Callable[[Told], None]

    def say(self, sentence: str) -> None:
        self.report(("say", sentence))

    def progress(self, what: str, done: float, total: float) -> None:
        self.report(("progress", what, done, total))


@dataclass(frozen=True, slots=True)
class _Task:
    weights: Path
    train: list[Example]
    held_out: list[Example]
    folder: Path
    learn: LearnConfig
    tell: _Reporter

    def run(self, *, row_tokens: int, checkpointing: bool) -> tuple[list[Epoch], Tuner]:
        tuner = load(self.weights, self.learn, row_tokens=row_tokens, checkpointing=checkpointing)
        learn = self.learn.model_copy(update={"epochs": self._planned(tuner)})
        return Loop(tuner, self.train, self.held_out, self.folder, learn, self.tell).run(), tuner

    def _planned(self, tuner: Tuner) -> int:
        """How many epochs there is time for. Says how long they will take, and in how much memory.

        Both are measured on one story, read and learned from but for the step itself.
        """
        longest = max(self.train, key=len)
        begun = time.monotonic()
        loss, _ = tuner.loss([longest])
        loss.backward()
        tuner.model.zero_grad(set_to_none=True)
        rate = len(longest) / (time.monotonic() - begun)
        an_epoch = sum(map(len, self.train)) / rate
        epochs = self.learn.epochs
        if allowed := self.learn.max_minutes:
            epochs = max(1, min(epochs, int(60 * allowed / an_epoch)))
        used = psutil.Process().memory_info().rss
        self.tell.say(
            f"About {_minutes(epochs * an_epoch)} to read {len(self.train):,} stories "
            f"{epochs} times on the {tuner.device_name}, in {used / 1e9:.1f} GB of memory"
        )
        return epochs


def train_apart(
    weights: Path,
    train: Path,
    held_out: Path,
    folder: Path,
    learn: LearnConfig,
    *,
    report: Callable[[Told], None],
) -> Outcome:
    """Made for ``run_apart``. Checkpoints go into ``folder``; those that are there are gone on from.

    Raises ``TrainingFailedError``.
    """
    import_unsloth(folder)
    task = _Task(weights, read_examples(train), read_examples(held_out), folder, learn, _Reporter(report))
    begun = time.monotonic()
    try:
        epochs, tuner = task.run(
            row_tokens=ROW_TOKENS, checkpointing=_is_short_of_memory(weights, ROW_TOKENS)
        )
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        task.tell.say("Memory ran out. Trying once more, reading less at a time.")
        epochs, tuner = _with_less(task)
    tokens = sum(map(len, task.train))
    return Outcome(epochs, tokens, time.monotonic() - begun, tuner.device_name, tuner.dtype_name)


def _with_less(task: _Task) -> tuple[list[Epoch], Tuner]:
    """Once more with rows of a quarter, and activations that are not kept."""
    gc.collect()
    try:
        return task.run(row_tokens=ROW_TOKENS // 4, checkpointing=True)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise TrainingFailedError(
            "This machine has not enough memory to tune this model. Choose a smaller one, or close other "
            "programs and run it again. The model you have goes on writing."
        ) from error


def _is_short_of_memory(weights: Path, row_tokens: int) -> bool:
    """Whether activations might not fit beside the weights.

    The weights are twice the file when float32 is used; activations are estimated as a quarter of the
    weights for a thousand tokens, which is measured high for the demo model (0.5 of 0.54 GB).
    """
    weights_bytes = 2 * sum(path.stat().st_size for path in weights.glob("*.safetensors"))
    return psutil.virtual_memory().available < weights_bytes * (1 + row_tokens / 1_000)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds > 90 else f"{seconds:.0f} seconds"
