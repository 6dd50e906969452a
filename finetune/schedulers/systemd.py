"""A timer of the person's own systemd: it catches up on missed nights."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from finetune.errors import ScheduleError
from finetune.schedulers.base import NAME, OURS, Job, Plan, ask, is_ours, must, one_line, shown, write

_TIMER, _SERVICE = f"{NAME}.timer", f"{NAME}.service"
_NOTE = (
    "It runs while you are logged in; a night that was missed is caught up on. To have it run while you are "
    "logged out too: loginctl enable-linger"
)


class Systemd:
    name = "systemd"

    def usable(self) -> bool:
        if shutil.which("systemctl") is None:
            return False
        try:
            return ask("systemctl", "--user", "show-environment").code == 0
        except ScheduleError:
            return False

    def plan(self, job: Job) -> Plan:
        folder = _units()
        files = {folder / _SERVICE: service_unit(job), folder / _TIMER: timer_unit(job.at)}
        commands = (
            ("systemctl", "--user", "daemon-reload"),
            ("systemctl", "--user", "enable", _TIMER),
            ("systemctl", "--user", "restart", _TIMER),
        )
        text = f"{shown(files, commands)}\n\n{_NOTE}"
        return Plan(self.name, job.at, text, files, commands, log=job.log)

    def install(self, plan: Plan) -> None:
        write(plan)
        for command in plan.commands:
            must(*command)

    def status(self) -> str:
        if not is_ours(_units() / _TIMER):
            return ""
        state = _property("ActiveState", _TIMER)
        if state != "active":
            return f"A systemd timer ({_TIMER}) is written, but it is {state or 'unknown to systemd'}."
        coming = _property("NextElapseUSecRealtime", _TIMER) or "unknown"
        last = _property("ExecMainExitTimestamp", _SERVICE)
        result = _property("Result", _SERVICE)
        before = f" Last time: {last}, {result}." if last else " It has not run yet."
        return f"A systemd timer ({_TIMER}) starts it next on {coming}.{before}"

    def remove(self) -> bool:
        ours = [_units() / unit for unit in (_TIMER, _SERVICE) if is_ours(_units() / unit)]
        if not ours:
            return False
        must("systemctl", "--user", "disable", "--now", _TIMER)
        for path in ours:
            path.unlink(missing_ok=True)
        must("systemctl", "--user", "daemon-reload")
        return True


def service_unit(job: Job) -> str:
    """The unit that runs the job once. Raises ``ScheduleError`` for what a unit cannot hold."""
    one_line(*job.command, str(job.folder), str(job.log), *job.environment, *job.environment.values())
    settings = [
        f"Environment={_quoted(f'{name}={value}')}" for name, value in sorted(job.environment.items())
    ]
    lines = [
        f"# {OURS}. Change it with: storaiteller-finetune schedule install",
        "[Unit]",
        "Description=StorAIteller learns from the stories called good",
        "",
        "[Service]",
        "Type=oneshot",
        f"WorkingDirectory={_plain(job.folder)}",
        *settings,
        f"ExecStart={' '.join(_quoted(part).replace('$', '$$') for part in job.command)}",
        f"StandardOutput=append:{_plain(job.log)}",
        f"StandardError=append:{_plain(job.log)}",
        "Nice=19",
        "IOSchedulingClass=idle",
    ]
    return "\n".join(lines) + "\n"


def timer_unit(at: str) -> str:
    lines = [
        f"# {OURS}. Change it with: storaiteller-finetune schedule install",
        "[Unit]",
        "Description=StorAIteller learns every night",
        "",
        "[Timer]",
        f"OnCalendar=*-*-* {at}:00",
        "Persistent=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    return "\n".join(lines) + "\n"


def _units() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(home) if Path(home).is_absolute() else Path.home() / ".config") / "systemd" / "user"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _plain(path: Path) -> str:
    """A path that is a setting's whole value: nothing is quoted there, but % still means something."""
    return str(path).replace("%", "%%")


def _property(name: str, unit: str) -> str:
    answer = ask("systemctl", "--user", "show", unit, f"--property={name}", "--value")
    return answer.text if answer.code == 0 else ""
