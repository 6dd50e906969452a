"""What the subcommands have in common: their options, what they are given to work with, how they answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from finetune.config import load_learn_config
from finetune.context import Context
from finetune.screen import Screen
from storaiteller.config import EngineChoice, load_config
from storaiteller.terminal import console

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

_GIVEN: dict[str, Any] = {}
"""The options given before the command."""


def options(
    data_dir: Annotated[Path | None, typer.Option(help="Where stories and models are (./data).")] = None,
    engine: Annotated[EngineChoice | None, typer.Option(help="As for storaiteller serve.")] = None,
    model: Annotated[str | None, typer.Option(help="The model to tune, as for storaiteller serve.")] = None,
) -> None:
    _GIVEN.clear()
    _GIVEN.update(data_dir=data_dir, engine=engine, model=model)


@contextmanager
def work(**learn: Any) -> Iterator[Context]:
    """What a stage works with, and a screen that tells of it. ``learn``: the options, None if not given."""
    with Screen(console) as screen:
        yield Context(load_config(**_GIVEN), load_learn_config(**learn), screen)


def answer(sentence: str, value: Any, *, as_json: bool) -> None:
    """The command's answer: a sentence for a person, or ``value`` for a program."""
    if as_json:
        print_json(value)
    else:
        console.print(sentence, markup=False)


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
