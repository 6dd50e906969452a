"""The evaluate stage: who sits the exam, and what it came to; the exam itself is in ``exam/``."""

from __future__ import annotations

import json
from typing import Any

from finetune.base import of_run
from finetune.context import Context
from finetune.exam.perplexity import BASE
from finetune.exam.sitting import ACTIVE, CANDIDATE, PROSE, Contender, Exam
from finetune.runs import Manifest, Run, fingerprint
from finetune.stories.examples import read_examples
from finetune.version_folder import PEFT
from storaiteller import durable
from storaiteller.errors import UnknownVersionError
from storaiteller.registry import Registry

METRICS, SAMPLES = "metrics.json", "samples.json"

_FORMAT = 4
"""Raise it when something is measured otherwise, so that a run that is taken up again measures anew."""


def evaluate(context: Context, run: Run) -> Manifest:
    """Try the run's version. Needs ``dataset`` and ``register``.

    Raises ``EngineError`` and ``LearnError``; Ctrl-C leaves no manifest, so that it is done anew.
    """
    version = run.need("register").metrics["version"]
    base = of_run(context, run)
    rival = rival_of(context.registry, base.sha256, version)
    files = run.output("dataset", "train"), run.output("dataset", "held_out")
    adapter = context.registry.adapter(version)
    matters = [context.learn.samples, context.learn.seed, str(context.learn.base)]
    inputs = fingerprint(_FORMAT, *files, adapter, base.sha256, rival, matters, PROSE)
    stage = run.stage("evaluate")
    if done := stage.begin(inputs):
        return done
    names = {CANDIDATE: version} | ({ACTIVE: rival} if rival else {})
    contenders = [
        Contender(role, context.registry.folder(name) / PEFT, context.registry.adapter(name))
        for role, name in names.items()
    ]
    exam = Exam(context, base, contenders, *map(read_examples, files))
    metrics, samples = exam.hold(against=rival or BASE)
    durable.replace(stage.folder / METRICS, _json(metrics))
    durable.replace(stage.folder / SAMPLES, _json(samples))
    return stage.finish(inputs, {"metrics": METRICS, "samples": SAMPLES}, metrics)


def rival_of(registry: Registry, sha256: str, candidate: str) -> str | None:
    """The version to beat: the active one, if it is made of the same weights and its files are there.

    None is the base. Of a candidate that is active already, the version that it took over from.
    """
    state = registry.read()
    try:
        active = state.find(candidate).parent if state.active == candidate else state.active
        version = state.find(active) if active else None
    except UnknownVersionError:
        return None
    if version is None or version.base.sha256 != sha256:
        return None
    whole = registry.adapter(version.name).is_file() and (registry.folder(version.name) / PEFT).is_dir()
    return version.name if whole else None


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
