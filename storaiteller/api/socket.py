"""The WebSocket: stories as they are written.

A session is one connection: a reader, and a task for each request, under one task group, so that a
client that goes away takes its stories with it. Nothing outlives the connection.
"""

from __future__ import annotations

import json
import logging
from collections import deque

import anyio
from anyio.abc import TaskGroup
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ValidationError

from storaiteller.api.answer import Answer
from storaiteller.api.errors import describe
from storaiteller.api.protocol import Error, Stop, WriteRequest, client_message
from storaiteller.engines.pool import EnginePool
from storaiteller.errors import InvalidRequestError
from storaiteller.models import Models

log = logging.getLogger(__name__)

MAX_RUNNING = 8
"""Requests one connection may have under way."""

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
"""The longest message; a longer one closes the connection (1009), as the protocol has it."""

REMEMBERED_IDS = 256
"""Ended requests whose late ``stop`` is not an error."""


class DuplicateIdError(InvalidRequestError):
    """A request came with the id of one that is still under way."""

    code = "duplicate_id"


class UnknownRequestError(InvalidRequestError):
    """A ``stop`` named a request this connection never made."""

    code = "unknown_request"


class TooManyRequestsError(InvalidRequestError):
    """The connection has as many requests under way as it may."""

    code = "too_many_requests"


def socket_router(models: Models, pool: EnginePool) -> APIRouter:
    router = APIRouter()

    @router.websocket("/ws")
    async def stories(websocket: WebSocket) -> None:
        await websocket.accept()
        await _Session(websocket, models, pool).run()

    return router


class _Session:
    def __init__(self, websocket: WebSocket, models: Models, pool: EnginePool) -> None:
        self._websocket = websocket
        self._models = models
        self._pool = pool
        self._running: dict[str, Answer] = {}
        self._ended: deque[str] = deque(maxlen=REMEMBERED_IDS)

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            while (event := await self._websocket.receive())["type"] == "websocket.receive":
                await self._hear(event.get("text"), tasks)
            tasks.cancel_scope.cancel()

    async def _hear(self, raw: str | None, tasks: TaskGroup) -> None:
        try:
            if raw is None:
                raise InvalidRequestError("Messages are JSON text, not binary.")
            message = client_message.validate_json(raw)
            if isinstance(message, Stop):
                self._stop(message.id)
            else:
                self._start(message, tasks)
        except ValidationError as error:
            await self._refuse(_id_in(raw), describe(error.errors(include_url=False)))
        except InvalidRequestError as error:
            await self._refuse(_id_in(raw), error)

    def _start(self, request: WriteRequest, tasks: TaskGroup) -> None:
        if request.id in self._running:
            raise DuplicateIdError(f"A request with the id {request.id!r} is still under way.", field="id")
        if len(self._running) >= MAX_RUNNING:
            raise TooManyRequestsError(
                f"At most {MAX_RUNNING} requests may be under way at once. Stop one first."
            )
        answer = Answer(request, self._models, self._pool, self._send)
        self._running[request.id] = answer
        tasks.start_soon(self._serve, request.id, answer)

    def _stop(self, request_id: str) -> None:
        if answer := self._running.get(request_id):
            answer.stop()
        elif request_id not in self._ended:
            raise UnknownRequestError(f"There is no request {request_id!r} to stop.", field="id")

    async def _serve(self, request_id: str, answer: Answer) -> None:
        try:
            await answer.run()
        finally:
            del self._running[request_id]
            self._ended.append(request_id)

    async def _refuse(self, request_id: str | None, error: InvalidRequestError) -> None:
        await self._send(Error(id=request_id, code=error.code, message=error.message, field=error.field))

    async def _send(self, message: BaseModel) -> None:
        try:
            await self._websocket.send_text(message.model_dump_json())
        except (WebSocketDisconnect, RuntimeError):
            log.debug("the client went away")  # the reader hears of it too, and ends the session


def _id_in(raw: str | None) -> str | None:
    """The id in a message that is otherwise not right, so that the client knows which one it was."""
    try:
        found = json.loads(raw or "").get("id")
        found.encode()  # what holds a lone surrogate could not be sent back
    except (ValueError, AttributeError, RecursionError):
        return None
    return str(found) if 0 < len(found) <= 128 else None
