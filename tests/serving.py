"""The whole app on a real uvicorn, in this process, and clients that know its token."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect

from storaiteller.app import create_app
from storaiteller.config import Config
from storaiteller.models import Models
from storaiteller.server import listen, uvicorn_config

TOKEN = "the-launch-token"
BEARER = {"authorization": f"Bearer {TOKEN}"}
GUARD = 60.0
"""Seconds until something that hangs fails its test."""


class _Server(uvicorn.Server):
    """Ends as soon as it is told to, and not at its next look at a clock."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(uvicorn_config(app))
        self.up = asyncio.Event()
        self.down = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    async def main_loop(self) -> None:
        await self.down.wait()


class Talk:
    """A client of ``/ws``, who says what a test wants and hears what comes of it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        """The next message."""
        raw = await asyncio.wait_for(self.connection.recv(), GUARD)
        message: dict[str, Any] = json.loads(raw)
        return message

    async def hear_until(self, kind: str) -> list[dict[str, Any]]:
        """All messages up to the next of this type, which is the last."""
        heard = [await self.hear()]
        while heard[-1]["type"] != kind:
            heard.append(await self.hear())
        return heard


@dataclass
class Serving:
    """A server that is up."""

    port: int

    def http(self) -> httpx.AsyncClient:
        address = f"http://127.0.0.1:{self.port}"
        return httpx.AsyncClient(base_url=address, headers=BEARER, timeout=GUARD, trust_env=False)

    @asynccontextmanager
    async def talk(self, **more: Any) -> AsyncIterator[Talk]:
        """A connection to ``/ws``; ``more`` goes to ``websockets``."""
        address = f"ws://127.0.0.1:{self.port}/ws"
        async with connect(address, additional_headers=BEARER, proxy=None, **more) as connection:
            yield Talk(connection)


@contextmanager
def logging_as_it_was() -> Iterator[None]:
    """Undo what uvicorn's configuration does to the loggers of this process."""
    loggers = [logging.getLogger(f"uvicorn{name}") for name in ("", ".error", ".access", ".asgi")]
    kept = [(each.level, each.handlers[:], each.filters[:], each.propagate) for each in loggers]
    try:
        yield
    finally:
        for logger, (level, handlers, filters, propagate) in zip(loggers, kept, strict=True):
            logger.setLevel(level)
            logger.handlers, logger.filters, logger.propagate = handlers, filters, propagate


@asynccontextmanager
async def serving(models: Models | None = None, **settings: Any) -> AsyncIterator[Serving]:
    """Serve ``models``, or the ones of these settings, on a free port."""
    with logging_as_it_was(), listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        config = Config(port=port, browser=False, token=TOKEN, **settings)
        server = _Server(create_app(config, models=models))
        task = asyncio.create_task(server.serve([listener]))
        try:
            await asyncio.wait_for(server.up.wait(), GUARD)
            yield Serving(port)
        finally:
            server.down.set()
            await task
