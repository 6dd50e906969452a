"""Where the parts are joined: the only place that knows all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from storaiteller import __version__
from storaiteller.api import errors
from storaiteller.api.feedback import feedback_router
from storaiteller.api.generations import Generations
from storaiteller.api.learning import learning_router
from storaiteller.api.library import library_router
from storaiteller.api.models import models_router
from storaiteller.api.news import News
from storaiteller.api.pages import Pages
from storaiteller.api.preferences import preferences_router
from storaiteller.api.security import Gate, new_token
from storaiteller.api.sites import allowed_hosts
from storaiteller.api.socket import socket_router
from storaiteller.api.stories import stories_router
from storaiteller.api.takes import takes_router
from storaiteller.api.writing import writing_router
from storaiteller.config import Config
from storaiteller.engines.pool import EnginePool
from storaiteller.errors import StoraitellerError
from storaiteller.feedback import FeedbackLedger
from storaiteller.library.library import Library
from storaiteller.models import Models
from storaiteller.preferences import PreferenceLedger
from storaiteller.registry import Registry
from storaiteller.verdicts import Verdicts

log = logging.getLogger(__name__)


def create_app(config: Config, *, token: str | None = None, models: Models | None = None) -> FastAPI:
    """The whole app for one configuration.

    ``token`` lets a browser or program in; without it, the configured one or a new one. ``models``
    replaces the models of the configuration, for tests and measurements.
    """
    models = models or Models(config)
    pool = EnginePool()
    ledger = FeedbackLedger(config.ledger_path)
    pairs = PreferenceLedger(config.preferences_path)
    verdicts = Verdicts(ledger, pairs)
    library = Library(config.library_url)
    news = News()
    generations = Generations(models, pool, library, news)

    async def warm() -> None:
        """Load the default model before anybody asks; what goes wrong is told by ``/health``."""
        try:
            await models.decide()
            model = await models.find(None)
            async with pool.lend(model.id, partial(models.load, model)):
                log.info("%s is ready", model.id)
        except StoraitellerError as error:
            log.warning("%s", error.message)
        except Exception:
            log.exception("the model could not be made ready")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.create_task(warm())
        try:
            await asyncio.to_thread(_open, ledger, verdicts, library)
            yield
        finally:
            warming.cancel()
            await asyncio.wait([warming])
            await generations.aclose()
            await pool.aclose()
            await models.aclose()
            await asyncio.to_thread(library.close)

    app = FastAPI(
        title="StorAIteller",
        version=__version__,
        description="Write stories with a language model on your own machine. "
        "Stories stream over the WebSocket /ws; its messages are described in the README.",
        lifespan=lifespan,
        docs_url=None,  # its page would come from another site
        redoc_url=None,
    )
    errors.install(app)
    app.include_router(stories_router())
    app.include_router(feedback_router(verdicts))
    app.include_router(preferences_router(pairs, verdicts))
    app.include_router(library_router(library, news))
    app.include_router(takes_router(library))
    registry, runs = Registry(config.data_dir), config.data_dir / "runs"
    app.include_router(learning_router(registry, ledger, runs, lambda: models.settled_base_id))
    app.include_router(models_router(models, pool, warm))
    app.include_router(writing_router(generations))
    app.include_router(socket_router(generations, news))
    pages = Pages()
    pages.install(app)
    password = config.password.get_secret_value() if config.password else None
    configured = config.token.get_secret_value() if config.token else None
    # Around the whole stack, so that the answers to errors pass the gate as well.
    app.middleware_stack = Gate(
        app.build_middleware_stack(),
        token=token or configured or new_token(),
        hosts=allowed_hosts(config.host, config.port, config.allowed_hosts.split(",")),
        port=config.port,
        door=pages.door,
        password=password,
    )
    return app


def _open(*opened: FeedbackLedger | Verdicts | Library) -> None:
    """What cannot be opened is no reason not to write: whoever asks for it will be told again."""
    for kept in opened:
        try:
            kept.open()
        except StoraitellerError as error:
            log.error("%s", error.message)
