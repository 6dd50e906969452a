"""The training libraries: found or missed with a clear word, kept quiet, and kept offline.

A process that works for the learning loop calls ``settle`` before it imports any of them; where Unsloth is
used, ``import_unsloth`` comes before Transformers and PEFT.
"""

from __future__ import annotations

import ctypes
import logging
import os
import platform
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

from finetune.errors import MissingPartsError

_NEEDED = ("torch", "transformers", "peft", "unsloth")
_SPIN = "30000"
"""Turns a thread of torch's waits for the others before it sleeps. By default it hardly ever sleeps: 260
training tokens a second on two cores with nothing beside them, but 14 to 30 beside one busy program. With
this it is 255 and 90; sleeping at once costs half."""

_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "DO_NOT_TRACK": "1",
    "UNSLOTH_DISABLE_STATISTICS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TQDM_DISABLE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
}
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3


def check() -> None:
    """Raises ``MissingPartsError`` if something is not installed."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise MissingPartsError(
            f"The training libraries are not installed ({', '.join(missing)} missing). "
            "Install them with: make learn. Writing works without them."
        )


def settle(threads: int | None = None) -> None:
    """Set this process up for them: offline, quiet, and with threads and memory as suits training."""
    os.environ.update(_OFFLINE)
    if threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(threads)
    os.environ.setdefault("GOMP_SPINCOUNT", _SPIN)
    _keep_freed_memory()


def import_unsloth(cache: Path) -> None:
    """``cache`` is where it may write what it compiles: it would be the working folder."""
    os.environ.setdefault("UNSLOTH_COMPILE_LOCATION", str(cache.resolve() / "unsloth"))
    with quiet():
        import unsloth  # noqa: F401


@contextmanager
def quiet() -> Iterator[None]:
    """What the libraries print and warn of is not for a writer; what goes wrong is raised all the same."""
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("transformers", "unsloth", "peft", "torch"):
            logging.getLogger(name).setLevel(logging.ERROR)
        yield


def _keep_freed_memory() -> None:
    """Let glibc keep what is freed: each tensor is else mapped anew, page by page.

    Measured on two cores with the demo model: 295 instead of 228 training tokens a second.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        for option, value in (
            (_M_MMAP_THRESHOLD, 1 << 30),
            (_M_TRIM_THRESHOLD, 1 << 30),
            (_M_TOP_PAD, 1 << 28),
        ):
            libc.mallopt(option, value)
