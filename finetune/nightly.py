"""All stages in order, once a night: from what was liked since to a model that is better, or the old one."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from finetune import base
from finetune.context import Context
from finetune.errors import NoRoomError, SkippedError
from finetune.report import report
from finetune.runs import Manifest, Run, fingerprint, now
from storaiteller.errors import StoraitellerError
from storaiteller.feedback import GOOD

STAGES = ("dataset", "train", "convert", "register", "evaluate", "promote", "report")
RESULT, _INPUTS = "result.json", "inputs.json"

Decision = Literal["promoted", "kept", "skipped"]


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to, in one sentence and in numbers. ``error`` is the code of what stopped it, if
    anything did; then the active model was kept.
    """

    run_id: str | None
    decision: Decision
    reason: str
    metrics: dict[str, Any] = field(default_factory=dict)
    artefacts: dict[str, str] = field(default_factory=dict)
    at: str = field(default_factory=now)
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def sentence(self) -> str:
        decided = self.reason.startswith(("Promoted", "Not promoted"))
        return self.reason if decided else f"{self.decision.capitalize()}. {self.reason}"

    def told(self) -> str:
        """For a person at a terminal."""
        where = self.artefacts.get("report/report", "")
        return self.sentence + (f"\nThe report: {where}" if where else "")


def stage(name: str) -> Callable[[Context, Run], Manifest]:
    """A stage by its name; the file it is in is only imported now, for some take seconds."""
    found: Callable[[Context, Run], Manifest] = getattr(import_module(f"finetune.{name}"), name)
    return found


def nightly(context: Context) -> Result:
    """Go through all stages, on from where an interrupted run stopped if nothing has changed since.

    Whatever goes wrong is the result's reason and not raised, but for ``BusyError`` and Ctrl-C.
    """
    with context.runs.lock():
        try:
            inputs = _inputs(context)
        except StoraitellerError as error:
            return Result(None, "kept", error.message, error=error.code)
        if last := _last_with(context, inputs):
            return Result(
                last.id, "skipped", "Nothing was added to or taken from your good stories since last time."
            )
        run = _unfinished(context, inputs) or _begun(context, inputs)
        result = _through(context, run)
        if result.decision == "skipped":
            run.remove()
        else:
            run.write_json(RESULT, result.as_json())
            context.runs.prune(context.learn.keep_runs)
        return result


def begin(context: Context) -> Run:
    """A new run, for stages run by hand."""
    return _begun(context, _inputs(context))


def conclude(run: Run) -> Result:
    """Note what a run by hand came to, as ``nightly`` does: then no night does it again.

    Raises ``StageMissingError`` before ``promote`` was run.
    """
    result = _decided(run, {})
    run.write_json(RESULT, result.as_json())
    return result


def result_of(run: Run) -> Result | None:
    """What a finished run came to."""
    try:
        return Result(**json.loads((run.folder / RESULT).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _through(context: Context, run: Run) -> Result:
    seconds: dict[str, float] = {}
    try:
        for name in STAGES:
            begun = time.monotonic()
            stage(name)(context, run)
            seconds[name] = round(time.monotonic() - begun, 1)
    except SkippedError as skipped:
        return Result(run.id, "skipped", skipped.message)
    except (StoraitellerError, OSError) as error:
        told = error if isinstance(error, StoraitellerError) else _of_the_disk(error)
        with suppress(StoraitellerError, OSError):  # there is one from where training was done
            report(context, run, stopped=told.message)
        return Result(run.id, "kept", told.message, _metrics(run, seconds), _artefacts(run), error=told.code)
    return _decided(run, seconds)


def _decided(run: Run, seconds: dict[str, float]) -> Result:
    decided = run.need("promote").metrics
    return Result(run.id, decided["decision"], decided["reason"], _metrics(run, seconds), _artefacts(run))


def _of_the_disk(error: OSError) -> StoraitellerError:
    """A disk that was full or could not be written, in our words; any other ``OSError`` is raised."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
        raise error
    where = f" ({error.filename})" if error.filename else ""
    return NoRoomError(
        f"The disk could not be written: {error.strerror}{where}. Make room, and run it again."
    )


def _inputs(context: Context) -> str:
    """A digest of all that decides what comes out: the good stories, the model, the settings."""
    stories = sorted(row.digest().hex() for row in context.ledger.latest() if row.rating == GOOD)
    settings = context.learn.model_dump(mode="json", exclude={"max_minutes", "keep_runs"})
    if len(stories) < context.learn.min_likes:
        return fingerprint(stories, settings)  # and look for no model before it is needed
    return fingerprint(stories, settings, base.resolve(context).sha256)


def _last_with(context: Context, inputs: str) -> Run | None:
    """The last run that was finished, if it was about the very same."""
    for run in reversed(context.runs.all()):
        result = result_of(run)
        if result is not None and result.error is None:
            return run if _inputs_of(run) == inputs else None
    return None


def _unfinished(context: Context, inputs: str) -> Run | None:
    for run in context.runs.all()[-1:]:
        result = result_of(run)
        if _inputs_of(run) == inputs and (result is None or result.error):
            context.tell.say(f"Going on with run {run.id}, which was not finished")
            return run
    return None


def _begun(context: Context, inputs: str) -> Run:
    run = context.runs.create()
    run.write_json(_INPUTS, {"inputs": inputs})
    return run


def _inputs_of(run: Run) -> str | None:
    try:
        return str(json.loads((run.folder / _INPUTS).read_text())["inputs"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _metrics(run: Run, seconds: dict[str, float]) -> dict[str, Any]:
    """The few numbers that say it all; the stages' manifests have the rest."""
    made = {name: run.stage(name).manifest() for name in STAGES}
    found: dict[str, Any] = {"seconds": seconds}
    if dataset := made["dataset"]:
        found |= {key: dataset.metrics[key] for key in ("train_stories", "held_out_stories")}
    if trained := made["train"]:
        found |= {key: trained.metrics[key] for key in ("best_epoch", "tokens_per_second", "device")}
    if registered := made["register"]:
        found["version"] = registered.metrics["version"]
    if tried := made["evaluate"]:
        found |= {key: tried.metrics[key] for key in ("against", "held_out", "parity")}
    return found


def _artefacts(run: Run) -> dict[str, str]:
    """Where what was made lies."""
    places: dict[str, Path] = {}
    for name in STAGES:
        if made := run.stage(name).manifest():
            places |= {f"{name}/{key}": run.folder / name / file for key, file in made.outputs.items()}
    return {key: str(path) for key, path in places.items() if path.exists()}
