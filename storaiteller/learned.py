"""What the model has learned, as the page tells it: from the registry, the ledger and the last run. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from storaiteller.version import MAX_STRENGTH, State, Version, VersionStatus

MIN_LIKES = 20
"""Good stories needed before anything is learned; with fewer, showing them in the prompt does more."""

REPORT, SAMPLES = "report.html", "samples.json"
"""What the learning loop leaves in a version's folder, beside its adapter."""


class RunResult(BaseModel):
    """How a learning run ended: its ``result.json``, as far as the app reads it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: str
    decision: Literal["promoted", "kept", "skipped"]
    reason: str = ""
    at: str = ""
    error: str | None = None
    """The code of what stopped it, if anything did."""


class Card(BaseModel):
    """What the first page says the morning after."""

    run_id: str
    decision: Literal["promoted", "kept", "failed"]
    sentence: str
    at: str


class Ancestor(BaseModel):
    """The model that a version was tuned from."""

    model_id: str
    name: str


class LearnedVersion(BaseModel):
    """One version. ``stories`` it learned from, ``held_out`` were kept for its exam.

    ``taken_back`` of those that it learned from are good no more.
    """

    name: str
    parent: str | None
    created_at: str
    status: VersionStatus
    reason: str
    base: Ancestor
    stories: int
    held_out: int
    taken_back: int
    ollama: str | None
    metrics: dict[str, Any]
    has_report: bool


class Learned(BaseModel):
    """Everything the page needs. ``slider``: whether the strength does anything where the model runs now.

    ``waits`` says why the active version does not write; it is empty while it does.
    """

    active: str | None
    waits: str
    strength: float
    max_strength: float
    slider: bool
    versions: list[LearnedVersion]
    likes: int
    needed: int
    card: Card | None
    problem: str


class Sample(BaseModel):
    """A held-out prompt, and what each model wrote for it from the same seed.

    ``liked`` is the writer's own story; ``active`` is of the version before, if there was one.
    """

    model_config = ConfigDict(extra="ignore")

    story_id: str
    prompt: str
    seed: int
    liked: str
    base: str
    active: str | None
    candidate: str


def learned(
    state: State,
    *,
    base_id: str | None,
    good: Collection[str],
    taken_back: Collection[str],
    result: RunResult | None,
    has_report: Callable[[str], bool],
    problem: str = "",
) -> Learned:
    """``base_id`` is the model that writes where nothing was learned, or None while that is not settled.

    ``good`` and ``taken_back`` are story ids of the ledger; ``problem`` is why ``state`` is empty.
    """
    active = state.active_version
    waits = active.waits(base_id) if active is not None and base_id is not None else ""
    versions = [
        _version(version, frozenset(taken_back), has_report(version.name))
        for version in reversed(state.versions)
    ]
    return Learned(
        active=state.active,
        waits=waits,
        strength=state.strength,
        max_strength=MAX_STRENGTH,
        slider=not waits and not _runs_in_ollama(active),
        versions=versions,
        likes=len(good),
        needed=MIN_LIKES,
        card=_card(result, state.versions) if result else None,
        problem=problem,
    )


def read_result(raw: bytes) -> RunResult | None:
    """A run's ``result.json``; None if it is none."""
    try:
        return RunResult.model_validate_json(raw)
    except ValidationError:
        return None


def _version(version: Version, taken_back: frozenset[str], has_report: bool) -> LearnedVersion:
    return LearnedVersion(
        **version.model_dump(
            include={"name", "parent", "created_at", "status", "reason", "ollama", "metrics"}
        ),
        base=Ancestor(model_id=version.base.model_id, name=version.base.name),
        stories=len(version.trained_on),
        held_out=len(version.held_out),
        taken_back=len(taken_back.intersection(version.trained_on)),
        has_report=has_report,
    )


def _runs_in_ollama(version: Version | None) -> bool:
    """Whether its adapter is applied where its strength cannot be chosen."""
    return version is not None and version.base.model_id.startswith("ollama/") and version.ollama is not None


def _card(result: RunResult, versions: Iterable[Version]) -> Card | None:
    if result.decision == "skipped":
        return None
    decision = "failed" if result.error else result.decision
    sentence = _failed(result) if decision == "failed" else _decided(result, versions)
    return Card(run_id=result.run_id, decision=decision, sentence=sentence, at=result.at)


def _failed(result: RunResult) -> str:
    return f"Learning did not come to its end, and your model is as it was. {result.reason}".rstrip()


def _decided(result: RunResult, versions: Iterable[Version]) -> str:
    """The run's own reason says "Promoted, because …": here it is the second half of a sentence."""
    stories = next((len(each.trained_on) for each in versions if each.run_id == result.run_id), None)
    number = "your" if stories is None else f"{stories:,}"
    source = f"{number} good {'story' if stories == 1 else 'stories'}"
    decision = "promoted" if result.decision == "promoted" else "not promoted"
    if result.reason.lower().startswith(decision):
        return f"Learned from {source}; {result.reason[0].lower()}{result.reason[1:]}"
    return f"Learned from {source}; {decision}. {result.reason}".rstrip()
