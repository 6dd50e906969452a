"""What a person at a terminal sees of it: sentences that stay, and one bar with the time left."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class Screen:
    """A ``Tell`` that draws on the error stream."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
        self._bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._console = console
        self._bar: tuple[str, TaskID] | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def say(self, sentence: str) -> None:
        self._done()
        self._console.print(sentence, markup=False, highlight=False)

    def progress(self, what: str, done: float, total: float) -> None:
        if self._bar is None or self._bar[0] != what:
            self._done()
            self._bar = (what, self._bars.add_task(what, total=total))
        self._bars.update(self._bar[1], completed=done, total=total)

    def _done(self) -> None:
        if self._bar is not None:
            self._bars.remove_task(self._bar[1])
            self._bar = None
