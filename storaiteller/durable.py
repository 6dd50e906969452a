"""Writing that survives a crash: whole or not at all, and on the disk before anyone is told.

Every function either returns with the bytes on the disk, or raises ``OSError`` (or lets a Ctrl-C
through) with things as they were. None of them locks: the caller holds what it needs to hold.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path


def append(descriptor: int, data: bytes) -> None:
    """Add ``data`` to a file opened for appending: one write, one fsync.

    When either fails the file is cut back to where it ended before. Should even that fail, half a
    row stays behind, which whoever reads the file next has to recognise.
    """
    end = os.fstat(descriptor).st_size
    try:
        written = os.write(descriptor, data)
        if written < len(data):
            raise OSError(errno.ENOSPC, "there is no room for it")
        os.fsync(descriptor)
    except BaseException:
        with suppress(OSError):  # the first failure is the one to tell
            truncate(descriptor, end)
        raise


def truncate(descriptor: int, length: int) -> None:
    """Cut a file, for good."""
    os.ftruncate(descriptor, length)
    os.fsync(descriptor)


def create(path: Path, data: bytes) -> None:
    """Write a new file; ``FileExistsError`` if there is one already."""
    file = path.open("xb")
    try:
        with file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def replace(path: Path, data: bytes) -> None:
    """Put ``data`` where ``path`` is: a reader sees the old file or the new one, never a mix."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)  # from a crash
    create(draft, data)
    draft.replace(path)
    sync_folder(path.parent)


def sync(path: Path) -> None:
    """Make a file last that somebody else has written."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` last: a file's own fsync does not cover its name."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
