"""Versions of a writer's own model as the learning loop leaves them, with made-up figures and real files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from storaiteller import demo_model
from storaiteller.feedback import FeedbackLedger, GoodStory
from storaiteller.registry import BaseRecord, Registry, Version

DEMO = BaseRecord(
    model_id=f"embedded/{demo_model.FILE_NAME}",
    name="SmolLM2-135M-Instruct.Q4_1",
    sha256="0" * 64,
    size_bytes=demo_model.SIZE_BYTES,
)
IN_OLLAMA = BaseRecord(model_id="ollama/llama3.2", name="llama3.2", sha256="1" * 64, size_bytes=2_000_000_000)


def story_ids(count: int, begin: int = 0) -> tuple[str, ...]:
    return tuple(f"story-{number}" for number in range(begin, begin + count))


def keep(ledger: FeedbackLedger, ids: Sequence[str]) -> None:
    """Call stories good."""
    for each in ids:
        ledger.save(GoodStory("Write.", f"Once there was {each}.", each, "{}", "demo", "v1"))


def figures(perplexity: float, **more: float) -> dict[str, float]:
    """What is measured of one model, as ``evaluate`` does."""
    return {
        "held_out_perplexity": perplexity, "general_perplexity": 30.2,
        "distinct_1": 0.46, "distinct_2": 0.84, "distinct_3": 0.95, "self_bleu": 0.21,
        "repeated_4grams": 0.02, "copied_8grams": 0.004, "longest_copied_run": 9,
        "names_kept": 0.93, "keywords_kept": 0.71,
        "length_kept": 1.0, "settings_kept": 0.88, "ends_by_itself": 1.0,
    } | more  # fmt: skip


def measured(
    candidate: float = 21.5, *, active: float | None = None, against: str = "base", better: bool = True
) -> dict[str, Any]:
    """A version's summary, as ``promote`` writes it; the numbers are held-out perplexities."""
    before = active if active is not None else 32.5
    ratio = candidate / before
    return {
        "stories": 31,
        "held_out_stories": 8,
        "epochs": [
            {"epoch": 0, "train_loss": None, "held_out_loss": 3.48, "held_out_perplexity": 32.5},
            {"epoch": 1, "train_loss": 3.3, "held_out_loss": 3.22, "held_out_perplexity": 25.0},
            {"epoch": 2, "train_loss": 2.95, "held_out_loss": 3.07, "held_out_perplexity": 21.5},
            {"epoch": 3, "train_loss": 2.71, "held_out_loss": 3.1, "held_out_perplexity": 22.2},
        ],
        "curve": [[step, 3.5 - step / 60] for step in range(1, 40)],
        "held_out": {"ratio": ratio, "low": ratio - 0.04, "high": ratio + 0.05},
        "against": against,
        "models": {
            "base": figures(32.5),
            "active": figures(active) if active is not None else None,
            "candidate": figures(candidate, general_perplexity=30.8, distinct_2=0.82),
        },
        "gates": [
            gate("held_out", "Held-out stories", round(ratio + 0.05, 3), 1.0, better),
            gate("general", "General prose", 1.02, 1.05, True),
            gate("distinct_2", "Different word pairs", 0.976, 0.9, True),
        ],
    }


def gate(name: str, label: str, value: float, bound: float, passed: bool) -> dict[str, Any]:
    sentence = f"{label}: {value}, and the bound is {bound}."
    return {
        "name": name, "label": label, "value": value, "bound": bound, "passed": passed, "sentence": sentence,
    }  # fmt: skip


def samples(count: int = 2, *, active: bool = True) -> list[dict[str, Any]]:
    """What each model wrote for the same prompts. Some of it looks like markup, and is none."""
    return [
        {
            "story_id": f"story-{90 + number}",
            "prompt": f"You are a writer. Write a story of maximum 120 words about lamp {number}.",
            "seed": 7 + number,
            "liked": f"The keeper lit lamp {number}, and the sea came home.\n\nNobody asked why.",
            "base": f"Once upon a time there was a lamp {number}. It was a nice lamp. The end.",
            "active": f"The keeper found lamp {number} in the sand." if active else None,
            "candidate": f"The keeper <b>hummed</b> to lamp {number}, and the tide listened.",
        }
        for number in range(count)
    ]


REPORT = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Report on {name}</title>
<style>body {{ font-family: serif; color: rgb(1, 2, 3); }}</style></head>
<body><h1>Report on {name}</h1><svg viewBox="0 0 10 10"><path d="M0 0 10 10"/></svg>
<script>document.title = "a script ran"</script></body></html>"""


def add(registry: Registry, *, stories: Sequence[str] = story_ids(31), **more: Any) -> Version:
    """Add a version with all its files. The adapter is no adapter: nothing is written with it."""

    def make(name: str) -> Version:
        folder = registry.folder(name)
        folder.mkdir(parents=True)
        registry.adapter(name).write_bytes(b"GGUF, as it were")
        (folder / "report.html").write_text(REPORT.format(name=name))
        (folder / "samples.json").write_text(json.dumps(samples(active=more.get("parent") is not None)))
        day = int(name[1:])
        defaults: dict[str, Any] = {
            "run_id": f"202611{day:02}-030000",
            "created_at": f"2026-11-{day:02}T03:04:05+00:00",
            "base": DEMO,
            "held_out": story_ids(8, begin=900),
        }
        return Version(name=name, trained_on=tuple(stories), **(defaults | more))

    return registry.add(make)


def seed(data_dir: Path) -> Registry:
    """Four versions, as they may be after some nights: v1 and v3 promoted, v2 and v4 kept; v3 is active.

    The ledger has 40 good stories; two of those that v3 learned from were taken back.
    """
    registry, ledger = Registry(data_dir), FeedbackLedger(data_dir / "datastories.csv")
    keep(ledger, story_ids(42))
    ledger.take_back("story-3")
    ledger.take_back("story-30")
    better = (
        "Promoted, because stories of yours that it had not seen surprise it 34 % less than the base model "
        "(perplexity 21.5 instead of 32.5; with 95 % confidence between 30 % and 37 % less), and nothing "
        "else got worse than allowed."
    )
    worse = (
        "Not promoted, because it is not surely better than v1 at stories of yours that it had not seen "
        "(perplexity 24.0 instead of 25.0; with 95 % confidence between 8 % less and 1 % more)."
    )
    add(registry, stories=story_ids(22, begin=4), status="promoted", reason=better, metrics=measured(25.0))
    add(
        registry, stories=story_ids(26, begin=4), parent="v1", status="kept", reason=worse,
        metrics=measured(24.0, active=25.0, against="v1", better=False),
    )  # fmt: skip
    add(
        registry, parent="v1", status="promoted", reason=better, ollama="storaiteller:v3",
        metrics=measured(21.5, active=25.0, against="v1"),
    )  # fmt: skip
    add(
        registry, stories=story_ids(30, begin=4), parent="v3", status="kept",
        reason=worse.replace("v1", "v3"), metrics=measured(20.6, active=21.5, against="v3", better=False),
    )  # fmt: skip
    registry.activate("v3")
    return registry


def ended(
    data_dir: Path,
    run_id: str,
    decision: str,
    reason: str = "Promoted, because it wrote better.",
    **more: Any,
) -> None:
    """Leave the result of a learning run."""
    folder = data_dir / "runs" / run_id
    folder.mkdir(parents=True)
    result = {
        "run_id": run_id, "decision": decision, "reason": reason, "metrics": {}, "artefacts": {},
        "at": "2026-11-22T03:20:00+00:00", "error": None,
    } | more  # fmt: skip
    (folder / "result.json").write_text(json.dumps(result))
