"""On what the figures were taken: the last lines of the table."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

import storaiteller
from storaiteller import demo_model
from storaiteller.engines.llama_native import default_threads

PACKAGES = ("xllamacpp", "fastapi", "starlette", "uvicorn", "websockets", "pydantic")


def lines() -> list[str]:
    memory = psutil.virtual_memory().total / 2**30
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return [
        f"{_processor()}, {psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.platform()}. "
        f"Load at the end: {load}.",
        f"Python {platform.python_version()}, storaiteller {storaiteller.__version__}, {packages}.",
        f"Model {demo_model.FILE_NAME}, {default_threads()} thread(s).",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC.",
    ]


def _processor() -> str:
    try:
        info = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in info if line.startswith("model name"))
    return next(names, platform.processor())
