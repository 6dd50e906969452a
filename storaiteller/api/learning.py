"""REST: what the model has learned, which version of it writes, and how strongly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from storaiteller.api.errors import responses
from storaiteller.errors import InvalidRequestError, RegistryError
from storaiteller.feedback import GOOD, FeedbackLedger
from storaiteller.learned import REPORT, SAMPLES, Learned, RunResult, Sample, learned, read_result
from storaiteller.registry import MAX_STRENGTH, VERSION_NAME, Registry, State, VersionName

_REPORT_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    # A browser shows no page that is in a sandbox and asks for a window of its own at once.
    "cross-origin-opener-policy": "unsafe-none",
}
_samples = TypeAdapter(list[Sample])

Name = Annotated[str, PathParameter(pattern=VERSION_NAME)]


class NoReportError(InvalidRequestError):
    """There is no report on this version."""

    code = "no_report"
    status = 404


class Activate(BaseModel):
    """Which version writes from the next story on; null is the base model."""

    model_config = ConfigDict(extra="forbid")

    version: VersionName | None


class Strengthen(BaseModel):
    """How strongly the active version speaks: 0 is the base model, 1 what was learned."""

    model_config = ConfigDict(extra="forbid")

    strength: Annotated[float, Field(strict=True, ge=0, le=MAX_STRENGTH, allow_inf_nan=False)]


def learning_router(
    registry: Registry, ledger: FeedbackLedger, runs: Path, base_id: Callable[[], str | None]
) -> APIRouter:
    """``runs`` is the folder of the learning runs; ``base_id`` tells the app's base model, None while it is
    not settled. Every route runs beside the event loop: it reads files.
    """
    router = APIRouter(tags=["learning"])

    @router.get("/learning", responses=responses(507))
    def show() -> Learned:
        """Every version, newest first, and how the last run ended; ``problem``: the registry is damaged."""
        return _now()

    @router.post("/learning/active", responses=responses(404, 500, 507))
    def activate(body: Activate) -> Learned:
        """Let a version write, or the base model. A story that is being written ends as it began."""
        registry.activate(body.version)
        return _now()

    @router.post("/learning/strength", responses=responses(500, 507))
    def strengthen(body: Strengthen) -> Learned:
        """Set how strongly the active version speaks, from the next story on."""
        registry.set_strength(body.strength)
        return _now()

    @router.get(
        "/learning/versions/{name}/report",
        response_class=Response,
        responses=responses(404, 500) | {200: {"content": {"text/html": {}}, "description": "The report"}},
    )
    def report(name: Name) -> HTMLResponse:
        """The report on the run that made a version: a page of its own, which can run no script."""
        try:
            return HTMLResponse(_file(name, REPORT).read_bytes(), headers=_REPORT_HEADERS)
        except OSError as error:
            raise NoReportError(f"There is no report on version {name}.", field="name") from error

    @router.get("/learning/versions/{name}/samples", responses=responses(404, 500))
    def samples(name: Name) -> list[Sample]:
        """The same prompts, written for by each model when the version was tried; none if none were kept."""
        try:
            return _samples.validate_json(_file(name, SAMPLES).read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, ValidationError) as error:
            raise RegistryError(f"The samples of version {name} cannot be read. See its report.") from error

    def _file(name: str, file: str) -> Path:
        return registry.folder(registry.read().find(name).name) / file

    def _now() -> Learned:
        state, problem = _state()
        rows = [(row.story_id, row.rating) for row in ledger.latest()]
        return learned(
            state,
            base_id=base_id(),
            good={story_id for story_id, rating in rows if rating == GOOD},
            taken_back={story_id for story_id, rating in rows if rating != GOOD},
            result=_last_result(runs),
            has_report=lambda name: (registry.folder(name) / REPORT).is_file(),
            problem=problem,
        )

    def _state() -> tuple[State, str]:
        try:
            return registry.read(), ""
        except RegistryError as error:
            return State(), error.message

    return router


def _last_result(runs: Path) -> RunResult | None:
    """How the last run ended that had something to learn from: the nights after it, when there is nothing
    new, say nothing of it.
    """
    return next((result for result in _results(runs) if result.decision != "skipped"), None)


def _results(runs: Path) -> Iterator[RunResult]:
    """Newest first: runs are named after the time they began."""
    for path in sorted(runs.glob("*/result.json"), reverse=True):
        try:
            raw = path.read_bytes()
        except OSError:
            continue
        if result := read_result(raw):
            yield result
