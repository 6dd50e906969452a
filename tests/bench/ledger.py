"""What one press on *Good story* costs: a row on the disk, against writing the same bytes by hand."""

from __future__ import annotations

import os
import time
from pathlib import Path
from statistics import quantiles

from storaiteller.feedback import FeedbackLedger, GoodStory
from storaiteller.prompts import PROMPT_VERSION, story_prompt
from tests.bench import texts
from tests.bench.harness import Row, data_folder, story_settings

STORIES = 300
WORDS = 300


def measure() -> list[Row]:
    """``FeedbackLedger.save`` of 300 stories, and after each its row again by ``os.write`` and ``os.fsync``.

    Both files are in one folder of the disk that the app keeps its data on.
    """
    with data_folder() as folder:
        ledger = FeedbackLedger(folder / "datastories.csv")
        ledger.open()
        bare = os.open(folder / "bare.csv", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        try:
            saves, writes = _append(ledger, bare)
        finally:
            os.close(bare)
    (p50, p99), (bare_p50, bare_p99) = _centiles(saves), _centiles(writes)
    return [
        Row(
            f"Ledger append, {STORIES} stories of {WORDS} words",
            f"p50 {p50:.2f} ms, p99 {p99:.2f} ms; {p50 / bare_p50:.2f} and {p99 / bare_p99:.2f} times "
            f"a bare write and fsync ({bare_p50:.2f}, {bare_p99:.2f} ms)",
        )
    ]


def _append(ledger: FeedbackLedger, bare: int) -> tuple[list[float], list[float]]:
    saves: list[float] = []
    writes: list[float] = []
    for number in range(STORIES):
        story = _story(number)
        begun = time.perf_counter()
        ledger.save(story)
        saves.append(time.perf_counter() - begun)
        row = _last_row(ledger.path)
        begun = time.perf_counter()
        os.write(bare, row)
        os.fsync(bare)
        writes.append(time.perf_counter() - begun)
    return saves, writes


def _story(number: int) -> GoodStory:
    return GoodStory(
        prompt=story_prompt(story_settings(WORDS)),
        story=texts.story(WORDS, seed=number),
        story_id=f"story-{number}",
        settings_json="{}",
        model="embedded/demo",
        prompt_version=PROMPT_VERSION,
    )


def _last_row(path: Path) -> bytes:
    data = path.read_bytes()
    return data[data.rindex(b'\n"You are a writer.') + 1 :]


def _centiles(seconds: list[float]) -> tuple[float, float]:
    """(p50, p99) in milliseconds."""
    cuts = quantiles(seconds, n=100)
    return 1000 * cuts[49], 1000 * cuts[98]
