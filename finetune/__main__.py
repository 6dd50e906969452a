"""The ``storaiteller-finetune`` command: one subcommand a stage, and ``nightly`` for all of them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from finetune import schedule_command
from finetune.commands import (
    BaseFolder,
    Epochs,
    Json,
    LearningRate,
    MaxMinutes,
    MinLikes,
    RunId,
    Samples,
    answer,
    options,
    print_json,
    work,
)
from finetune.context import Context
from finetune.errors import BusyError, StageMissingError
from finetune.nightly import Result, begin, conclude, nightly, stage
from finetune.runs import Run
from storaiteller.errors import StoraitellerError
from storaiteller.terminal import command
from storaiteller.terminal import run as run_command

app = command("Let your own model learn from the stories you called good.", no_args_is_help=True)
app.callback()(options)
app.add_typer(schedule_command.app, name="schedule")


@app.command()
def status(
    mend: Annotated[bool, typer.Option("--mend", help="Make a damaged list of versions anew.")] = False,
    as_json: Json = False,
) -> None:
    """Say what there is: good stories, versions, the active one, runs and disk use."""
    from finetune.status import status as tell_status

    with work() as context:
        told = tell_status(context, mend=mend)
        answer(told.as_text(), told.as_json(), as_json=as_json)


@app.command("import")
def import_stories(path: Path, as_json: Json = False) -> None:
    """Take your own texts as good stories: a CSV, a JSONL of chats, or a folder of text files."""
    from finetune.importing import import_stories as take

    with work() as context:
        imported = take(context, path)
        if as_json:
            print_json(imported.as_json())


@app.command()
def dataset(min_likes: MinLikes = None, as_json: Json = False) -> None:
    """Begin a run: choose the stories to learn from, and those kept for the exam."""
    with work(min_likes=min_likes) as context, context.runs.lock():
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
    with work(**given) as context, context.runs.lock():
        _stage(context, "train", context.runs.get(run), as_json=as_json)


@app.command()
def convert(run: RunId = None, as_json: Json = False) -> None:
    """Turn the adapter into a GGUF file."""
    with work() as context, context.runs.lock():
        _stage(context, "convert", context.runs.get(run), as_json=as_json)


@app.command()
def register(run: RunId = None, as_json: Json = False) -> None:
    """Make a version of it, for the embedded engine and for Ollama."""
    with work() as context, context.runs.lock():
        _stage(context, "register", context.runs.get(run), as_json=as_json)


@app.command()
def evaluate(run: RunId = None, samples: Samples = None, as_json: Json = False) -> None:
    """Try it against the model that is active now, on stories neither has read."""
    with work(samples=samples) as context, context.runs.lock():
        _stage(context, "evaluate", context.runs.get(run), as_json=as_json)


@app.command()
def promote(
    version: Annotated[str | None, typer.Argument(help="A version to use, whatever its exam said.")] = None,
    run: RunId = None,
    as_json: Json = False,
) -> None:
    """Use the run's version from now on if it is better, or the named one in any case."""
    from finetune.promote import promote_version

    with work() as context, context.runs.lock():
        if version is not None:
            done = promote_version(context, version)
            answer(done, {"reason": done}, as_json=as_json)
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

    with work() as context:
        done = go_back(context, version)
        answer(done, {"reason": done}, as_json=as_json)


@app.command()
def report(run: RunId = None, as_json: Json = False) -> None:
    """Write the page that tells what was learned and why it was used or not."""
    with work() as context, context.runs.lock():
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
    with work(**given) as context:
        try:
            result = nightly(context)
        except BusyError as error:
            result = Result(None, "skipped", error.message, error=error.code)
        answer(result.told(), result.as_json(), as_json=as_json)
        if result.error:
            raise typer.Exit(1)


def _stage(context: Context, name: str, run: Run, *, as_json: bool) -> None:
    made = stage(name)(context, run)
    told = made.metrics.get("reason") or f"{name} is done."
    value = {"run_id": run.id, "stage": name, "metrics": made.metrics, "artefacts": made.outputs}
    answer(f"Run {run.id}: {told}", value, as_json=as_json)


def main() -> None:
    run_command(app, interrupted="Stopped. What is done is kept, and the next run goes on from there.")


if __name__ == "__main__":
    main()
