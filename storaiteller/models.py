"""Which models there are, and which one writes unless the writer chooses.

A model's id is its engine and its name: ``embedded/<file>.gguf``, ``embedded/ollama:<name>`` (an
Ollama blob, run in this process) or ``ollama/<name>`` (run by the Ollama server). The writer's own model
is ``embedded/storaiteller``, whichever version of it is active; ``embedded/storaiteller:v3`` is one
version. A request can only name an id that is listed here; it never becomes a path.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from storaiteller import demo_model
from storaiteller.config import Config, EngineChoice
from storaiteller.engines.base import Engine, PullProgress, Report
from storaiteller.engines.llama_cpp import LlamaCppEngine
from storaiteller.engines.llama_native import DEFAULT_WINDOW
from storaiteller.engines.ollama import InstalledModel, OllamaServer
from storaiteller.engines.ollama_engine import DEFAULT_WINDOW_LIMIT, OllamaEngine
from storaiteller.errors import EngineError, ModelMissingError
from storaiteller.model_files import BLOB_ID, DEMO_ID, ModelFiles, ModelInfo
from storaiteller.own_model import OWN_ID, OWN_NAME, OwnFile, OwnModel

USUAL_MODEL = "llama3.2"
"""What is asked of an Ollama server where there is no model of the writer's own."""


class Models:
    """The models of one configuration. ``decide`` settles which one writes by default.

    Raises ``ConfigError`` if ``--model`` and ``--engine`` disagree.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._server: OllamaServer | None = None
        self._files = ModelFiles(config)
        self._own = OwnModel(config.data_dir, self._files.base_path)
        self._gone = ""
        """The version on Ollama that would write, if its server has lost it and this process can run it."""
        self._decided = asyncio.Event()
        self.base_id = DEMO_ID
        """The model that writes by default where nothing was learned."""

    @property
    def settled_base_id(self) -> str | None:
        """The base model's id once ``decide`` has settled it; None before."""
        return self.base_id if self._decided.is_set() else None

    @property
    def default_id(self) -> str:
        """The model that writes by default: the active version of what was learned on the base, else it.

        A version that was gone from Ollama when its server was last asked is run in this process.
        """
        wanted = self._own.id_for(self.base_id)
        return OWN_ID if wanted == self._gone else wanted

    async def decide(self) -> None:
        """Settle the base model: what was asked for, else Ollama's if it answers, else the demo."""
        # Its client takes 0.2 s to import: on a thread, so that the page need not wait for it.
        self._server = self._server or await asyncio.to_thread(OllamaServer, self._config.ollama_host)
        model, engine = self._config.model, self._config.engine
        if self._files.chosen_id is not None:
            self.base_id = self._files.chosen_id
        elif model is not None:
            self.base_id = f"ollama/{model.removesuffix(':latest')}"
        elif engine is not EngineChoice.EMBEDDED and (
            engine is EngineChoice.OLLAMA or await self._ollama.version() is not None
        ):
            self.base_id = await self._ollama_default()
        self._decided.set()

    async def _ollama_default(self) -> str:
        try:
            names = {model.name for model in await self._ollama.installed()}
        except EngineError:
            names = set()
        if OWN_NAME not in names:
            return f"ollama/{USUAL_MODEL}"
        # It may be our own alias of what was learned; then its base is the one to begin with.
        here = {f"ollama/{name}" for name in names}
        here |= {file.id for file in self._files.listed() if file.installed}
        known = (base_id for base_id in self._own.learned_on() if base_id in here)
        return next(known, f"ollama/{OWN_NAME}")

    async def listing(self) -> list[ModelInfo]:
        """Every model that can write now, and those that can be fetched for it."""
        await self._decided.wait()
        try:
            server = self._offered(await self._installed())
            blobs = self._files.chosen_blob()
        except EngineError:
            server = self._offered([]) if self.default_id.startswith("ollama/") else []
            blobs = self._files.blobs()
        own = self._own.listed(self.base_id, here=self.default_id == OWN_ID)
        return [*map(_own_info, own), *self._files.listed(), *blobs, *server]

    async def _installed(self) -> list[InstalledModel]:
        """What the Ollama server has. Notes whether the version that would write there is gone from it."""
        try:
            found = await self._ollama.installed()
        except EngineError:
            self._gone = ""
            raise
        wanted = self._own.id_for(self.base_id)
        there = {f"ollama/{model.name}" for model in found} | {self.base_id, OWN_ID}
        self._gone = wanted if wanted not in there and self._own.runs_here() else ""
        return found

    async def find(self, model_id: str | None) -> ModelInfo:
        """The model with this id, or the default one. Raises ``EngineError``."""
        await self._decided.wait()
        wanted = model_id or self._own.id_for(self.base_id)
        if wanted.startswith("ollama/"):
            known = self._offered(await self._installed())
            if model_id is None and self.default_id == OWN_ID:
                return _own_info(self._own.find(OWN_ID))
        elif wanted.startswith(BLOB_ID):
            known = self._files.blobs()
        elif wanted == OWN_ID or wanted.startswith(f"{OWN_ID}:"):
            return _own_info(self._own.find(wanted))
        else:
            known = self._files.listed()
        for model in known:
            if model.id == wanted:
                return model
        raise ModelMissingError(f"There is no model {wanted} here. Choose one from the list of models.")

    async def load(self, model: ModelInfo, report: Report = lambda done: None) -> Engine:
        """An engine for ``model``, owned by the caller. Raises ``EngineError``.

        ``report`` is told how many bytes of its file have been read.
        """
        if not model.installed:
            raise ModelMissingError(self._files.why_missing(model))
        if model.engine == "ollama":
            limit = self._config.context or DEFAULT_WINDOW_LIMIT
            return OllamaEngine(self._ollama, model.id.removeprefix("ollama/"), limit)
        path, *adapters = self._weights(model.id)
        return await LlamaCppEngine.load(
            path,
            threads=self._config.threads,
            window=self._config.context or DEFAULT_WINDOW,
            report=report,
            adapters=adapters,
            scales=lambda: [self._own.strength() for _ in adapters],
        )

    async def pull(self, model_id: str) -> AsyncGenerator[PullProgress, None]:
        """Fetch a model; the last progress says ``success``. Closing the generator stops it."""
        if model_id == DEMO_ID:
            progress = demo_model.fetch(self._config.models_dir)
        elif model_id.startswith("ollama/"):
            await self._decided.wait()
            progress = self._ollama.pull(model_id.removeprefix("ollama/"))
        else:
            raise ModelMissingError(
                f"{model_id} cannot be fetched. Put its file into {self._config.models_dir}."
            )
        async with aclosing(progress):
            async for step in progress:
                yield step

    async def aclose(self) -> None:
        if self._server is not None:
            await self._server.aclose()

    def _weights(self, model_id: str) -> tuple[Path, ...]:
        """The GGUF file to load, and the adapters to load beside it."""
        if model_id.startswith(f"{OWN_ID}:"):
            return self._own.weights(model_id)
        return (self._files.base_path(model_id),)

    @property
    def _ollama(self) -> OllamaServer:
        assert self._server is not None, "decide() comes first"  # noqa: S101
        return self._server

    def _offered(self, installed: list[InstalledModel]) -> list[ModelInfo]:
        """The models of an Ollama server, and the one that it would be asked for but has not got."""
        found = [
            ModelInfo(f"ollama/{model.name}", model.name, "ollama", True, model.size_bytes)
            for model in installed
        ]
        wanted = self.base_id if self.base_id.startswith("ollama/") else f"ollama/{USUAL_MODEL}"
        if wanted not in {model.id for model in found}:
            name = wanted.removeprefix("ollama/")
            found.append(ModelInfo(wanted, name, "ollama", installed=False, size_bytes=None))
        return found


def _own_info(file: OwnFile) -> ModelInfo:
    installed = file.size_bytes is not None
    return ModelInfo(file.id, file.name, "embedded", installed, file.size_bytes, file.detail)
