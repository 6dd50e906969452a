"""Small programs that behave as ``systemctl --user``, ``crontab`` and ``schtasks.exe`` are known to.

Each notes what it was asked in ``asked.jsonl`` beside it, and keeps what it was told.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

_HEAD = """#!{python} -IS
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
asked = sys.argv[1:]
with (here / "asked.jsonl").open("a") as log:
    log.write(json.dumps([pathlib.Path(__file__).name, *asked]) + "\\n")
def refuse(why, code=1):
    sys.stderr.write(why + "\\n")
    raise SystemExit(code)
"""

_SYSTEMCTL = """
units = pathlib.Path(os.environ["XDG_CONFIG_HOME"]) / "systemd" / "user"
running = here / "running"
assert asked.pop(0) == "--user"
if (here / "no-bus").exists():
    refuse("Failed to connect to bus: No medium found")
verb, rest = asked[0], asked[1:]
if verb in ("enable", "restart", "disable"):
    unit = rest[-1]
    if not (units / unit).is_file():
        refuse(f"Failed to {verb} unit: Unit file {unit} does not exist.")
    if verb == "restart":
        running.touch()
    elif verb == "disable" and "--now" in rest:
        running.unlink(missing_ok=True)
elif verb == "show":
    wanted = rest[1].removeprefix("--property=")
    on = running.exists()
    print({
        "ActiveState": "active" if on else "inactive",
        "NextElapseUSecRealtime": "Mon 2026-11-23 03:00:00 UTC" if on else "",
        "ExecMainExitTimestamp": (here / "last").read_text() if (here / "last").exists() else "",
        "Result": "success",
    }[wanted])
elif verb not in ("show-environment", "daemon-reload"):
    refuse(f"Unknown command verb {verb}.")
"""

_CRONTAB = """
table = here / "table"
if (here / "forbidden").exists():
    refuse("You (ada) are not allowed to use this program (crontab)")
if asked in (["-l"], ["-r"]) and not table.exists():
    refuse("no crontab for ada")
if asked == ["-l"]:
    sys.stdout.buffer.write(table.read_bytes())
elif asked == ["-r"]:
    table.unlink()
elif asked == ["-"]:
    given = sys.stdin.buffer.read()
    if given and not given.endswith(b"\\n"):
        refuse("new crontab file is missing newline before EOF, can't install.")
    table.write_bytes(given)
else:
    refuse("crontab: usage error: unrecognized option")
"""

_SCHTASKS = """
tasks = here / "tasks.json"
known = json.loads(tasks.read_text()) if tasks.exists() else {}
options = dict(zip(asked, asked[1:]))
name = options["/TN"]
if asked[0] == "/Create":
    if name in known and "/F" not in asked:
        refuse("WARNING: The task name already exists. Do you want to replace it (Y/N)?")
    if len(options["/TR"]) > 261:
        refuse("ERROR: Value for '/TR' option cannot be more than 261 character(s).")
    known[name] = options
elif name not in known:
    refuse("ERROR: The system cannot find the file specified.")
elif asked[0] == "/Query":
    print(f"Folder: \\\\\\\\\\nTaskName: {name}\\nNext Run Time: 23.11.2026 {known[name]['/ST']}:00")
elif asked[0] == "/Delete":
    assert "/F" in asked
    del known[name]
tasks.write_text(json.dumps(known))
"""

_PROGRAMS = {"systemctl": _SYSTEMCTL, "crontab": _CRONTAB, "schtasks.exe": _SCHTASKS}


@dataclass
class FakeSchedulers:
    """The folder to put on PATH; nothing is on it until ``add``."""

    folder: Path

    def add(self, *names: str) -> None:
        self.folder.mkdir(exist_ok=True)
        for name in names:
            path = self.folder / name
            path.write_text(_HEAD.format(python=sys.executable) + _PROGRAMS[name])
            path.chmod(0o755)

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()

    def asked(self) -> list[list[str]]:
        """What was asked of whom, oldest first."""
        log = self.folder / "asked.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def flag(self, name: str, text: str = "") -> None:
        """Set what the programs look at: ``no-bus``, ``forbidden``, ``last``."""
        (self.folder / name).write_text(text)

    @property
    def table(self) -> bytes | None:
        """The crontab; None if there is none."""
        path = self.folder / "table"
        return path.read_bytes() if path.exists() else None

    @table.setter
    def table(self, text: bytes) -> None:
        (self.folder / "table").write_bytes(text)

    @property
    def tasks(self) -> dict[str, dict[str, str]]:
        """The tasks of Windows, by name, with the options they were made with."""
        path = self.folder / "tasks.json"
        found: dict[str, dict[str, str]] = json.loads(path.read_text()) if path.exists() else {}
        return found
