"""A server that answers as Ollama does, and ours for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from storaiteller.engines.ollama import OllamaServer
from tests.fake_ollama import FakeOllama


@pytest.fixture
async def fake() -> AsyncIterator[FakeOllama]:
    async with FakeOllama() as fake:
        yield fake


@pytest.fixture
async def server(fake: FakeOllama) -> AsyncIterator[OllamaServer]:
    server = OllamaServer(fake.url)
    yield server
    await server.aclose()
