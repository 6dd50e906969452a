"""Having the nightly run started every night: with systemd, else cron, else (WSL) a task of Windows."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from finetune.config import PREFIX as LEARN_PREFIX
from finetune.context import Context
from finetune.errors import ScheduleError
from finetune.schedulers.base import Job, Plan, Scheduler
from finetune.schedulers.cron import Cron
from finetune.schedulers.systemd import Systemd
from finetune.schedulers.windows import WindowsTask
from storaiteller.config import PREFIX

_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_CARRIED = ("engine", "model", "threads", "context", "ollama_host", "ollama_models")
"""What decides which model is tuned. Secrets, and what only the page needs, stay out of the files."""


def plan(context: Context, at: str) -> Plan:
    """What would be set up, to be shown first; nothing is touched. Raises ``ScheduleError``."""
    return choose().plan(job(context, at))


def install(made: Plan) -> None:
    """Set up what the plan says, and take away what another scheduler had. Raises ``ScheduleError``."""
    for scheduler in _schedulers():
        if scheduler.name == made.scheduler:
            scheduler.install(made)
        elif scheduler.usable():
            scheduler.remove()


def status(context: Context) -> str:
    """What is set up here, in a sentence or two."""
    told = [scheduler.status() for scheduler in _schedulers() if scheduler.usable()]
    found = " ".join(sentence for sentence in told if sentence)
    if not found:
        return "No nightly run is set up. Set one up with: storaiteller-finetune schedule install --at 03:00"
    return f"{found} Its log: {_log(context)}"


def remove(context: Context) -> str:
    """Take away what was set up; the log stays. Raises ``ScheduleError``."""
    gone = [scheduler.name for scheduler in _schedulers() if scheduler.usable() and scheduler.remove()]
    _script(context).unlink(missing_ok=True)
    return f"No more nightly runs ({', '.join(gone)})." if gone else "No nightly run was set up."


def choose() -> Scheduler:
    """The best that works here. Raises ``ScheduleError``."""
    windows = WindowsTask()
    for scheduler in (Systemd(), Cron(), windows):
        idle = isinstance(scheduler, Cron) and windows.usable() and not scheduler.runs()
        if scheduler.usable() and not idle:
            return scheduler
    raise ScheduleError(
        "There is neither systemd nor cron here to start anything at night. Install cron, or run "
        "storaiteller-finetune nightly by hand."
    )


def job(context: Context, at: str) -> Job:
    """The nightly run of this very data folder, with the settings given now. Raises ``ScheduleError``."""
    found = _TIME.fullmatch(at.strip())
    if found is None:
        raise ScheduleError(f"--at {at} is no time of day. Write it like 03:00, from 00:00 to 23:59.")
    return Job(
        command=(sys.executable, "-m", "finetune", "nightly"),
        folder=Path(__file__).resolve().parents[1],
        environment=_environment(context),
        log=_log(context),
        script=_script(context),
        at=f"{int(found[1]):02}:{found[2]}",
    )


def _environment(context: Context) -> dict[str, str]:
    given = context.config.model_fields_set
    told = {"data_dir": context.config.data_dir.resolve()}
    told |= {name: getattr(context.config, name) for name in _CARRIED if name in given}
    learn = {name: getattr(context.learn, name) for name in sorted(context.learn.model_fields_set)}
    named = {
        **{
            name.upper() if name.startswith("ollama") else f"{PREFIX}{name.upper()}": value
            for name, value in told.items()
        },
        **{f"{LEARN_PREFIX}{name.upper()}": value for name, value in learn.items()},
    }
    return {name: _told(value) for name, value in named.items() if value is not None}


def _told(value: Any) -> str:
    """Paths are made absolute: at night the run starts elsewhere."""
    if isinstance(value, str) and Path(value).expanduser().is_file():
        value = Path(value).expanduser()
    return str(value.resolve() if isinstance(value, Path) else value)


def _schedulers() -> tuple[Scheduler, ...]:
    return Systemd(), Cron(), WindowsTask()


def _log(context: Context) -> Path:
    return context.config.data_dir.resolve() / "logs" / "nightly.log"


def _script(context: Context) -> Path:
    return context.config.data_dir.resolve() / "nightly.sh"
