"""A run as the stages before ``promote`` leave it behind, with figures as they come out in life."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from finetune.config import LearnConfig
from finetune.context import Context
from finetune.runs import Run
from storaiteller.config import Config
from storaiteller.registry import BaseRecord, Version

SHA = "b179c952" * 8


class Heard:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.told: list[tuple[str, float, float]] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def progress(self, what: str, done: float, total: float) -> None:
        self.told.append((what, done, total))


def context_at(data_dir: Path, **learn: Any) -> Context:
    """A data folder of its own, and an Ollama address where nobody answers."""
    config = Config(data_dir=data_dir, browser=False, ollama_host="127.0.0.1:9")
    return Context(config, LearnConfig(**learn), Heard())


def figures(perplexity: float, general: float, **changes: Any) -> dict[str, Any]:
    """What is measured of one model."""
    return {
        "held_out_perplexity": perplexity,
        "held_out_low": perplexity * 0.86,
        "held_out_high": perplexity * 1.17,
        "general_perplexity": general,
        "distinct_1": 0.41,
        "distinct_2": 0.83,
        "distinct_3": 0.95,
        "self_bleu": 0.27,
        "repeated_4grams": 0.03,
        "copied_8grams": 0.0,
        "longest_copied_run": 0,
        "ends_by_itself": 1.0,
        "words": 164.5,
        "names_kept": 0.9,
        "keywords_kept": 0.62,
        "length_kept": 0.75,
        "settings_kept": 0.757,
    } | changes


def good_metrics() -> dict[str, Any]:
    """A version that is better at what it learned, and hardly worse at anything."""
    return {
        "models": {
            "base": figures(32.5, 21.4),
            "active": figures(25.3, 21.6, distinct_2=0.81),
            "candidate": figures(
                21.9,
                21.8,
                distinct_2=0.79,
                copied_8grams=0.012,
                longest_copied_run=11,
                settings_kept=0.774,
                ends_by_itself=0.95,
            ),
        },
        "against": "v1",
        "held_out": {"ratio": 0.866, "low": 0.841, "high": 0.893},
        "settings": {"difference": 0.017, "low": -0.06, "high": 0.09},
        "parity": {
            "agreement": 0.994,
            "exact": 0.975,
            "differs_from_base": 0.24,
            "positions": 320,
        },
        "order": {"ratio": 0.1, "low": 0.08, "high": 0.13},
        "liked": {"distinct_2": 0.9},
        "stories": 9,
        "prompts": 20,
    }


def against_base(metrics: dict[str, Any]) -> dict[str, Any]:
    """The same, where nothing had been learned before."""
    changed = deepcopy(metrics)
    changed["models"]["active"] = None
    return changed | {"against": "base", "held_out": {"ratio": 0.674, "low": 0.641, "high": 0.703}}


def some_samples() -> list[dict[str, Any]]:
    return [
        {
            "story_id": f"story-{number}",
            "prompt": f"You are a writer. Write a story of maximum {150 + number} words.",
            "seed": 7 + number,
            "liked": "The kettle sang at four.\n\nNobody had asked it to.",
            "base": "Once upon a time there was a kettle.",
            "active": "The kettle hummed.",
            "candidate": "The kettle sang at five, and Ada let it.",
        }
        for number in range(3)
    ]


def add_version(context: Context, *, sha256: str = SHA, parent: str | None = None, run_id: str = "r") -> str:
    """A version whose files are there, though nobody could load them."""

    def make(name: str) -> Version:
        folder = context.registry.folder(name)
        (folder / "peft").mkdir(parents=True)
        (folder / "adapter.gguf").write_bytes(b"GGUF")
        base = BaseRecord(model_id="embedded/demo.gguf", name="demo", sha256=sha256, size_bytes=1)
        return Version(
            name=name, run_id=run_id, created_at="2026-11-22T03:00:00+00:00", base=base, parent=parent
        )

    return context.registry.add(make).name


def trained_run(context: Context) -> Run:
    """As far as training."""
    run = context.runs.create()
    _stage(
        run,
        "dataset",
        {
            "likes": 40,
            "train_stories": 31,
            "held_out_stories": 9,
            "duplicates": 2,
            "near_duplicates": 1,
            "unusable": 0,
            "broken_rows": 1,
        },
    )
    losses = [(None, 3.48), (3.29, 3.21), (2.98, 3.11), (2.81, 3.086)]
    epochs = [
        {
            "epoch": number,
            "train_loss": train,
            "held_out_loss": held_out,
            "held_out_perplexity": 2.718281828**held_out,
        }
        for number, (train, held_out) in enumerate(losses)
    ]
    curve = [
        [step, 3.45 - 0.7 * (step / 36) ** 0.6 + 0.09 * ((step * 7919) % 13 - 6) / 6] for step in range(1, 37)
    ]
    _stage(
        run,
        "train",
        {
            "epochs": epochs,
            "curve": curve,
            "best_epoch": 3,
            "tokens": 37_412,
            "seconds": 141.0,
            "tokens_per_second": 265.0,
            "device": "cpu",
            "dtype": "float32",
        },
    )
    return run


def tried_run(context: Context, metrics: dict[str, Any], *, parent: str | None = None) -> Run:
    """As far as the exam, which came out with ``metrics``."""
    run = trained_run(context)
    version = add_version(context, parent=parent, run_id=run.id)
    told = {"version": version, "ollama": None, "ollama_note": "No Ollama server answered.", "merged": False}
    _stage(run, "register", told)
    samples = some_samples()
    if metrics["models"]["active"] is None:
        samples = [sample | {"active": None} for sample in samples]
    _stage(run, "evaluate", metrics, {"metrics.json": metrics, "samples.json": samples})
    return run


def _stage(run: Run, name: str, metrics: dict[str, Any], files: dict[str, Any] | None = None) -> None:
    stage = run.stage(name)
    stage.begin(name)
    for file, content in (files or {}).items():
        (stage.folder / file).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    outputs = {file.partition(".")[0]: file for file in files or {}}
    stage.finish(name, outputs, metrics)
