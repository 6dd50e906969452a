"""The ``storaiteller`` command."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn
from rich.table import Table

from storaiteller.config import PREFIX, Config, EngineChoice, load_config
from storaiteller.errors import ConfigError, StoraitellerError
from storaiteller.story import MAX_WORDS, MIN_WORDS, Genre, Register, StorySettings
from storaiteller.terminal import command, console, run

app = command("Write stories with a language model on your own machine.", invoke_without_command=True)
models_app = command("List the models, or fetch one.", no_args_is_help=True)
app.add_typer(models_app, name="models")


def _option(help_text: str, *names: str, variable: str | None = None, **rest: Any) -> Any:
    """An option whose help names its environment variable; ``Config`` is the one that reads it."""
    variable = variable or PREFIX + names[0].split("/")[0].removeprefix("--").replace("-", "_").upper()
    return typer.Option(*names, help=f"{help_text} [env: {variable}]", show_default=False, **rest)


Host = Annotated[str | None, _option("Address to listen on (127.0.0.1).", "--host")]
Port = Annotated[int | None, _option("Port to listen on (8000); the next free one if taken.", "--port")]
DataDir = Annotated[Path | None, _option("Where stories and models are kept (./data).", "--data-dir")]
EngineOption = Annotated[
    EngineChoice | None, _option("What runs the model (auto: Ollama if it answers).", "--engine")
]
ModelOption = Annotated[
    str | None,
    _option("A GGUF file, ollama:NAME to run Ollama's file without its server, or a name there.", "--model"),
]
Threads = Annotated[int | None, _option("Threads for an embedded model (all cores but one).", "--threads")]
Browser = Annotated[bool | None, _option("Open the page in a browser.", "--browser/--no-browser")]


@app.callback()
def default(
    context: typer.Context,
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    engine: EngineOption = None,
    model: ModelOption = None,
    threads: Threads = None,
    browser: Browser = None,
) -> None:
    given = (host, port, data_dir, engine, model, threads, browser)
    if context.invoked_subcommand is None:
        serve(*given)
    elif any(value is not None for value in given):
        context.fail(f"Write the options after the command: storaiteller {context.invoked_subcommand} …")


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    engine: EngineOption = None,
    model: ModelOption = None,
    threads: Threads = None,
    browser: Browser = None,
) -> None:
    """Serve the page (what `storaiteller` alone does)."""
    config = load_config(
        host=host, port=port, data_dir=data_dir, engine=engine, model=model, threads=threads, browser=browser
    )
    asyncio.run(_fetch_if_needed(config))
    from storaiteller.server import serve as serve_app

    serve_app(config)


@app.command()
def write(
    characters: Annotated[str, typer.Option(help="Main characters' names, comma separated.")] = "",
    keywords: Annotated[str, typer.Option(help="Keywords, comma separated.")] = "",
    genre: Annotated[Genre, typer.Option(help="What kind of story.")] = Genre.FANTASY,
    register: Annotated[Register, typer.Option(help="In what tone.")] = Register.PLAYFUL,
    max_words: Annotated[int, typer.Option(help=f"Words at most, {MIN_WORDS} to {MAX_WORDS:,}.")] = 300,
    child_friendly: Annotated[bool, typer.Option("--child-friendly", help="Fit for children.")] = False,
    final_twist: Annotated[bool, typer.Option("--final-twist", help="End with a twist.")] = False,
    seed: Annotated[
        int | None, typer.Option(help="Write the same story each time.", min=0, max=2**32 - 2)
    ] = None,
    data_dir: DataDir = None,
    engine: EngineOption = None,
    model: ModelOption = None,
    threads: Threads = None,
) -> None:
    """Write one story to the terminal."""
    settings = _settings(
        characters=_split(characters),
        keywords=_split(keywords),
        genre=genre,
        register=register,
        max_words=max_words,
        child_friendly=child_friendly,
        final_twist=final_twist,
    )
    config = load_config(data_dir=data_dir, engine=engine, model=model, threads=threads)
    asyncio.run(_write(config, settings, seed))


@models_app.command("list")
def list_models(data_dir: DataDir = None, engine: EngineOption = None, model: ModelOption = None) -> None:
    """List the models that can write, and those that can be fetched."""
    asyncio.run(_list(load_config(data_dir=data_dir, engine=engine, model=model)))


@models_app.command()
def fetch(data_dir: DataDir = None) -> None:
    """Fetch the built-in demo model (98 MB), if it is not there yet."""
    from storaiteller import demo_model
    from storaiteller.model_files import DEMO_ID

    config = load_config(data_dir=data_dir)
    path = config.models_dir / demo_model.FILE_NAME
    if path.is_file():
        console.print(f"The demo model is here already: {path}", markup=False)
    else:
        asyncio.run(_pull(config, DEMO_ID))


@models_app.command()
def pull(name: Annotated[str, typer.Argument(help="A model of Ollama's library, such as llama3.2.")]) -> None:
    """Let the Ollama server fetch a model."""
    asyncio.run(_pull(load_config(), f"ollama/{name}"))


async def _write(config: Config, settings: StorySettings, seed: int | None) -> None:
    from storaiteller import writer
    from storaiteller.answers import streams
    from storaiteller.models import Models

    await _fetch_if_needed(config)
    models = Models(config)
    try:
        await models.decide()
        engine = await models.load(await models.find(None))
        try:
            async with aclosing(writer.write(engine, settings, streams.Choice(seed=seed))) as stream:
                async for chunk in stream:
                    sys.stdout.write(chunk.text)
                    sys.stdout.flush()
        finally:
            await engine.aclose()
    finally:
        await models.aclose()
        sys.stdout.write("\n")


async def _list(config: Config) -> None:
    from storaiteller.models import Models

    models = Models(config)
    try:
        await models.decide()
        table = Table("", "id", "size", "", box=None, pad_edge=False)
        for model in await models.listing():
            size = f"{model.size_bytes / 1e6:,.0f} MB" if model.size_bytes else ""
            mark = "*" if model.id == models.default_id else ""
            table.add_row(mark, model.id, size, "" if model.installed else "not here yet")
        Console().print(table)
    finally:
        await models.aclose()


async def _fetch_if_needed(config: Config) -> None:
    """Fetch the demo model when it is the one that would write; without it the page says what to do."""
    from storaiteller import demo_model

    if config.model or (config.models_dir / demo_model.FILE_NAME).is_file():
        return  # and ask no Ollama server before the page is up
    from storaiteller.model_files import DEMO_ID
    from storaiteller.models import Models

    models = Models(config)
    try:
        await models.decide()
        missing = models.default_id == DEMO_ID and not (await models.find(DEMO_ID)).installed
    finally:
        await models.aclose()
    if missing:
        try:
            await _pull(config, DEMO_ID)
        except StoraitellerError as error:
            console.print(error.message, style="yellow")


async def _pull(config: Config, model_id: str) -> None:
    from storaiteller.models import Models

    models = Models(config)
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    try:
        await models.decide()
        console.print(f"Fetching {model_id}", markup=False)
        with Progress(*columns, console=console) as bars:
            bar = bars.add_task("", total=None)
            async with aclosing(models.pull(model_id)) as steps:
                async for step in steps:
                    bars.update(bar, completed=step.completed, total=step.total or None)
    finally:
        await models.aclose()


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _settings(**values: Any) -> StorySettings:
    from storaiteller.api.errors import describe

    try:
        return StorySettings(**values)
    except ValidationError as error:
        told = describe(error.errors())
        raise ConfigError(told.message, field=told.field) from error


def main() -> None:
    run(app)


if __name__ == "__main__":
    main()
