"""The train stage: a LoRA adapter, always from the base on the whole curated set."""

from __future__ import annotations

from collections.abc import Callable

from finetune import base, weights
from finetune.context import Context, Tell
from finetune.runs import Manifest, Run, Stage, fingerprint
from finetune.training.apart import run_apart
from finetune.training.loop import let_go
from finetune.training.trainer import Outcome, Told, train_apart

_MATTERS = ("epochs", "rank", "alpha", "learning_rate", "warmup", "weight_decay", "batch_tokens", "seed")


def train(context: Context, run: Run) -> Manifest:
    """Train, and take the epoch that does best on the held-out stories.

    Raises ``TrainingFailedError``, and what ``weights.folder`` raises. Stopped in the middle, it goes
    on after the last whole epoch.
    """
    examples, held_out = run.output("dataset", "train"), run.output("dataset", "held_out")
    tuned = base.of_run(context, run)
    settings = {name: getattr(context.learn, name) for name in _MATTERS}
    print_of_inputs = fingerprint(examples, held_out, tuned.sha256, str(context.learn.base), settings)
    stage = run.stage("train")
    if done := stage.begin(print_of_inputs, keep=True):
        return done
    folder = weights.folder(context, tuned)
    outcome: Outcome = run_apart(
        train_apart,
        folder,
        examples,
        held_out,
        stage.folder,
        context.learn,
        report=_told_to(context.tell),
        threads=context.threads,
    )
    made = _finished(stage, print_of_inputs, outcome)
    let_go(stage.folder)
    return made


def _told_to(tell: Tell) -> Callable[[Told], None]:
    def hear(told: Told) -> None:
        getattr(tell, told[0])(*told[1:])

    return hear


def _finished(stage: Stage, print_of_inputs: str, outcome: Outcome) -> Manifest:
    learned = [epoch for epoch in outcome.epochs if epoch.epoch > 0]
    best = min(learned, key=lambda epoch: epoch.held_out_loss)
    seconds = sum(epoch.training_seconds for epoch in learned)
    metrics = {
        "epochs": [
            {
                "epoch": epoch.epoch,
                "train_loss": epoch.train_loss,
                "held_out_loss": epoch.held_out_loss,
                "held_out_perplexity": epoch.held_out_perplexity,
            }
            for epoch in outcome.epochs
        ],
        "curve": [point for epoch in learned for point in epoch.curve],
        "best_epoch": best.epoch,
        "tokens": outcome.tokens * len(learned),
        "tokens_per_second": round(outcome.tokens * len(learned) / seconds, 1),
        "seconds": round(outcome.seconds, 1),
        "device": outcome.device,
        "dtype": outcome.dtype,
    }
    return stage.finish(print_of_inputs, {"adapter": f"epoch-{best.epoch}"}, metrics)
