"""The pages and their assets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from starlette.responses import Response

from storaiteller import __version__
from storaiteller.api.security import Knock
from storaiteller.errors import ConfigError
from storaiteller.learned import MIN_LIKES
from storaiteller.registry import MAX_STRENGTH
from storaiteller.story import MAX_WORDS, MIN_WORDS, Genre, Register


class Pages:
    """Renders what lies in ``web/templates`` and serves what was built into ``web/dist``."""

    def __init__(self) -> None:
        web = _web_folder()
        self._assets = web / "dist"
        self._templates: Environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(web / "templates"), undefined=StrictUndefined, autoescape=True
        )

    def door(self, knock: Knock) -> str:
        """What somebody without the token sees."""
        return self._templates.get_template("door.html").render(
            needs_password=knock.asks_password, wrong=knock.was_wrong, csp_nonce=knock.nonce
        )

    def install(self, app: FastAPI) -> None:
        """Add ``GET /``, ``/library``, ``/learned``, ``/choices`` and ``/assets`` to ``app``."""
        router = APIRouter(include_in_schema=False)

        @router.get("/", response_class=HTMLResponse)
        def index(request: Request) -> str:
            return self._templates.get_template("index.html").render(
                genres=[genre.value for genre in Genre],
                registers=[register.value for register in Register],
                min_words=MIN_WORDS,
                max_words=MAX_WORDS,
                version=__version__,
                csp_nonce=request.state.csp_nonce,
            )

        @router.get("/library", response_class=HTMLResponse)
        def library() -> str:
            return self._templates.get_template("library.html").render(version=__version__)

        @router.get("/learned", response_class=HTMLResponse)
        def learned() -> str:
            return self._templates.get_template("learned.html").render(
                version=__version__, max_strength=MAX_STRENGTH, needed=MIN_LIKES
            )

        @router.get("/choices", response_class=HTMLResponse)
        def choices() -> str:
            return self._templates.get_template("choices.html").render(version=__version__)

        app.include_router(router)
        app.mount("/assets", _Assets(directory=self._assets), name="assets")


class _Assets(StaticFiles):
    """Files that a browser may keep, but asks about each time: they change with an update."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "no-cache"
        return response


def _web_folder() -> Path:
    """``web/`` beside the package in a checkout, inside it when installed from a wheel."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "web", package.parent / "web"):
        if (folder / "dist" / "main.js").is_file():
            return folder
    raise ConfigError("The page has not been built. Run: make run (or python web/build.py)")
