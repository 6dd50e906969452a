"""The first stage: from the ledger of good stories to what is trained on, and what the exam is made of."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from finetune import base
from finetune.config import LearnConfig
from finetune.context import Context
from finetune.errors import SkippedError
from finetune.rendering import reader
from finetune.runs import Manifest, Run, fingerprint
from finetune.stories.curate import Curated, Kept, curate
from finetune.stories.examples import Example, Examples, Reader
from finetune.stories.split import Split, split
from storaiteller.feedback import LedgerRow
from storaiteller.prompts import PROMPT_VERSION

LEAST_HELD_OUT = 3
"""Stories that an exam needs for its result to mean anything."""

_FORMAT = 2
"""Raise it when examples are written otherwise, so that a run that is taken up again makes them anew."""

_FILES = {"train": "train.jsonl", "held_out": "held_out.jsonl"}


@dataclass(frozen=True, slots=True)
class Model:
    """The model that will be trained: its file's digest, and how to open it for questions.

    ``served_by`` tells servers apart that may render the same prompt differently.
    """

    sha256: str
    open: Callable[[], AbstractContextManager[Reader]]
    served_by: str = "llama.cpp"


def served(context: Context) -> Model:
    """The model that the app serves, and the way in which it is asked there."""
    found = base.resolve(context)
    served_by = "llama.cpp" if found.ollama is None else f"Ollama's {found.ollama}"
    return Model(found.sha256, lambda: reader(context, found), served_by)


def dataset(context: Context, run: Run, find: Callable[[Context], Model] = served) -> Manifest:
    """Curate the ledger, split it, and write both sides as tokens, one line an example.

    ``train_tokens`` and ``held_out_tokens`` in the metrics count prompts too. Raises ``SkippedError``
    when there are too few stories, and then leaves no trace.
    """
    rows = list(context.ledger.latest())
    broken = context.ledger.passed_over
    curated = curate(rows)
    sides = chosen(curated, context.learn)
    model = find(context)
    settings = (_FORMAT, context.learn.window, context.learn.held_out, PROMPT_VERSION, model.served_by)
    known = fingerprint(model.sha256, settings, [_identity(row) for row in rows])
    stage = run.stage("dataset")
    if done := stage.begin(known):
        return done
    with model.open() as reader:
        examples = Examples(reader, context.learn.window)
        train = _write(stage.folder / _FILES["train"], sides.train, examples, context)
        held_out = _write(stage.folder / _FILES["held_out"], sides.held_out, examples, context)
    metrics = {**_counts(curated, sides), "broken_rows": broken, "base": model.sha256}
    metrics |= {"train_tokens": train.tokens, "held_out_tokens": held_out.tokens}
    metrics |= {"split_stories": train.split + held_out.split}
    _tell(context, metrics)
    return stage.finish(known, _FILES, metrics)


def chosen(curated: Curated, learn: LearnConfig) -> Split:
    """The two sides; raises ``SkippedError`` saying how many stories are missing."""
    found, needed = len(curated.kept), learn.min_likes
    if found < needed:
        raise SkippedError(
            f"{_different(found)}, and learning begins at {needed:,}: "
            f"{needed - found:,} more {'is' if needed - found == 1 else 'are'} missing."
            f"{_left_out(curated)}"
        )
    sides = split(curated.kept, learn.held_out)
    if len(sides.held_out) < LEAST_HELD_OUT or not sides.train:
        few = f"only {len(sides.held_out)} for the exam, which needs {LEAST_HELD_OUT}"
        raise SkippedError(
            f"{_different(found)}. Each story is set apart for learning or for the exam by its id, and so "
            f"far there are {few if sides.train else 'none to learn from'}: a few more good stories will do."
        )
    return sides


@dataclass(slots=True)
class _Written:
    tokens: int = 0
    split: int = 0


def _write(path: Path, stories: Sequence[Kept], examples: Examples, context: Context) -> _Written:
    """One side, a line an example, on the disk when this returns."""
    written = _Written()
    with path.open("w", encoding="utf-8") as file:
        for number, story in enumerate(stories, start=1):
            parts = examples.of(story.row)
            file.writelines(_lines(parts))
            written.tokens += sum(len(part.prompt_tokens) + len(part.story_tokens) for part in parts)
            written.split += len(parts) > 1
            context.tell.progress(f"Reading the stories: {path.stem}", number, len(stories))
        file.flush()
        os.fsync(file.fileno())
    return written


def _lines(parts: Sequence[Example]) -> Iterator[str]:
    return (json.dumps(asdict(part), ensure_ascii=False) + "\n" for part in parts)


def _identity(row: LedgerRow) -> tuple[str, int, str]:
    return (row.story_id, row.rating, row.digest().hex())


def _counts(curated: Curated, sides: Split) -> dict[str, Any]:
    return {
        "likes": curated.likes,
        "taken_back": curated.taken_back,
        "unusable": curated.unusable,
        "duplicates": curated.duplicates,
        "near_duplicates": curated.near_duplicates,
        "train_stories": len(sides.train),
        "held_out_stories": len(sides.held_out),
        "train_ids": [story.row.story_id for story in sides.train],
        "held_out_ids": [story.row.story_id for story in sides.held_out],
    }


def _different(found: int) -> str:
    if found == 1:
        return "There is 1 different good story"
    return f"There are {found:,} different good stories" if found else "There are no good stories yet"


def _left_out(curated: Curated) -> str:
    alike = curated.duplicates + curated.near_duplicates
    told = [
        f"{number:,} {what}"
        for number, what in ((alike, "told again"), (curated.unusable, "with no more than a word"))
        if number
    ]
    return f" Not counted: {' and '.join(told)}." if told else ""


def _tell(context: Context, metrics: dict[str, Any]) -> None:
    context.tell.say(
        f"{metrics['train_stories']:,} stories to learn from, {metrics['held_out_stories']:,} for the exam."
    )
    if metrics["broken_rows"]:
        context.tell.say(f"{metrics['broken_rows']:,} rows of the ledger are damaged and were passed over.")
