"""What is to be done every night, and what each scheduler has to know about doing it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from finetune.errors import ScheduleError
from storaiteller import durable

NAME = "storaiteller-nightly"
OURS = "Written by storaiteller-finetune schedule"
"""Stands in every file of ours; a file without it is never touched."""

_PATIENCE = 30.0
"""Seconds; ``schtasks.exe`` takes a few when Windows has to wake up."""


@dataclass(frozen=True, slots=True)
class Job:
    """A program with its arguments, where it runs, what it needs in its environment, and its log.

    All paths are absolute. ``at`` is a local time, as ``03:00``; ``script`` is where a scheduler that
    starts files, not programs, may put one.
    """

    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    log: Path
    script: Path
    at: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be written and run, before anything is; ``text`` shows all of it."""

    scheduler: str
    at: str
    text: str
    files: Mapping[Path, str] = field(default_factory=dict)
    commands: tuple[tuple[str, ...], ...] = ()
    entry: str = ""
    """The line of a crontab."""
    log: Path | None = None


class Scheduler(Protocol):
    """One way to have something done every night. All but ``usable`` raise ``ScheduleError``."""

    name: str

    def usable(self) -> bool:
        """Whether it works here, for this person."""
        ...

    def plan(self, job: Job) -> Plan: ...

    def install(self, plan: Plan) -> None:
        """Do what the plan says; again does no harm."""
        ...

    def status(self) -> str:
        """A sentence on what is set up here, or ""."""
        ...

    def remove(self) -> bool:
        """Take away what we set up, and nothing else; whether there was something."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """How a program ended."""

    code: int
    out: bytes
    told: str

    @property
    def text(self) -> str:
        return self.out.decode(errors="replace").strip()


def ask(*command: str, given: bytes | None = None) -> Answer:
    """Run a program to its end. Raises ``ScheduleError`` if it cannot be started or hangs."""
    program = shutil.which(command[0])
    if program is None:
        raise ScheduleError(f"There is no {command[0]} on this machine.")
    try:
        done = subprocess.run(  # noqa: S603 -- a list of arguments, never a shell
            [program, *command[1:]], input=given or b"", capture_output=True, timeout=_PATIENCE, check=False
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise ScheduleError(f"{command[0]} could not be asked: {error}.") from error
    return Answer(done.returncode, done.stdout, " ".join(done.stderr.decode(errors="replace").split()))


def must(*command: str, given: bytes | None = None) -> Answer:
    """``ask``, but a program that says no raises ``ScheduleError`` with its reason."""
    answer = ask(*command, given=given)
    if answer.code != 0:
        why = answer.told or answer.text or f"exit status {answer.code}"
        raise ScheduleError(f"{' '.join(command[:3])} did not work: {why}")
    return answer


def write(plan: Plan) -> None:
    """Write the plan's files, each whole; none of them may be somebody else's."""
    for path in plan.files:
        if path.exists() and not is_ours(path):
            raise ScheduleError(f"{path} is not of our making, so it is left alone. Move it away first.")
    try:
        for folder in {*(path.parent for path in plan.files), *([plan.log.parent] if plan.log else [])}:
            folder.mkdir(parents=True, exist_ok=True)
        for path, text in plan.files.items():
            durable.replace(path, text.encode())
    except OSError as error:
        raise ScheduleError(f"{error.filename} could not be written: {error.strerror}.") from error


def is_ours(path: Path) -> bool:
    try:
        return OURS in path.read_text(errors="replace")
    except OSError:
        return False


def shown(files: Mapping[Path, str], commands: Sequence[Sequence[str]], also: str = "") -> str:
    """What a plan writes and runs, for the writer to read."""
    written = [f"It writes {path}:\n\n{_indented(text)}" for path, text in files.items()]
    run = "\n".join(f"    {' '.join(command)}" for command in commands)
    parts = [*written, also, f"It runs:\n\n{run}" if run else ""]
    return "\n\n".join(part for part in parts if part)


def one_line(*texts: str) -> None:
    """Refuse what no scheduler's file can hold. Raises ``ScheduleError``."""
    for text in texts:
        if not text.isprintable() or text != text.strip() or text.endswith("\\"):
            raise ScheduleError(
                f"{text!r} has a sign in it that no scheduler can hold. Use plain letters for your folders."
            )


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.rstrip().splitlines())
