"""What our commands have in common: how they look in a terminal, and how they end."""

from __future__ import annotations

import sys
from typing import Any

import typer
from rich.console import Console

from storaiteller.errors import ConfigError, StoraitellerError

console = Console(stderr=True, emoji=False, highlight=False)
"""For what is said to a person; standard output is for what was asked for."""


def command(help_text: str, **rest: Any) -> typer.Typer:
    """A command, or a group of commands; its help is plain text."""
    return typer.Typer(
        help=help_text,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        **rest,
    )


def run(app: typer.Typer, *, interrupted: str = "") -> None:
    """Run a command; what goes wrong is one sentence and exit code 1 (2 for a bad setting).

    ``interrupted`` is said when Ctrl-C ends it.
    """
    try:
        app()
    except StoraitellerError as error:
        console.print(error.message, style="red", markup=False)
        sys.exit(2 if isinstance(error, ConfigError) else 1)
    except KeyboardInterrupt:
        if interrupted:
            console.print(interrupted, markup=False)
        sys.exit(130)
