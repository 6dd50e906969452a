"""``storaiteller-finetune schedule``: learning every night by itself."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from finetune.commands import work
from finetune.errors import ScheduleError
from storaiteller.terminal import command, console

app = command("Learn every night by itself.", no_args_is_help=True)


@app.command("install")
def install_schedule(
    at: Annotated[str, typer.Option(help="At what time, HH:MM.")] = "03:00",
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
) -> None:
    """Show what will be written, ask, and write it."""
    from finetune import schedule

    with work() as context:
        plan = schedule.plan(context, at)
        console.print(plan.text, markup=False)
        if not yes and not sys.stdin.isatty():
            raise ScheduleError("There is nobody to ask. Say --yes if this is what you want.")
        if yes or typer.confirm("Install this?"):
            schedule.install(plan)
            console.print(schedule.status(context), markup=False)


@app.command("status")
def schedule_status() -> None:
    """Say whether and when it learns by itself."""
    from finetune import schedule

    with work() as context:
        console.print(schedule.status(context), markup=False)


@app.command("remove")
def remove_schedule() -> None:
    """Learn by itself no more."""
    from finetune import schedule

    with work() as context:
        console.print(schedule.remove(context), markup=False)
