"""How long a writer waits after ``storaiteller``: for the page, and for a model that can write."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import httpx
import psutil

from tests.bench.harness import TOKEN, Row, data_folder, running

STARTS = 3


def measure() -> list[Row]:
    """Seconds from starting the process of ``storaiteller serve`` to a whole page, and to ``ready``.

    The first start is not counted: it reads everything into the disk's cache.
    """
    with data_folder() as data:
        starts = [_start(data) for _ in range(STARTS + 1)][1:]
    page, ready, cpu = (median(values) for values in zip(*starts, strict=True))
    return [
        Row(
            "Start-up, from the command to the first page and a model that is ready",
            f"page {page:.2f} s, ready {ready:.2f} s, of which {cpu:.2f} s computing  "
            f"(medians of {STARTS} after a first one)",
            "≤ 2 s",
            max(page, ready) <= 2,
        )
    ]


def _start(data: Path) -> tuple[float, float, float]:
    """Seconds until ``GET /`` was answered, until ``/health`` said ready, and of processor time by then."""
    begun = time.perf_counter()
    command = ("storaiteller", "serve", "--no-browser", "--engine", "embedded")
    with (
        httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=None, trust_env=False) as http,
        running(*command, data=data) as (host, pid),
    ):
        http.get(f"http://{host}/").raise_for_status()
        page = time.perf_counter() - begun
        while not http.get(f"http://{host}/health").json()["ready"]:
            time.sleep(0.01)
        ready = time.perf_counter() - begun
        used = psutil.Process(pid).cpu_times()
        return page, ready, used.user + used.system
