"""Filling a version's own folder: the adapter that is served, and the one it was made from."""

from __future__ import annotations

import errno
import filecmp
import os
import shutil
from pathlib import Path

from finetune.errors import NoRoomError
from storaiteller import durable
from storaiteller.registry import ADAPTER

PEFT = "peft"
PEFT_FILES = ("adapter_config.json", "adapter_model.safetensors")


def fill(folder: Path, adapter: Path, peft: Path) -> None:
    """Copy both in, for good. What a crash may have left there goes first.

    Raises ``NoRoomError``, or ``OSError`` for any other trouble; then the folder is gone.
    """
    shutil.rmtree(folder, ignore_errors=True)
    try:
        (folder / PEFT).mkdir(parents=True)
        for name in PEFT_FILES:
            _copy(peft / name, folder / PEFT / name)
        _copy(adapter, folder / ADAPTER)
        for place in (folder / PEFT, folder, folder.parent):
            durable.sync_folder(place)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        needed = (adapter.stat().st_size + (peft / PEFT_FILES[1]).stat().st_size) / 1e6
        raise NoRoomError(
            f"The disk is too full to keep what was learned: {needed:,.0f} MB are needed in {folder.parent}. "
            "Make room there, then run: storaiteller-finetune register"
        ) from error


def holds(folder: Path, adapter: Path) -> bool:
    """Whether the version in ``folder`` was made from this very adapter."""
    kept = folder / ADAPTER
    return kept.is_file() and filecmp.cmp(kept, adapter, shallow=False)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("xb") as written:
        shutil.copyfileobj(read, written, 1024 * 1024)
        written.flush()
        os.fsync(written.fileno())
