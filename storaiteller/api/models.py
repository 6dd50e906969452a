"""REST: which models there are, fetching one, and whether the app is ready to write."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from storaiteller.api.errors import ErrorBody, responses
from storaiteller.engines.base import PullProgress
from storaiteller.engines.pool import EnginePool
from storaiteller.errors import EngineError, ModelMissingError, StoraitellerError
from storaiteller.model_files import ModelInfo
from storaiteller.models import Models
from storaiteller.story import ModelId


class ModelList(BaseModel):
    """``active`` writes unless a request names another."""

    active: str
    models: list[ModelInfo]


class Pull(BaseModel):
    """Which model to fetch, by its id."""

    model_config = ConfigDict(extra="forbid")

    model: ModelId


class Health(BaseModel):
    """Whether a story could be begun now; if not, ``code`` and ``detail`` say why and what to do."""

    ready: bool
    engine: Literal["embedded", "ollama"]
    model: str
    code: str | None = None
    detail: str = ""


Warm = Callable[[], Coroutine[None, None, None]]
"""Loads the default model, if it can."""


def models_router(models: Models, pool: EnginePool, warm: Warm) -> APIRouter:
    """``warm`` is called after a fetch, and when another version of the writer's own model is active."""
    router = APIRouter(tags=["models"])
    warming: set[asyncio.Task[None]] = set()

    @router.get("/models", responses=responses())
    async def list_models() -> ModelList:
        """Every model that can write now, and those that can be fetched."""
        found = await models.listing()
        return ModelList(active=models.default_id, models=found)

    @router.post(
        "/models/pull",
        response_class=StreamingResponse,
        responses=responses(404, 502, 503)
        | {200: {"content": {"application/x-ndjson": {}}, "description": "Progress, a JSON object a line"}},
    )
    async def pull_model(pull: Pull) -> StreamingResponse:
        """Fetch a model. The last line is ``{"status": "success"}`` or an error; hanging up stops it."""
        steps = models.pull(pull.model)
        first = await anext(steps)  # what is wrong from the start is an error and no stream
        return StreamingResponse(_lines(first, steps), media_type="application/x-ndjson")

    async def _lines(
        step: PullProgress, steps: AsyncGenerator[PullProgress, None]
    ) -> AsyncGenerator[str, None]:
        try:
            async with aclosing(steps):
                yield _progress_line(step)
                async for step in steps:
                    yield _progress_line(step)
        except StoraitellerError as error:
            yield _line(**ErrorBody(code=error.code, message=error.message).model_dump())
        else:
            await warm()

    @router.get("/health", responses=responses())
    async def health() -> Health:
        """Which model would write now, and whether it can."""
        try:
            model = await models.find(None)
        except EngineError as error:
            return _not_ready(error.code, error.message)
        if not model.installed:
            return _not_ready(ModelMissingError.code, _missing(model))
        failure = pool.failures.get(model.id)
        if failure and not isinstance(failure, ModelMissingError):  # it is there by now
            return _not_ready(failure.code, failure.message)
        if model.engine == "embedded" and not failure and model.id not in pool.ready_once:
            if not pool.is_loading(model.id):
                warming.add(task := asyncio.create_task(warm()))  # a version that was promoted since
                task.add_done_callback(warming.discard)
            return _not_ready("loading", "The model is being loaded.")
        return Health(ready=True, engine=model.engine, model=model.id)

    def _not_ready(code: str, detail: str) -> Health:
        engine: Literal["embedded", "ollama"] = (
            "ollama" if models.default_id.startswith("ollama/") else "embedded"
        )
        return Health(ready=False, engine=engine, model=models.default_id, code=code, detail=detail)

    return router


def _missing(model: ModelInfo) -> str:
    if model.engine == "ollama":
        return f"Ollama is running, but {model.name} is not there yet."
    return model.detail or f"{model.name} is not on this machine yet."


def _progress_line(step: PullProgress) -> str:
    return _line(status=step.status, completed=step.completed, total=step.total)


def _line(**values: Any) -> str:
    return json.dumps(values) + "\n"
