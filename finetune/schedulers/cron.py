"""A line in the person's crontab. Every other line stays as it is, to the byte."""

from __future__ import annotations

import shlex
import shutil

import psutil

from finetune.errors import ScheduleError
from finetune.schedulers.base import NAME, Job, Plan, ask, must, one_line, shown, write
from finetune.schedulers.script import script

_MARK = f"# {NAME}"
_SERVICES = frozenset({"cron", "crond", "fcron"})


class Cron:
    name = "cron"

    def usable(self) -> bool:
        return shutil.which("crontab") is not None

    def runs(self) -> bool:
        """Whether something here seems to read crontabs. On a Mac it is started when it is needed."""
        names = {process.info["name"] for process in psutil.process_iter(["name"])}
        return psutil.MACOS or bool(names & _SERVICES)

    def plan(self, job: Job) -> Plan:
        entry = _line(job)
        files = {job.script: script(job)}
        also = f"It puts this line into your crontab, and leaves every other line as it is:\n\n    {entry}"
        text = shown(files, (), also)
        if not self.runs():
            text += (
                "\n\nThe cron service does not seem to run here: start it, or nothing will happen at night."
            )
        return Plan(self.name, job.at, text, files, (("crontab", "-"),), entry, job.log)

    def install(self, plan: Plan) -> None:
        ours = f"{plan.entry}\n".encode()
        others = b"".join(line for line in _lines() if not _is_ours(line))
        write(plan)
        if others and not others.endswith(b"\n"):
            others += b"\n"
        must("crontab", "-", given=others + ours)

    def status(self) -> str:
        ours = [line.decode(errors="replace").strip() for line in _lines() if _is_ours(line)]
        return f"A line in your crontab starts it: {ours[0]}" if ours else ""

    def remove(self) -> bool:
        lines = _lines()
        others = [line for line in lines if not _is_ours(line)]
        if len(others) == len(lines):
            return False
        if others:
            must("crontab", "-", given=b"".join(others))
        else:
            must("crontab", "-r")
        return True


def _line(job: Job) -> str:
    """A time, a command and our mark. In a command cron reads % as a line break, and \\ before it."""
    path = str(job.script)
    one_line(path)
    if "\\" in path:
        raise ScheduleError(f"{path!r} has a backslash in it, which cron cannot hold. Move the data folder.")
    hour, minute = job.at.split(":")
    command = f"/bin/sh {shlex.quote(path)}".replace("%", "\\%")
    return f"{int(minute)} {int(hour)} * * * {command} {_MARK}"


def _lines() -> list[bytes]:
    """The crontab as it is, line by line, with their ends; none at all is an empty one."""
    answer = ask("crontab", "-l")
    if answer.code == 0:
        return answer.out.splitlines(keepends=True)
    if "no crontab" in answer.told.lower():
        return []
    raise ScheduleError(f"Your crontab could not be read: {answer.told or answer.text}")


def _is_ours(line: bytes) -> bool:
    return line.rstrip().endswith(f" {_MARK}".encode()) and not line.startswith(b"#")
