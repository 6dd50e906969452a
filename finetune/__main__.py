"""The ``storaiteller-finetune`` command: one subcommand a stage, and ``nightly`` for all of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from finetune.config import load_learn_config
from finetune.context import Context
from finetune.errors import BusyError, ScheduleError, StageMissingError
from finetune.nightly import Result, begin, conclude, nightly, stage
from finetune.runs import Run
from finetune.screen import Screen
from storaiteller.config import EngineChoice, load_config
from storaiteller.errors import StoraitellerError
from storaiteller.terminal import command, console
from storaiteller.terminal import run as run_command

app = command("Let your own model learn from the stories you called good.", no_args_is_help=True)
schedule_app = command("Learn every night by itself.", no_args_is_help=True)
app.add_typer(schedule_app, name="schedule")

_STATE: dict[str, Any] = {}
"""The options given before the command."""

RunId = Annotated[str | None, typer.Option("--run", help="Which run; the latest unless given.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object at the end, and nothing else.")]
MaxMinutes = Annotated[float | None, typer.Option(help="Stop training after the last epoch that fits.")]
Epochs = Annotated[int | None, typer.Option(help="How often everything is read (3).")]
LearningRate = Annotated[float | None, typer.Option(help="How large its steps are (2e-4).")]
MinLikes = Annotated[int | None, typer.Option(help="Good stories needed (20).")]
Samples = Annotated[int | None, typer.Option(help="Stories that each model writes for the exam (8).")]
BaseFolder = Annotated[
    Path | None, typer.Option("--base", help="A Hugging Face folder with the weights, instead of the GGUF.")
]


@app.callback()
def options(
    data_dir: Annotated[Path | None, typer.Option(help="Where stories and models are (./data).")] = None,
    engine: Annotated[EngineChoice | None, typer.Option(help="As for storaiteller serve.")] = None,
    model: Annotated[str | None, typer.Option(help="The model to tune, as for storaiteller serve.")] = None,
) -> None:
    _STATE.clear()
    _STATE.update(data_dir=data_dir, engine=engine, model=model)


@app.command()
def status(
    mend: Annotated[bool, typer.Option("--mend", help="Make a damaged list of versions anew.")] = False,
    as_json: Json = False,
) -> None:
    """Say what there is: good stories, versions, the active one, runs and disk use."""
    from finetune.status import status as tell_status

    with _context() as context:
        told = tell_status(context, mend=mend)
        if as_json:
            _print_json(told.as_json())
        else:
            console.print(told.as_text(), markup=False)


@app.command("import")
def import_stories(path: Path, as_json: Json = False) -> None:
    """Take your own texts as good stories: a CSV, a JSONL of chats, or a folder of text files."""
    from finetune.importing import import_stories as take

    with _context() as context:
        imported = take(context, path)
        if as_json:
            _print_json(imported.as_json())


@app.command()
def dataset(min_likes: MinLikes = None, as_json: Json = False) -> None:
    """Begin a run: choose the stories to learn from, and those kept for the exam."""
    with _context(min_likes=min_likes) as context, context.runs.lock():
        run = begin(context)
        try:
            _stage(context, "dataset", run, as_json=as_json)
        except StoraitellerError:
            run.remove()  # or the next stage would take it for the latest
            raise


@app.command()
def train(
    run: RunId = None,
    epochs: Epochs = None,
    learning_rate: LearningRate = None,
    max_minutes: MaxMinutes = None,
    base: BaseFolder = None,
    as_json: Json = False,
) -> None:
    """Train an adapter on the chosen stories."""
    given = {"epochs": epochs, "learning_rate": learning_rate, "max_minutes": max_minutes, "base": base}
    with _context(**given) as context, context.runs.lock():
        _stage(context, "train", context.runs.get(run), as_json=as_json)


@app.command()
def convert(run: RunId = None, as_json: Json = False) -> None:
    """Turn the adapter into a GGUF file."""
    with _context() as context, context.runs.lock():
        _stage(context, "convert", context.runs.get(run), as_json=as_json)


@app.command()
def register(run: RunId = None, as_json: Json = False) -> None:
    """Make a version of it, for the embedded engine and for Ollama."""
    with _context() as context, context.runs.lock():
        _stage(context, "register", context.runs.get(run), as_json=as_json)


@app.command()
def evaluate(run: RunId = None, samples: Samples = None, as_json: Json = False) -> None:
    """Try it against the model that is active now, on stories neither has read."""
    with _context(samples=samples) as context, context.runs.lock():
        _stage(context, "evaluate", context.runs.get(run), as_json=as_json)


@app.command()
def promote(
    version: Annotated[str | None, typer.Argument(help="A version to use, whatever its exam said.")] = None,
    run: RunId = None,
    as_json: Json = False,
) -> None:
    """Use the run's version from now on if it is better, or the named one in any case."""
    from finetune.promote import promote_version

    with _context() as context, context.runs.lock():
        if version is not None:
            _say_done(promote_version(context, version), as_json=as_json)
        else:
            _stage(context, "promote", context.runs.get(run), as_json=as_json)


@app.command()
def rollback(
    version: Annotated[
        str | None, typer.Argument(help="A version, or 'base'; the one before the active one unless given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Go back to an earlier version, or to the base model."""
    from finetune.promote import rollback as go_back

    with _context() as context:
        _say_done(go_back(context, version), as_json=as_json)


@app.command()
def report(run: RunId = None, as_json: Json = False) -> None:
    """Write the page that tells what was learned and why it was used or not."""
    with _context() as context, context.runs.lock():
        found = context.runs.get(run)
        _stage(context, "report", found, as_json=as_json)
        with suppress(StageMissingError):  # a report of a run that stopped before its decision
            conclude(found)


@app.command("nightly")
def nightly_run(
    min_likes: MinLikes = None,
    epochs: Epochs = None,
    learning_rate: LearningRate = None,
    max_minutes: MaxMinutes = None,
    samples: Samples = None,
    base: BaseFolder = None,
    as_json: Json = False,
) -> None:
    """Do all of it in order. Nothing new since last time: nothing is done."""
    given = {
        "min_likes": min_likes,
        "epochs": epochs,
        "learning_rate": learning_rate,
        "max_minutes": max_minutes,
        "samples": samples,
        "base": base,
    }
    with _context(**given) as context:
        try:
            result = nightly(context)
        except BusyError as error:
            result = Result(None, "skipped", error.message, error=error.code)
        if as_json:
            _print_json(result.as_json())
        else:
            console.print(result.told(), markup=False)
        if result.error:
            raise typer.Exit(1)


@schedule_app.command("install")
def install_schedule(
    at: Annotated[str, typer.Option(help="At what time, HH:MM.")] = "03:00",
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
) -> None:
    """Show what will be written, ask, and write it."""
    from finetune import schedule

    with _context() as context:
        plan = schedule.plan(context, at)
        console.print(plan.text, markup=False)
        if not yes and not sys.stdin.isatty():
            raise ScheduleError("There is nobody to ask. Say --yes if this is what you want.")
        if yes or typer.confirm("Install this?"):
            schedule.install(plan)
            console.print(schedule.status(context), markup=False)


@schedule_app.command("status")
def schedule_status() -> None:
    """Say whether and when it learns by itself."""
    from finetune import schedule

    with _context() as context:
        console.print(schedule.status(context), markup=False)


@schedule_app.command("remove")
def remove_schedule() -> None:
    """Learn by itself no more."""
    from finetune import schedule

    with _context() as context:
        console.print(schedule.remove(context), markup=False)


@contextmanager
def _context(**learn: Any) -> Iterator[Context]:
    with Screen(console) as screen:
        yield Context(load_config(**_STATE), load_learn_config(**learn), screen)


def _stage(context: Context, name: str, run: Run, *, as_json: bool) -> None:
    made = stage(name)(context, run)
    if as_json:
        _print_json({"run_id": run.id, "stage": name, "metrics": made.metrics, "artefacts": made.outputs})
    else:
        told = made.metrics.get("reason") or f"{name} is done."
        console.print(f"Run {run.id}: {told}", markup=False)


def _say_done(sentence: str, *, as_json: bool) -> None:
    if as_json:
        _print_json({"reason": sentence})
    else:
        console.print(sentence, markup=False)


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def main() -> None:
    run_command(app, interrupted="Stopped. What is done is kept, and the next run goes on from there.")


if __name__ == "__main__":
    main()
