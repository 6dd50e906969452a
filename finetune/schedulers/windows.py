"""A task of Windows that starts the job in WSL, for a WSL without systemd and cron."""

from __future__ import annotations

import os
import pwd
import shutil

from finetune.errors import ScheduleError
from finetune.schedulers.base import Job, Plan, ask, must, one_line, shown, write
from finetune.schedulers.script import script

TASK = "StorAIteller nightly"
_LONGEST = 261
"""What ``schtasks`` takes as the program of a task."""

_NOTE = (
    "It runs while you are logged in to Windows; a small window may show meanwhile. A night on which the "
    "computer is off is skipped."
)


class WindowsTask:
    name = "Windows"

    def usable(self) -> bool:
        return bool(os.environ.get("WSL_DISTRO_NAME")) and shutil.which("schtasks.exe") is not None

    def plan(self, job: Job) -> Plan:
        files = {job.script: script(job)}
        create = (
            "schtasks.exe",
            *("/Create", "/F"),
            *("/SC", "DAILY"),
            *("/ST", job.at),
            *("/TN", TASK),
            *("/TR", _program(job)),
        )
        quoted = [f'"{part}"' if " " in part else part for part in create]
        text = f"{shown(files, [quoted])}\n\n{_NOTE}"
        return Plan(self.name, job.at, text, files, (create,), log=job.log)

    def install(self, plan: Plan) -> None:
        write(plan)
        for command in plan.commands:
            must(*command)

    def status(self) -> str:
        answer = ask("schtasks.exe", "/Query", "/TN", TASK, "/FO", "LIST")
        if answer.code != 0:
            return ""
        told = "; ".join(line.strip() for line in answer.text.splitlines() if line.strip())
        return f"A task of Windows starts it: {told}."

    def remove(self) -> bool:
        if ask("schtasks.exe", "/Query", "/TN", TASK).code != 0:
            return False
        must("schtasks.exe", "/Delete", "/F", "/TN", TASK)
        return True


def _person() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def _program(job: Job) -> str:
    """The command line that Windows runs. Its quotation marks cannot be escaped, so there may be none."""
    distribution, person = os.environ["WSL_DISTRO_NAME"], _person()
    parts = (distribution, person, str(job.script))
    one_line(*parts)
    if any('"' in part or "%" in part for part in parts):
        raise ScheduleError(
            f'{job.script} has a " or a % in it, which a task of Windows cannot hold. Move the data folder.'
        )
    program = f'wsl.exe -d "{distribution}" -u "{person}" -e /bin/sh "{job.script}"'
    if len(program) > _LONGEST:
        raise ScheduleError(
            f"The path {job.script} is too long for a task of Windows ({len(program)} signs in all, "
            f"{_LONGEST} at most). Move the data folder."
        )
    return program
