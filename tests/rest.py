"""The app as a client on REST sees it, and what is sent to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from storaiteller.app import create_app
from storaiteller.config import Config
from storaiteller.models import Models
from tests.serving import BEARER, TOKEN

SETTINGS: dict[str, Any] = {"genre": "Fantasy", "register": "Playful", "max_words": 120}
FULL = {
    "characters": ["Ada", "Bo"],
    "keywords": ["moon", "tide"],
    "genre": "Fantasy",
    "register": "Playful",
    "child_friendly": True,
    "max_words": 120,
    "final_twist": True,
}
STORY = {"settings": SETTINGS, "story": "Once.\r\n\r\n“Upon”, a time 🌙", "story_id": "s1"}
PARTS = {
    "settings": SETTINGS,
    "initialpart": "Ada ran. ",
    "selectedpart": "She fell.",
    "finalpart": " The end.",
    "instruction": "shorter",
}


@asynccontextmanager
async def opened(config: Config, models: Models | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app, with its lifespan but without a server."""
    app = create_app(config, token=TOKEN, models=models)
    async with app.router.lifespan_context(app), client_of(app) as client:
        yield client


def client_of(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=BEARER)


def assert_error(response: httpx.Response, status: int, code: str, field: str | None = None) -> str:
    """Check the one form of an error, and return its message."""
    assert response.status_code == status, response.text
    body = response.json()
    assert list(body) == ["code", "message", "field"]
    assert (body["code"], body["field"]) == (code, field)
    message: str = body["message"]
    assert message.endswith(".")
    assert len(message) < 600
    return message
