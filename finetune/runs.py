"""A run's folder: ``data/runs/<run-id>/``, a folder a stage, and in each a manifest, written last.

A stage whose manifest is there is whole; one without is as if it had never begun, and is done anew. So
``kill -9`` at any moment costs at most the stage under way.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from finetune.errors import BusyError, StageMissingError
from storaiteller import durable

MANIFEST, BEGUN = "manifest.json", "begun"
_RUN_ID = re.compile(r"\d{8}-\d{6}(?:-\d+)?")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a stage made: ``outputs`` are names in the stage's folder, ``fingerprint`` tells its inputs."""

    stage: str
    fingerprint: str
    outputs: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    finished_at: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage's folder in a run."""

    name: str
    folder: Path

    def manifest(self) -> Manifest | None:
        """What it made, or None if it is not whole."""
        try:
            return Manifest(**json.loads((self.folder / MANIFEST).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def begin(self, fingerprint: str, *, keep: bool = False) -> Manifest | None:
        """The manifest if this was done already from the same inputs; else an empty folder to work in.

        With ``keep`` what was begun from the same inputs stays, for a stage that goes on from checkpoints.
        """
        done = self.manifest()
        if done is not None and done.fingerprint == fingerprint:
            return done
        if done is not None or not keep or self._begun_from() != fingerprint:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        durable.replace(self.folder / BEGUN, fingerprint.encode())
        return None

    def _begun_from(self) -> str | None:
        try:
            return (self.folder / BEGUN).read_text()
        except OSError:
            return None

    def finish(self, fingerprint: str, outputs: Mapping[str, str], metrics: Mapping[str, Any]) -> Manifest:
        """Write the manifest: from now on the stage is whole."""
        made = Manifest(self.name, fingerprint, dict(outputs), dict(metrics), now())
        durable.replace(self.folder / MANIFEST, _json(asdict(made)))
        return made


@dataclass(frozen=True, slots=True)
class Run:
    """One pass through the stages."""

    id: str
    folder: Path

    def stage(self, name: str) -> Stage:
        return Stage(name, self.folder / name)

    def need(self, name: str) -> Manifest:
        """What an earlier stage made; raises ``StageMissingError``."""
        made = self.stage(name).manifest()
        if made is None:
            raise StageMissingError(
                f"Run {self.id} has no finished stage '{name}' yet. Run it first: "
                f"storaiteller-finetune {name} --run {self.id}"
            )
        return made

    def output(self, stage: str, name: str) -> Path:
        """The path of something an earlier stage made; raises ``StageMissingError``."""
        return self.folder / stage / self.need(stage).outputs[name]

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def write_json(self, name: str, value: Any) -> Path:
        """Write a JSON file into the run's own folder, whole or not at all."""
        path = self.folder / name
        durable.replace(path, _json(value))
        return path


class Runs:
    """All runs of a data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self) -> Run:
        """A new run, named after the time."""
        stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
        for name in (stamp, *(f"{stamp}-{number}" for number in range(2, 100))):
            folder = self.folder / name
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                continue
            return Run(name, folder)
        raise BusyError("A hundred runs were begun in this very second.")

    def all(self) -> list[Run]:
        """Every run, oldest first."""
        folders = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        return [Run(folder.name, folder) for folder in folders if _RUN_ID.fullmatch(folder.name)]

    def get(self, run_id: str | None) -> Run:
        """The run with this id, or the latest; raises ``StageMissingError`` if there is none."""
        found = {run.id: run for run in self.all()}
        if not found:
            raise StageMissingError("There is no run yet. Begin one: storaiteller-finetune dataset")
        wanted = run_id or max(found)
        if wanted not in found:
            raise StageMissingError(f"There is no run {wanted}; the latest is {max(found)}.")
        return found[wanted]

    def prune(self, keep: int) -> list[str]:
        """Remove all but the newest ``keep`` runs; what versions need lies in their own folders."""
        old = self.all()[: -keep or None]
        for run in old:
            shutil.rmtree(run.folder, ignore_errors=True)
        return [run.id for run in old]

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One learning run at a time, between processes; a process that dies lets go. ``BusyError``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / ".lock", timeout=0)
        try:
            with lock:
                yield
        except Timeout as error:
            raise BusyError("Another learning run is under way. Wait for it, or stop it first.") from error


def fingerprint(*parts: Any) -> str:
    """A digest of inputs: paths are taken by content, everything else as JSON."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(_content(part) if isinstance(part, Path) else _json(part))
        digest.update(b"\0")
    return digest.hexdigest()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def disk_use(folder: Path) -> int:
    """Bytes of all files in ``folder``; what a run removes meanwhile counts nothing."""
    return sum(_size(Path(place, name)) for place, _, names in os.walk(folder) for name in names)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n").encode()
