"""Work in a process of its own, which gives back all its memory and whatever it did to its libraries.

Unsloth changes Transformers for good when it is imported, and a process that has trained keeps the memory.
"""

from __future__ import annotations

import ctypes
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from finetune.errors import LearnError
from finetune.training.libraries import settle
from storaiteller.errors import StoraitellerError

T = TypeVar("T")
_PR_SET_PDEATHSIG = 1

Report = Callable[[Any], None]


def run_apart(work: Callable[..., T], *given: Any, report: Report, threads: int | None = None) -> T:
    """``work(*given, report=…)`` in a fresh process: its result, its ``report`` calls, its own errors.

    ``work`` is a function of a module; what it is given and returns are plain values. It computes in so many
    ``threads``, or in one a core. The process ends when this returns or is interrupted. Raises
    ``LearnError`` if it was killed or failed otherwise.
    """
    fresh = get_context("spawn")
    ours, theirs = fresh.Pipe(duplex=False)
    process = fresh.Process(target=_answer, args=(theirs, work, given, threads), daemon=True)
    process.start()
    theirs.close()
    try:
        result: T = _result(ours, report)
        return result
    except EOFError as error:
        process.join()
        raise LearnError(
            f"A part of the learning was ended from outside (code {process.exitcode}), mostly because memory "
            "ran out. Close other programs and run it again."
        ) from error
    finally:
        process.terminate()
        process.join()
        ours.close()


def _result(ours: Connection, report: Report) -> Any:
    while True:
        kind, value = ours.recv()
        if kind == "done":
            return value
        if kind == "failed":
            raise value
        report(value)


def _answer(
    theirs: Connection, work: Callable[..., Any], given: tuple[Any, ...], threads: int | None
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that waits for us hears Ctrl-C, and ends us
    _end_with_parent()
    settle(threads)
    try:
        theirs.send(("done", work(*given, report=lambda done: theirs.send(("report", done)))))
    except StoraitellerError as error:
        theirs.send(("failed", error))
    except Exception as error:
        told = f"{type(error).__name__}: {error}".partition("\n")[0]
        theirs.send(("failed", LearnError(f"A part of the learning failed. {told}")))


def _end_with_parent() -> None:
    """On Linux: a parent that is killed cannot end us, and two runs must not write into one folder."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
