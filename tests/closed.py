"""A folder that the person who runs the program may not look into, as Ollama's service keeps its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_NOBODY = 65_534


@contextmanager
def closed(folder: Path) -> Iterator[None]:
    """Nobody may enter ``folder`` meanwhile; a superuser, who always may, is somebody else so long."""
    if os.name != "posix":
        pytest.skip("folders are closed otherwise here")
    superuser = os.geteuid() == 0
    before = folder.stat().st_mode
    folder.chmod(0)
    try:
        if superuser:
            os.setresuid(_NOBODY, _NOBODY, 0)
        yield
    finally:
        if superuser:
            os.setresuid(0, 0, 0)
        folder.chmod(before)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A new folder that everybody may enter; those of ``tmp_path`` belong to one person."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
