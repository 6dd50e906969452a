"""Making a version of what was learned: tried in the app's own engine, kept, and offered to Ollama."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from finetune.base import Base, of_run
from finetune.context import Context
from finetune.ollama.alias import forget, point_alias
from finetune.ollama.publish import Published, publish
from finetune.ollama.tidy import still_serves
from finetune.runs import Manifest, Run, fingerprint, now
from finetune.stories.examples import settings_of
from finetune.tryout import Example, try_out
from finetune.version_folder import fill, holds
from storaiteller import durable
from storaiteller.errors import UnknownVersionError
from storaiteller.prompts import story_messages
from storaiteller.registry import Version
from storaiteller.story import Genre, Message, Register, StorySettings

__all__ = ["forget", "point_alias", "register"]

MODELFILE = "Modelfile"

_PROMPTS = (
    StorySettings(Genre.FANTASY, Register.VIVID, 120, ("Ada", "Bo"), ("moon", "tide")),
    StorySettings(Genre.DRAMA, Register.CASUAL, 200, ("Marek",), ("letter", "rain")),
)
"""What Ollama is tried with, beside held-out prompts."""


def register(context: Context, run: Run) -> Manifest:
    """Make the run's adapter a version, a candidate for now. Needs ``dataset``, ``train`` and ``convert``.

    Raises ``ModelUnusableError`` or ``TrainingFailedError`` if the app's engine cannot write with it or
    would write as before, ``NoRoomError`` and ``RegistryError`` if it cannot be kept: then there is no new
    version. What Ollama refuses is only noted; done again, only that is tried again, and
    so it is where Ollama has lost the version since.
    """
    base = of_run(context, run)
    stage = run.stage("register")
    inputs = fingerprint(
        run.output("convert", "adapter"), base.sha256, base.ollama, context.config.ollama_host
    )
    done = stage.begin(inputs)
    version = _known(context, run)
    served = done.metrics.get("ollama") if done is not None else None
    if done is not None and version is not None and served:
        if still_serves(context, served):
            return done
        context.registry.update(version.name, ollama=None)
    if version is None:
        version = _make(context, run, base)
    published = publish(context, run, base, version, list(_prompts(run)))
    context.tell.say(published.note)
    if published.name is not None:
        context.registry.update(version.name, ollama=published.name)
        if context.registry.read().active == version.name and (moved := point_alias(context, version.name)):
            context.tell.say(moved)
    metrics = _metrics(version, published)
    if done is not None and done.metrics == metrics:
        return done
    durable.replace(stage.folder / MODELFILE, published.modelfile.encode())
    return stage.finish(inputs, {"modelfile": MODELFILE}, metrics)


def _metrics(version: Version, published: Published) -> dict[str, Any]:
    return {
        "version": version.name,
        "ollama": published.name,
        "ollama_note": published.note,
        "merged": published.merged,
    }


def _known(context: Context, run: Run) -> Version | None:
    """The version that this run made already, perhaps just before it was killed."""
    adapter = run.output("convert", "adapter")
    for version in reversed(context.registry.read().versions):
        if version.run_id == run.id and holds(context.registry.folder(version.name), adapter):
            return version
    return None


def _make(context: Context, run: Run, base: Base) -> Version:
    adapter, peft = run.output("convert", "adapter"), run.output("train", "adapter")
    learned = run.need("dataset").metrics
    try_out(base.gguf, adapter, _examples(run), threads=context.threads)

    def make(name: str) -> Version:
        fill(context.registry.folder(name), adapter, peft)
        return Version(
            name=name,
            run_id=run.id,
            created_at=now(),
            base=base.record(),
            parent=_parent(context, base),
            trained_on=tuple(learned["train_ids"]),
            held_out=tuple(learned["held_out_ids"]),
        )

    version = context.registry.add(make)
    context.tell.say(f"What was learned is version {version.name}.")
    return version


def _parent(context: Context, base: Base) -> str | None:
    """The version that writes now, if it was made of the same weights."""
    try:
        active = context.registry.read().active_version
    except UnknownVersionError:
        return None
    return active.name if active is not None and active.base.sha256 == base.sha256 else None


def _examples(run: Run) -> Iterator[Example]:
    for row in chain(_rows(run, "held_out"), _rows(run, "train")):
        yield row["prompt_tokens"], row["story_tokens"]


def _prompts(run: Run) -> Iterator[Sequence[Message]]:
    """A held-out prompt, where there are settings to make one from, and ours."""
    for row in _rows(run, "held_out"):
        if (settings := settings_of(row["settings"])) is not None:
            yield story_messages(settings)
            break
    yield from map(story_messages, _PROMPTS)


def _rows(run: Run, side: str) -> Iterator[dict[str, Any]]:
    with run.output("dataset", side).open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
