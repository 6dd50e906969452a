"""The training loop: epochs of batches, a checkpoint after each epoch, and a way on from the last one.

A checkpoint is the adapter as PEFT saves it, the optimizer's moments in safetensors, and a note written
last. Nothing is random but the order of the stories, which the seed and the epoch settle; so a run that
was stopped and one that was not end with the same adapter.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.config import LearnConfig
from finetune.context import Tell
from finetune.errors import TrainingFailedError
from finetune.stories.examples import Example
from finetune.training.batches import Batch, batches, rows, shuffled, usual_batch
from finetune.training.tuner import Tuner, check_finite
from storaiteller import durable

if TYPE_CHECKING:
    import torch

_NOTE, _MOMENTS, _WEIGHTS = "epoch.json", "optimizer.safetensors", "adapter_model.safetensors"
_MAX_GRADIENT = 1.0
"""The usual bound of the gradient's norm."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """What an epoch came to; losses are nats a story token. Epoch 0 is the base, before anything."""

    epoch: int
    train_loss: float | None
    held_out_loss: float
    training_seconds: float = 0.0
    curve: list[tuple[int, float]] = field(default_factory=list)

    @property
    def held_out_perplexity(self) -> float:
        return math.exp(self.held_out_loss)


class _TimeUp(Exception):  # noqa: N818
    """The time allowed is over in the middle of an epoch."""


class Loop:
    """Trains ``tuner`` on ``train`` and tries it on ``held_out``; checkpoints go into ``folder``."""

    def __init__(
        self,
        tuner: Tuner,
        train: Sequence[Example],
        held_out: Sequence[Example],
        folder: Path,
        learn: LearnConfig,
        tell: Tell,
    ) -> None:
        import torch

        self._tuner, self._learn, self._tell, self._folder = tuner, learn, tell, folder
        self._train = train
        self._held_out = rows(held_out, tuner.row_tokens)
        self._steps = learn.epochs * len(self._batches(1))
        self._optimizer = torch.optim.AdamW(
            tuner.weights, lr=learn.learning_rate, weight_decay=learn.weight_decay
        )
        self._step = 0
        self._tokens_an_epoch = sum(map(len, train))
        self._begun = time.monotonic()

    def run(self) -> list[Epoch]:
        """Every epoch there was, this time and before. Raises ``TrainingFailedError``."""
        done = self._resume()
        if not done:
            self._tell.say("Reading the stories that are kept for the exam, before anything is learned")
            done = [Epoch(0, None, self._tried())]
            self._note(self._folder / "epoch-0", done[0])
        try:
            while done[-1].epoch < self._learn.epochs:
                done.append(self._epoch(done[-1].epoch + 1))
        except _TimeUp as time_up:
            if len(done) == 1:
                raise TrainingFailedError(
                    f"{self._learn.max_minutes:g} minutes were over before everything was read once. "
                    "Allow more with --max-minutes, or choose a smaller model."
                ) from time_up
            self._tell.say(f"Time is up: what was learned after reading {_times(done[-1].epoch)} is taken.")
        return done

    def _epoch(self, number: int) -> Epoch:
        begun = time.monotonic()
        total, tokens, read = 0.0, 0, 0
        curve = []
        for batch in self._batches(number):
            loss, learned = self._learn_from(batch)
            total, tokens = total + loss, tokens + learned
            read += sum(len(example) for row in batch for example in row)
            curve.append((self._step, round(loss / learned, 4)))
            self._tell.progress(
                "Learning",
                (number - 1) * self._tokens_an_epoch + read,
                self._learn.epochs * self._tokens_an_epoch,
            )
            if self._is_time_up():
                raise _TimeUp
        seconds = time.monotonic() - begun
        epoch = Epoch(number, total / tokens, self._tried(), seconds, curve)
        check_finite(epoch.held_out_loss, self._step)
        self._checkpoint(epoch)
        self._tell.say(
            f"Read everything {_times(number)}: perplexity {epoch.held_out_perplexity:.1f} on the stories "
            "kept for the exam"
        )
        return epoch

    def _learn_from(self, batch: Batch) -> tuple[float, int]:
        """One optimizer step; the summed loss of the batch, and its story tokens."""
        import torch

        learned = sum(len(example.story_tokens) for row in batch for example in row)
        total = 0.0
        for row in batch:
            loss, _ = self._tuner.loss(row)
            check_finite(loss.item(), self._step)
            (loss / learned).backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(self._tuner.weights, _MAX_GRADIENT)
        for group in self._optimizer.param_groups:
            group["lr"] = self._learn.learning_rate * pace(self._step, self._steps, self._learn.warmup)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._step += 1
        return total, learned

    def _tried(self) -> float:
        return self._tuner.held_out_loss(self._held_out)

    def _batches(self, epoch: int) -> list[Batch]:
        order = shuffled(self._train, self._learn.seed, epoch)
        tokens = self._learn.batch_tokens or usual_batch(self._train)
        return batches(order, tokens, self._tuner.row_tokens)

    def _is_time_up(self) -> bool:
        allowed = self._learn.max_minutes
        return allowed is not None and time.monotonic() - self._begun > 60 * allowed

    def _checkpoint(self, epoch: Epoch) -> None:
        from safetensors.torch import save_file

        folder = self._folder / f"epoch-{epoch.epoch}"
        self._tuner.save(folder)
        save_file(_moments(self._optimizer), folder / _MOMENTS)
        for path in (folder / _WEIGHTS, folder / _MOMENTS):
            durable.sync(path)
        self._note(folder, epoch)

    def _note(self, folder: Path, epoch: Epoch) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        durable.replace(folder / _NOTE, json.dumps({"step": self._step, **asdict(epoch)}).encode())

    def _resume(self) -> list[Epoch]:
        """Go on from the last whole checkpoint; the epochs there were before."""
        notes = list(_notes(self._folder))
        if len(notes) > 1:
            folder = self._folder / f"epoch-{len(notes) - 1}"
            self._step = notes[-1]["step"]
            self._restore(folder)
            self._tell.say(f"Going on after epoch {len(notes) - 1}, which was done before")
        return [Epoch(**{name: note[name] for name in note if name != "step"}) for note in notes]

    def _restore(self, folder: Path) -> None:
        from peft import set_peft_model_state_dict
        from safetensors.torch import load_file

        set_peft_model_state_dict(self._tuner.model, load_file(folder / _WEIGHTS))
        moments = load_file(folder / _MOMENTS)
        for number, weight in enumerate(self._tuner.weights):
            self._optimizer.state[weight] = {
                name: moments[f"{number}.{name}"].to(weight.device if name != "step" else "cpu")
                for name in ("step", "exp_avg", "exp_avg_sq")
            }


def let_go(folder: Path) -> None:
    """Remove what only a run that goes on needs: two thirds of what is kept of each epoch."""
    for moments in folder.glob(f"epoch-*/{_MOMENTS}"):
        moments.unlink()


def pace(step: int, steps: int, warmup: float) -> float:
    """The share of the learning rate at ``step``, from 0: up over the warm-up, then straight down."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return max(0.0, (steps - step) / max(1, steps - rising))


def _moments(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    states = optimizer.state_dict()["state"]
    return {
        f"{number}.{name}": value.contiguous()
        for number, state in states.items()
        for name, value in state.items()
    }


def _notes(folder: Path) -> list[dict[str, Any]]:
    """The notes of the epochs that are whole, from epoch 0 on without a gap."""
    notes: list[dict[str, Any]] = []
    while (path := folder / f"epoch-{len(notes)}" / _NOTE).is_file():
        notes.append(json.loads(path.read_text()))
    return notes


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")
