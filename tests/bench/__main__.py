"""``make bench``: every figure in one run, as one table. Names of topics run only those."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.bench import (
    learning,
    ledger,
    machine,
    overhead,
    prefixes,
    rewriting,
    shelf,
    stalled,
    startup,
    tokens,
)
from tests.bench.harness import Row

TOPICS: dict[str, Callable[[], list[Row]]] = {
    "overhead": overhead.measure,
    "tokens": tokens.measure,
    "stalled": stalled.measure,
    "prefixes": prefixes.measure,
    "rewriting": rewriting.measure,
    "ledger": ledger.measure,
    "startup": startup.measure,
    "library": shelf.measure,
    "learning": learning.measure,
}
BY_NAME_ONLY = {"learning"}
"""Takes a quarter of an hour: ``make bench-learn``."""


def main() -> int:
    """Exit code 1 when something could not be measured; a missed aim is for the reader to judge."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are ended then, too
    wanted = sys.argv[1:] or [topic for topic in TOPICS if topic not in BY_NAME_ONLY]
    if unknown := set(wanted) - set(TOPICS):
        print(f"There is no {', '.join(sorted(unknown))}. Choose from: {', '.join(TOPICS)}", file=sys.stderr)
        return 2
    begun = time.perf_counter()
    table = Table("what", "measured", "aim", "ok?", show_lines=True)
    broken = False
    with Console(stderr=True).status("") as status:
        for topic in wanted:
            status.update(f"Measuring {topic} ({time.perf_counter() - begun:.0f} s so far)")
            try:
                rows = TOPICS[topic]()
            except Exception as error:  # the other figures are still worth having
                rows = [Row(topic, f"not measured: {type(error).__name__}: {error}", ok=False)]
                broken = True
            for row in rows:
                table.add_row(row.what, Text(row.measured), row.aim, _mark(row.ok))
    console = Console() if sys.stdout.isatty() else Console(width=140)
    console.print(table)
    for line in machine.lines():
        console.print(line, highlight=False, markup=False)
    console.print(f"Measured in {time.perf_counter() - begun:.0f} s.", highlight=False)
    return int(broken)


def _mark(ok: bool | None) -> str:
    return {None: "", True: "[green]yes[/]", False: "[bold red]no[/]"}[ok]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
