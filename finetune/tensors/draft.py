"""Large files, written under another name first: whole or not at all, however full the disk is."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from finetune.errors import NoRoomError
from storaiteller import durable

RESERVE = 64 * 1024 * 1024
"""Bytes that are left free, for everything else that writes to the disk."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def draft(path: Path, size: int) -> Iterator[Path]:
    """A path to write ``size`` bytes (or about that) to; the file becomes ``path`` when the block ends well.

    When it does not, nothing is left behind and what was at ``path`` before still is. Raises
    ``NoRoomError`` before the block if the disk has no room for it, and when it fills within.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.draft")
    unfinished.unlink(missing_ok=True)  # from a crash, and its room may be needed
    if shutil.disk_usage(path.parent).free < size + RESERVE:
        raise _no_room(path, size)
    try:
        yield unfinished
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
        durable.sync_folder(path.parent)
    except BaseException as error:
        unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in _FULL:
            raise _no_room(path, size) from error
        raise


def _no_room(path: Path, size: int) -> NoRoomError:
    needed, free = (size + RESERVE) / 1e6, shutil.disk_usage(path.parent).free / 1e6
    return NoRoomError(
        f"There is no room for {path.name}: it needs {needed:,.0f} MB, and the disk of {path.parent} has "
        f"{free:,.0f} MB free. Make room there and run it again."
    )
