"""A real PostgreSQL server for the tests, in a temporary folder, reached through a socket in it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from storaiteller.library.library import Library

_QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "60"}


@dataclass
class Server:
    """Runs as long as the tests that want it; knows one library that is emptied, and makes new databases."""

    folder: Path
    _numbers: Iterator[int] = field(default_factory=count)
    _kept: str = ""

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def execute(self, statement: LiteralString, database: str = "postgres") -> None:
        with psycopg.connect(
            host=str(self.folder), user="postgres", dbname=database, autocommit=True
        ) as connection:
            connection.execute(statement)

    def new_database(self) -> str:
        """The name of a new, empty database."""
        name = f"library_{next(self._numbers)}"
        with psycopg.connect(
            host=str(self.folder), user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
        return name

    @property
    def emptied_url(self) -> str:
        """The address of the library that ``emptied`` empties."""
        return self.url(self._kept)

    def emptied(self) -> str:
        """The address of a library without a story; the same one each time, which is quicker."""
        if not self._kept:
            self._kept = self.new_database()
            library = Library(self.url(self._kept))
            library.open()
            library.close()
        self.execute("TRUNCATE stories, contents, tags, favourites CASCADE", self._kept)
        return self.emptied_url


@contextmanager
def running() -> Iterator[Server]:
    """Start a server; skip the test where none is installed."""
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        account = _account(folder)
        data, options = folder / "data", {**_QUICK, "listen_addresses": "", "unix_socket_directories": name}
        spelled = " ".join(f"-c {key}='{value}'" for key, value in options.items())
        plain = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        _run(programs, ["initdb", "-D", data, *plain], account)
        _run(programs, ["pg_ctl", "-D", data, "-l", folder / "log", "-o", spelled, "-w", "start"], account)
        try:
            yield Server(folder)
        finally:
            _run(programs, ["pg_ctl", "-D", data, "-m", "immediate", "stop"], account)


def _programs() -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = shutil.which("initdb") or (installed[-1] if installed else None)
    if found is None:
        pytest.skip("no PostgreSQL server is installed here (Debian and Ubuntu: apt-get install postgresql)")
    return Path(found).resolve().parent


def _account(folder: Path) -> dict[str, Any]:
    """Whose server it is: the superuser may not have one."""
    if os.geteuid() != 0:
        return {}
    try:
        owner = pwd.getpwnam("postgres")
    except KeyError:
        owner = pwd.getpwnam("nobody")
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _run(programs: Path, command: Sequence[str | Path], account: dict[str, Any]) -> None:
    told = subprocess.run(
        [programs / command[0], *command[1:]],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if command[0] == "initdb" else subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        text=True,
        **account,
    )
    assert told.returncode == 0, told.stdout
