"""The promote stage: the version that passed every gate writes from now on. And the way back.

What is active is one pointer in the registry, replaced atomically; a running app reads it at the next story.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from finetune.context import Context
from finetune.evaluate import rival_of
from finetune.exam.gate import Gate
from finetune.exam.gates import Decision, decide
from finetune.ollama.tidy import tidy
from finetune.register import point_alias
from finetune.runs import Manifest, Run, fingerprint
from storaiteller import durable
from storaiteller.registry import State, Version

DECISION = "decision.json"
BASE = "base"

_BY_HAND = "Promoted by hand."


def promote(context: Context, run: Run) -> Manifest:
    """Decide about the run's version, and let it write if it is better. Needs ``evaluate``.

    A version that was tried against one that is not active any more is kept. Raises ``RegistryError``.
    """
    tried = run.need("evaluate").metrics
    version = context.registry.read().find(run.need("register").metrics["version"])
    stage = run.stage("promote")
    inputs = fingerprint(version.name, tried)
    if done := stage.begin(inputs):
        if done.metrics["decision"] == "promoted" and context.registry.read().active != version.name:
            context.tell.say(f"Another model writes now. To use this one: promote {version.name}")
        return done
    decision = _still_holds(context, version, decide(tried), tried["against"])
    told = {
        "decision": "promoted" if decision.promoted else "kept",
        "reason": decision.reason,
        "version": version.name,
        "against": tried["against"],
        "gates": [asdict(gate) for gate in decision.gates],
    }
    durable.replace(stage.folder / DECISION, (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode())
    context.registry.update(
        version.name, status=told["decision"], reason=decision.reason, metrics=_summary(run, tried, told)
    )
    if decision.promoted:
        context.registry.activate(version.name)
        _say(context, point_alias(context, version.name))
    _say(context, tidy(context, version))
    return stage.finish(inputs, {"decision": DECISION}, told)


def promote_version(context: Context, name: str) -> str:
    """Let this version write, whatever its gates said; returns a sentence.

    Raises ``UnknownVersionError``, and ``RegistryError`` if its file is gone.
    """
    version = context.registry.read().find(name)
    context.registry.activate(name)
    if version.status != "promoted":
        exam = f" Its exam had said: {version.reason}" if version.reason else ""
        reason = f"{_BY_HAND}{exam}"
        context.registry.update(name, status="promoted", reason=reason)
    _say(context, point_alias(context, name))
    return f"Version {name} writes from the next story on."


def rollback(context: Context, to: str | None = None) -> str:
    """Let an earlier version write again; returns a sentence.

    ``to`` names it, or is "base"; without it, the one that was active when the active version was made.
    Raises ``UnknownVersionError``, and ``RegistryError`` if its file is gone.
    """
    state = context.registry.read()
    if to is None and state.active is None:
        return "The base model writes already; there is nothing to take back."
    name = _before(context, state) if to is None else None if to == BASE else state.find(to).name
    if name == state.active:
        return f"{_named(name)} writes already."
    context.registry.activate(name)
    _say(context, point_alias(context, name))
    before = f" {state.active} is kept, and can be promoted again." if state.active else ""
    return f"{_named(name)} writes from the next story on.{before}"


def _before(context: Context, state: State) -> str | None:
    """Up the line of descent to the first version that is still whole, and of the same weights."""
    version = state.active_version
    seen = set()
    while version is not None and version.parent is not None and version.parent not in seen:
        seen.add(version.name)
        parent = next((each for each in state.versions if each.name == version.parent), None)
        if parent is None:
            return None
        if parent.base.sha256 == version.base.sha256 and context.registry.adapter(parent.name).is_file():
            return parent.name
        version = parent
    return None


def _still_holds(context: Context, version: Version, decision: Decision, against: str) -> Decision:
    """Somebody may have promoted or rolled back while the version was tried."""
    now = rival_of(context.registry, version.base.sha256, version.name) or BASE
    if now == against or not decision.promoted:
        return decision
    why = "another model became active while it was tried"
    gate = Gate.of("still_active", "Tried against the model in use", None, 0.0, False, why)
    return Decision(False, f"Not promoted, because {why}.", (*decision.gates, gate))


def _summary(run: Run, tried: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """What the registry keeps of a run, for when its folder is gone."""
    dataset, train = (run.stage(name).manifest() for name in ("dataset", "train"))
    read = dataset.metrics if dataset else {}
    learned = train.metrics if train else {}
    return {
        "stories": read.get("train_stories"),
        "held_out_stories": read.get("held_out_stories"),
        "epochs": learned.get("epochs", []),
        "curve": learned.get("curve", []),
        "held_out": tried["held_out"],
        "against": tried["against"],
        "models": tried["models"],
        "gates": told["gates"],
    }


def _named(name: str | None) -> str:
    return "The base model" if name is None else f"Version {name}"


def _say(context: Context, sentence: str) -> None:
    if sentence:
        context.tell.say(sentence)
