"""A client that keeps the time: on the story socket, and at the measuring door."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect

from storaiteller.story import StorySettings
from tests.bench.harness import TOKEN, BenchError
from tests.bench.scripted_server import Asked, Bare, Script, State

_HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One request as its client saw it. Seconds count from sending; ``size`` is bytes on the wire.

    ``first_there`` is ``first`` by the server's own clock: the rest is the way here, and waking up.
    """

    text: str
    first: float
    first_there: float
    seconds: float
    prompt: int
    cached: int
    tokens: int
    chunks: int
    size: int


class Socket(ClientConnection):
    """A connection to ``/ws`` that counts the bytes it was sent."""

    size = 0

    def data_received(self, data: bytes) -> None:
        self.size += len(data)
        super().data_received(data)

    async def ask(
        self, kind: str, settings: StorySettings, *, first_only: bool = False, **more: Any
    ) -> Answer:
        """Send one request and hear it to its end; with ``first_only``, stop it at its first words."""
        request = json.dumps({"type": kind, "id": "1", "settings": asdict(settings), **more})
        begun, size, first = time.perf_counter(), self.size, 0.0
        texts: list[str] = []
        await self.send(request)
        while (message := json.loads(await self.recv()))["type"] not in ("done", "error"):
            if message["type"] == "chunk":
                first = first or time.perf_counter()
                texts.append(message["text"])
                if first_only and len(texts) == 1:
                    await self.send('{"type": "stop", "id": "1"}')
        if message["type"] == "error":
            raise BenchError(message["message"])
        usage = message["usage"]
        return Answer(
            text="".join(texts),
            first=first - begun,
            first_there=message["time_to_first_token_ms"] / 1000,
            seconds=time.perf_counter() - begun,
            prompt=usage["prompt"],
            cached=usage["cached"],
            tokens=usage["completion"],
            chunks=len(texts),
            size=self.size - size,
        )


class Client:
    """Talks to the server of ``tests.bench.scripted_server`` at ``host``."""

    def __init__(self, host: str, http: httpx.AsyncClient, pid: int) -> None:
        self.pid = pid
        self._host = host
        self._http = http

    @classmethod
    @asynccontextmanager
    async def of(cls, server: tuple[str, int]) -> AsyncIterator[Self]:
        """A client of a ``harness.running`` server, once its model is loaded."""
        host, pid = server
        address = f"http://{host}"
        async with httpx.AsyncClient(
            base_url=address, headers=_HEADERS, timeout=None, trust_env=False
        ) as http:
            while not (await http.get("/health")).json()["ready"]:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
            yield cls(host, http, pid)

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[Socket]:
        connection = connect(
            f"ws://{self._host}/ws",
            additional_headers=_HEADERS,
            compression=None,
            max_size=None,
            create_connection=Socket,
            proxy=None,
            close_timeout=1,
        )
        async with connection as socket:
            assert isinstance(socket, Socket)
            yield socket

    async def state(self) -> State:
        return State(**(await self._http.get("/bench/state")).raise_for_status().json())

    async def script(self, script: Script, keyword: str = "moon") -> None:
        """Let the engine say this when a story has this keyword."""
        (await self._http.put(f"/bench/script/{keyword}", json=script.model_dump())).raise_for_status()

    async def bare(
        self, settings: StorySettings, *, seed: int | None = None, limit: int | None = None
    ) -> Bare:
        """The engine alone, in the server's process, with nothing of the app around it."""
        asked = Asked(settings=settings, seed=seed, limit=limit)
        answer = await self._http.post("/bench/bare", json=asked.model_dump(mode="json"))
        return Bare(**answer.raise_for_status().json())

    def reset_peak_memory(self) -> int:
        """Begin to look for a new peak; returns the memory resident now, in bytes."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        return self.peak_memory()

    def peak_memory(self) -> int:
        """The most memory that was resident since then, in bytes. Linux keeps it exactly."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
