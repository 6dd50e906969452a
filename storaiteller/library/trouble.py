"""What a database says when something is wrong, in sentences for the writer."""

from __future__ import annotations

import errno
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from storaiteller.library.errors import LibraryError, LibraryFullError, LibraryReadOnlyError

_FULL, _READ_ONLY, _LOCKED, _DAMAGED = "full", "read only", "locked", "damaged"

_SQLITE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: _READ_ONLY,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
"""By the primary result code."""

_POSTGRESQL = {
    "53100": _FULL,
    "25006": _READ_ONLY,
    "42501": _READ_ONLY,
    "55P03": _LOCKED,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}
"""By SQLSTATE."""

_SYSTEM = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), _FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), _READ_ONLY),
}


@contextmanager
def in_sentences(place: str) -> Iterator[None]:
    """Raise what the database at ``place``, or its disk, says as one of the ``LibraryError`` family."""
    try:
        yield
    except DBAPIError as error:
        raise _told(place, _kind(error), _said(error)) from error
    except PoolTimeoutError as error:
        raise _told(place, _LOCKED, "") from error
    except (zlib.error, UnicodeDecodeError) as error:
        raise _told(place, _DAMAGED, "") from error
    except OSError as error:
        raise _told(place, _SYSTEM.get(error.errno or 0, ""), error.strerror or str(error)) from error


def damaged(place: str) -> LibraryError:
    """The error for what is no database."""
    return _told(place, _DAMAGED, "")


def _kind(error: DBAPIError) -> str:
    original = error.orig
    if isinstance(original, sqlite3.Error):
        return _SQLITE.get(getattr(original, "sqlite_errorcode", 0) & 0xFF, "")
    return _POSTGRESQL.get(getattr(original, "sqlstate", None) or "", "")


def _said(error: DBAPIError) -> str:
    lines = str(error.orig or error).strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else type(error.orig).__name__


def _told(place: str, kind: str, said: str) -> LibraryError:
    library = f"The library ({place})"
    if kind == _FULL:
        return LibraryFullError(
            f"{library} has no room left on its disk, so nothing was changed. Make room there and try again."
        )
    if kind == _READ_ONLY:
        return LibraryReadOnlyError(
            f"{library} may not be written, so nothing was changed. Allow writing to the file and its "
            "folder, and try again."
        )
    if kind == _LOCKED:
        return LibraryError(
            f"{library} is held by another program, so nothing was changed. Close that program, or wait a "
            "moment, and try again."
        )
    if kind == _DAMAGED:
        return LibraryError(
            f"{library} is damaged, or is no library at all. Nothing was changed in it. Put a copy from a "
            "backup in its place; or move it elsewhere, and StorAIteller begins a new one."
        )
    return LibraryError(f"{library} does not answer as it should: {said}. Nothing was changed. Try again.")
