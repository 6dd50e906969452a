"""What learning costs: training beside plain TRL, conversion, merge, switching versions, a whole night.

The GPU's row is filled in by hand where one is at hand; see the README.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from storaiteller.registry import Registry
from tests.bench.client import Client
from tests.bench.harness import ROOT, BenchError, Row, data_folder, running, story_settings
from tests.learning.stories import style_stories

STORIES = 64
TRAINED = 24
"""Stories of the comparison with TRL: nine epochs of all of them would take half an hour."""

ROUNDS = 3


def measure() -> list[Row]:
    with data_folder() as data:
        _like(data)
        night, seconds = _night(data)
        run = data / "runs" / night["run_id"]
        return [
            _night_row(night, seconds),
            *_training_rows(data, run),
            _conversion_row(data, run),
            _merge_row(data, run),
            asyncio.run(_switch_row(data, str(night["metrics"]["version"]))),
            Row(
                "Training on a GPU with the shape of Llama 3.2 3B, random weights",
                "not measured: no GPU here",
            ),
        ]


def _like(data: Path) -> None:
    from storaiteller.feedback import FeedbackLedger

    ledger = FeedbackLedger(data / "datastories.csv")
    for story in style_stories(STORIES):
        ledger.save(story)


def _night(data: Path) -> tuple[dict[str, Any], float]:
    """The whole of it in a process of its own, as every night."""
    begun = time.perf_counter()
    night = _python("finetune", "--data-dir", str(data), "--engine", "embedded", "nightly", "--json")
    return night, time.perf_counter() - begun


def _night_row(night: dict[str, Any], seconds: float) -> Row:
    held_out = night["metrics"]["held_out"]
    stages = ", ".join(f"{name} {took:.0f}" for name, took in night["metrics"]["seconds"].items())
    return Row(
        f"A whole night with {STORIES} stories, the model's weights unpacked for the first time",
        f"{seconds / 60:.1f} min ({stages} s); held-out perplexity {1 - held_out['ratio']:.0%} lower "
        f"({1 - held_out['high']:.0%} to {1 - held_out['low']:.0%}); {night['decision']}",
        "≤ 6 min, ≥ 30 %, promoted",
        seconds <= 360 and held_out["ratio"] <= 0.7 and night["decision"] == "promoted",
    )


def _training_rows(data: Path, run: Path) -> list[Row]:
    """Ours and theirs by turns, an epoch each, each in a process of its own, loading not counted."""
    weights = next((data / "bases").glob("*/config.json")).parent
    train = data / "train.jsonl"
    with (run / "dataset" / "train.jsonl").open(encoding="utf-8") as lines:
        train.write_text("".join(islice(lines, TRAINED)), encoding="utf-8")
    rates: dict[str, list[float]] = {"ours": [], "defaults": [], "float32": []}
    for turn in range(ROUNDS):
        for kind in rates:
            out = str(data / f"{kind}-{turn}")
            module = "tests.bench.our_training" if kind == "ours" else "tests.bench.plain_trl"
            rates[kind].append(_python(module, str(weights), str(train), out, kind)["tokens_per_second"])
    ours, defaults, same = (median(rates[kind]) for kind in ("ours", "defaults", "float32"))
    return [
        Row(
            "Training against plain Transformers + PEFT + TRL with padding, as it comes",
            f"{ours / defaults:.2f} × ({ours:.0f} against {defaults:.0f} tokens/s, medians of {ROUNDS})",
            "≥ 1.5 ×",
            ours >= 1.5 * defaults,
        ),
        Row(
            "The same, with their settings made like ours (float32, activations kept)",
            f"{ours / same:.2f} × ({ours:.0f} against {same:.0f} tokens/s)",
        ),
    ]


def _conversion_row(data: Path, run: Path) -> Row:
    told = _converted(data, run, "convert", of="train")
    return Row(
        "PEFT adapter to GGUF, imports included",
        f"{told['seconds']:.2f} s, {told['bytes'] / 1e6:.1f} MB",
        "about 1 s",
    )


def _merge_row(data: Path, run: Path) -> Row:
    told = _converted(data, run, "merge", of="convert")
    return Row(
        "Base and adapter into one GGUF (98 MB), imports included",
        f"{told['seconds']:.2f} s, {told['peak'] / 1e6:.0f} MB of memory at most",
    )


def _converted(data: Path, run: Path, what: str, *, of: str) -> dict[str, Any]:
    """Convert or merge the adapter that a stage has made."""
    adapter = run / of / _output(run, of, "adapter")
    return _python(
        "tests.bench.conversion", what, str(adapter), str(_model(data)), str(data / f"{what}.gguf")
    )


async def _switch_row(data: Path, version: str) -> Row:
    """A story runs on the base while the version is made active; the next story comes from the version."""
    registry = Registry(data)
    registry.activate(None)
    with running("storaiteller", "serve", "--no-browser", "--engine", "embedded", data=data) as server:
        async with Client.of(server) as client, client.socket() as first, client.socket() as second:
            story = asyncio.create_task(first.ask("generate", story_settings(300), seed=1))
            begun = time.perf_counter()
            registry.activate(version)
            pointed = time.perf_counter() - begun
            other = await second.ask("generate", story_settings(60), seed=1)
            whole = await story
    if not whole.text or not other.text:
        raise BenchError("a story was dropped")
    return Row(
        "Another version made active under a running story",
        f"pointer {1000 * pointed:.1f} ms; the running story ended whole ({whole.tokens} tokens), the next "
        f"began {other.first:.2f} s later with the version, which was loaded in that time",
    )


def _output(run: Path, stage: str, name: str) -> str:
    return str(json.loads((run / stage / "manifest.json").read_text())["outputs"][name])


def _model(data: Path) -> Path:
    return next((data / "models").glob("*.gguf"))


def _python(module: str, *arguments: str) -> dict[str, Any]:
    """Run a module of ours; what it prints is a JSON object."""
    told = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if told.returncode:
        raise BenchError(f"{module} failed: {told.stderr[-600:]}")
    value: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return value
