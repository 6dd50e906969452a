"""The database that the library is in, a SQLite file or a PostgreSQL server, and transactions on it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError

from storaiteller import durable
from storaiteller.errors import ConfigError
from storaiteller.library import upgrading
from storaiteller.library.errors import LibraryError, LibraryNewerError
from storaiteller.library.trouble import damaged, in_sentences

_SQLITE = "sqlite:///"
_WRITING = "storaiteller_writing"
_TURN = 7_883_959_216_140
"""The number of PostgreSQL's advisory lock under which a library is changed, one change at a time."""
_CONNECTIONS = 48
"""More than threads that may want one at once."""


class Database:
    """Transactions on one library. Safe to share between threads.

    Everything raises the ``LibraryError`` family; then nothing was changed.
    """

    def __init__(self, url: str, *, patience: float) -> None:
        """``patience``: seconds to wait for another program that holds the library. Opens nothing yet."""
        self._url = _parsed(url)
        self._patience = patience
        self._file = Path(self._url.database or "") if self._url.get_backend_name() == "sqlite" else None
        self._engine: Engine | None = None
        self._opened: tuple[int, int] | None = None
        self._lock = RLock()

    @property
    def place(self) -> str:
        """Where the library is, in the writer's words; never with a password."""
        return str(self._file) if self._file else self._url.set(query={}).render_as_string()

    def open(self) -> None:
        """Make or migrate the library. Idempotent; the other methods do it too."""
        with self._lock, in_sentences(self.place):
            if self._engine is not None and self._opened == _identity(self._file):
                return
            self.close()
            if self._file and not _is_made(self._file) and not _is_sqlite(self._file):
                raise damaged(self.place)
            engine = self._made_engine()
            try:
                self._make_ready(engine)
            except BaseException:
                engine.dispose()
                raise
            self._engine, self._opened = engine, _identity(self._file)

    def close(self) -> None:
        """Let go of every connection. A transaction under way keeps its own until it ends."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
            self._engine = None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A snapshot: whatever is changed meanwhile is not seen in it."""
        engine = self._ready()
        if not self._file:
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            engine = engine.execution_options(**options)
        with in_sentences(self.place), engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Our turn to change the library; on the disk when the block has ended, and undone if it raises."""
        engine = self._ready().execution_options(**{_WRITING: True})
        with in_sentences(self.place), engine.begin() as connection:
            yield connection

    def _ready(self) -> Engine:
        self.open()
        engine = self._engine
        if engine is None:  # closed between the two lines
            raise LibraryError("The library was closed. Open StorAIteller again.")
        return engine

    def _made_engine(self) -> Engine:
        if self._file:
            waiting: dict[str, Any] = {"connect_args": {"timeout": self._patience}}
        else:
            waiting = {"pool_pre_ping": True}
        try:
            engine = create_engine(self._url, max_overflow=_CONNECTIONS, **waiting)
        except ImportError as error:
            told = f"{error.name or 'A part'} is missing, which talks to PostgreSQL."
            raise ConfigError(f"{told} Install it: pip install “storaiteller[postgresql]”.") from error
        if self._file:
            event.listen(engine, "connect", _set_up_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        else:
            event.listen(engine, "begin", self._begin_postgresql)
        return engine

    def _make_ready(self, engine: Engine) -> None:
        with engine.connect() as connection:  # looks only: what is not ours stays as it is
            revision = self._checked(connection)
        newest = upgrading.known_revisions()[0]
        if self._file and revision != newest:
            with closing(engine.raw_connection()) as outside:  # of any transaction
                outside.cursor().execute("PRAGMA journal_mode = WAL")
        with engine.execution_options(**{_WRITING: True}).begin() as connection:
            if self._checked(connection) != newest:  # another program may have been faster
                upgrading.upgrade(connection)

    def _checked(self, connection: Connection) -> str | None:
        revision = upgrading.revision_of(connection)
        if revision is None and self._file and inspect(connection).get_table_names():
            raise LibraryError(
                f"{self.place} is a database of another program, so it was left as it is. Move it elsewhere, "
                "and StorAIteller begins a new library."
            )
        if revision is not None and revision not in upgrading.known_revisions():
            raise LibraryNewerError(
                f"The library ({self.place}) was made by a newer StorAIteller, and was left as it is. Start "
                "that StorAIteller, or bring this one up to date."
            )
        return revision

    def _begin_postgresql(self, connection: Connection) -> None:
        if connection.get_execution_options().get(_WRITING):
            wait = text(f"SET LOCAL lock_timeout = {max(int(self._patience * 1000), 1)}")
            connection.execute(wait)
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_TURN})"))


def _parsed(url: str) -> URL:
    if url.startswith(_SQLITE) and url != _SQLITE:
        return URL.create("sqlite", database=url.removeprefix(_SQLITE))  # any name a file may have
    try:
        parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.get_backend_name() != "postgresql":
        told = (
            "The address of the library's database is sqlite:////folder/library.db or postgresql://host/name."
        )
        raise ConfigError(told, field="database_url")
    return parsed.set(drivername="postgresql+psycopg")


def _is_made(path: Path) -> bool:
    """Whether there was no file, so that there is a new one, empty and ours to read alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder, and should be a file") from error
        return False
    os.close(descriptor)
    durable.sync_folder(path.parent)
    return True


def _is_sqlite(path: Path) -> bool:
    """Whether a file has the signature, or nothing. SQLite itself would write over some that have another."""
    with path.open("rb") as file:
        return file.read(16) in (b"", b"SQLite format 3\0")


def _identity(path: Path | None) -> tuple[int, int] | None:
    """Which file it is. Somebody may put another in its place while the app runs."""
    if path is None:
        return None
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _set_up_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # the transactions are ours: Python's own begin too late
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get(_WRITING)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
