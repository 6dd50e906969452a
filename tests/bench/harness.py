"""What every measurement needs: rows, stories to ask for, and a server in a process of its own."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from storaiteller import demo_model
from storaiteller.api.security import new_token
from storaiteller.story import Genre, Register, StorySettings

ROOT = Path(__file__).resolve().parents[2]
TOKEN = new_token()
START_SECONDS = 60.0
END_SECONDS = 6.0

One = TypeVar("One")
Other = TypeVar("Other")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; ``ok`` is None where nothing is aimed at."""

    what: str
    measured: str
    aim: str = ""
    ok: bool | None = None


class BenchError(Exception):
    """Something could not be measured; the message says why."""


def story_settings(max_words: int, keywords: tuple[str, ...] = ("moon", "tide")) -> StorySettings:
    """What every measured story is about."""
    return StorySettings(
        genre=Genre.FANTASY,
        register=Register.PLAYFUL,
        max_words=max_words,
        characters=("Ada", "Bo"),
        keywords=keywords,
    )


async def side_by_side(
    one: Callable[[], Awaitable[One]], other: Callable[[], Awaitable[Other]], rounds: int
) -> tuple[list[One], list[Other]]:
    """Both, and who begins, by turns: what else the machine does hits both alike."""
    ones: list[One] = []
    others: list[Other] = []
    for turn in range(rounds):
        if turn % 2:
            others.append(await other())
            ones.append(await one())
        else:
            ones.append(await one())
            others.append(await other())
    return ones, others


@contextmanager
def data_folder() -> Iterator[Path]:
    """A data folder on the app's own disk with nothing in it but the demo model."""
    model = ROOT / "data" / "models" / demo_model.FILE_NAME
    if not model.is_file():
        subprocess.run([sys.executable, "-m", "storaiteller", "models", "fetch"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "data") as name:
        folder = Path(name)
        (folder / "models").mkdir()
        (folder / "models" / model.name).symlink_to(model)
        yield folder


@contextmanager
def running(*command: str, data: Path) -> Iterator[tuple[str, int]]:
    """Run ``python -m command`` for a while; yields its ``host:port``, once printed, and its process id."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("STORAITELLER_")}
    environment |= {
        "STORAITELLER_TOKEN": TOKEN,
        "STORAITELLER_DATA_DIR": str(data),
        "STORAITELLER_PORT": "0",
        "OLLAMA_HOST": "127.0.0.1:9",
    }
    log = data / "server.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors
        )
    try:
        yield _address(process, log), process.pid
    finally:
        _end(process)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """The ``host:port`` in the line that the server prints when it can be reached."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    words = process.stdout.readline().decode().split() if ready else []
    if not words:
        raise BenchError(f"the server did not start: {log.read_text()[-600:]}")
    return urlsplit(words[-1]).netloc


def _end(process: subprocess.Popen[bytes]) -> None:
    with process:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
