"""The WebSocket: stories as they are written.

A session is one connection: a reader, and a task for each request that it listens to, under one task
group. The requests themselves belong to the app: a connection that goes away only stops listening.
"""

from __future__ import annotations

import json
import logging

import anyio
from anyio.abc import TaskGroup
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ValidationError

from storaiteller.api.errors import describe
from storaiteller.api.generation import Generation
from storaiteller.api.generations import Generations, TooManyRequestsError
from storaiteller.api.news import News
from storaiteller.api.protocol import Error, Kept, Resume, Stop, client_message
from storaiteller.errors import InvalidRequestError

log = logging.getLogger(__name__)

MAX_RUNNING = 8
"""Requests one connection may have under way."""

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
"""The longest message; a longer one closes the connection (1009), as the protocol has it."""


def socket_router(generations: Generations, news: News) -> APIRouter:
    router = APIRouter()

    @router.websocket("/ws")
    async def stories(websocket: WebSocket) -> None:
        await websocket.accept()
        await _Session(websocket, generations, news).run()

    return router


class _Session:
    def __init__(self, websocket: WebSocket, generations: Generations, news: News) -> None:
        self._websocket = websocket
        self._generations = generations
        self._news = news
        self._hearing: dict[str, anyio.CancelScope] = {}
        """What is being told here, by its id: to be told from elsewhere in it, that has to end first."""

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._tell_changes)
            while (event := await self._websocket.receive())["type"] == "websocket.receive":
                await self._hear(event.get("text"), tasks)
            tasks.cancel_scope.cancel()

    async def _hear(self, raw: str | None, tasks: TaskGroup) -> None:
        try:
            if raw is None:
                raise InvalidRequestError("Messages are JSON text, not binary.")
            message = client_message.validate_json(raw)
            if isinstance(message, Stop):
                self._generations.find(message.id).end()
            elif isinstance(message, Kept):
                self._generations.find(message.id).attention.keep()
            elif isinstance(message, Resume):
                self._listen(self._generations.find(message.id), message.seq, tasks)
            else:
                self._check_room()
                self._listen(self._generations.begin(message), 0, tasks)
        except ValidationError as error:
            await self._refuse(_id_in(raw), describe(error.errors(include_url=False)))
        except InvalidRequestError as error:
            await self._refuse(_id_in(raw), error)

    def _check_room(self) -> None:
        if len(self._hearing) >= MAX_RUNNING:
            raise TooManyRequestsError(
                f"At most {MAX_RUNNING} requests may be under way at once. Stop one first."
            )

    def _listen(self, generation: Generation, seq: int, tasks: TaskGroup) -> None:
        request_id, scope = generation.id, anyio.CancelScope()
        if before := self._hearing.pop(request_id, None):
            before.cancel()
        self._check_room()
        self._hearing[request_id] = scope
        tasks.start_soon(self._tell, generation, seq, scope)

    async def _tell(self, generation: Generation, seq: int, scope: anyio.CancelScope) -> None:
        with generation.heard(), scope:
            try:
                await generation.told.read(seq, self._send)
            finally:
                if self._hearing.get(generation.id) is scope:
                    del self._hearing[generation.id]
            await generation.settled.wait()

    async def _tell_changes(self) -> None:
        with self._news.heard() as listener:
            while True:
                await self._send(await listener.next())

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
