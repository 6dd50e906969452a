"""Which models there are, where their weights lie, and which one writes unless the writer chooses.

A model's id is its engine and its name: ``embedded/<file>.gguf``, ``embedded/ollama:<name>`` (an
Ollama blob, run in this process) or ``ollama/<name>`` (run by the Ollama server). The writer's own model
is ``embedded/storaiteller``, whichever version of it is active; ``embedded/storaiteller:v3`` is one
version. A request can only name an id that is listed here; it never becomes a path.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from storaiteller import demo_model
from storaiteller.config import Config, EngineChoice
from storaiteller.engines.base import Engine, PullProgress, Report
from storaiteller.engines.llama_cpp import LlamaCppEngine
from storaiteller.engines.llama_native import DEFAULT_WINDOW
from storaiteller.engines.ollama import InstalledModel, OllamaServer
from storaiteller.engines.ollama_engine import DEFAULT_WINDOW_LIMIT, OllamaEngine
from storaiteller.errors import ConfigError, EngineError, ModelMissingError
from storaiteller.ollama_store import find_blob, stored_names, usual_folders
from storaiteller.own_model import OWN_ID, OWN_NAME, OwnFile, OwnModel

TUNED_MODEL, USUAL_MODEL = OWN_NAME, "llama3.2"
"""What is asked of an Ollama server: the writer's own model once there is one, else this."""

DEMO_ID = f"embedded/{demo_model.FILE_NAME}"
_BLOB = "ollama:"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One line of the model picker. ``size_bytes`` is unknown (None) for what is not installed.

    ``detail`` may say why it is not.
    """

    id: str
    name: str
    engine: Literal["embedded", "ollama"]
    installed: bool
    size_bytes: int | None
    detail: str = ""


class Models:
    """The models of one configuration. ``decide`` settles which one writes by default.

    Raises ``ConfigError`` if ``--model`` and ``--engine`` disagree.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._server: OllamaServer | None = None
        self._chosen_file = _chosen_file(config)
        self._own = OwnModel(config.data_dir, self.base_path)
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
        if self._chosen_file is not None:
            self.base_id = f"embedded/{self._chosen_file.name}"
        elif model is not None and model.startswith(_BLOB):
            self.base_id = f"embedded/{model}"
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
        if TUNED_MODEL not in names:
            return f"ollama/{USUAL_MODEL}"
        # It may be our own alias of what was learned; then its base is the one to begin with.
        here = {f"ollama/{name}" for name in names} | {file.id for file in self._files() if file.installed}
        known = (base_id for base_id in self._own.learned_on() if base_id in here)
        return next(known, f"ollama/{TUNED_MODEL}")

    async def listing(self) -> list[ModelInfo]:
        """Every model that can write now, and those that can be fetched for it."""
        await self._decided.wait()
        try:
            server = self._offered(await self._installed())
            blobs = self._blobs(only_default=True)
        except EngineError:
            server = self._offered([]) if self.default_id.startswith("ollama/") else []
            blobs = self._blobs()
        own = self._own.listed(self.base_id, here=self.default_id == OWN_ID)
        return [*map(_own_info, own), *self._files(), *blobs, *server]

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
        elif wanted.startswith(f"embedded/{_BLOB}"):
            known = self._blobs()
        elif wanted == OWN_ID or wanted.startswith(f"{OWN_ID}:"):
            return _own_info(self._own.find(wanted))
        else:
            known = self._files()
        for model in known:
            if model.id == wanted:
                return model
        raise ModelMissingError(f"There is no model {wanted} here. Choose one from the list of models.")

    async def load(self, model: ModelInfo, report: Report = lambda done: None) -> Engine:
        """An engine for ``model``, owned by the caller. Raises ``EngineError``.

        ``report`` is told how many bytes of its file have been read.
        """
        if not model.installed:
            told = model.detail or f"{model.name} is not on this machine yet. Get it from the list of models."
            if self._chosen_file is not None and model.id == f"embedded/{self._chosen_file.name}":
                told = f"There is no file {self._chosen_file}, or you may not read it."
            raise ModelMissingError(told)
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
        return self._own.weights(model_id) if model_id.startswith(f"{OWN_ID}:") else (self._path(model_id),)

    def base_path(self, model_id: str) -> Path:
        """The GGUF file of an untuned model as it lies on this machine. Raises ``EngineError``."""
        if model_id.startswith("ollama/"):
            return find_blob(model_id.removeprefix("ollama/"), self._ollama_folders)
        return self._path(model_id)

    @property
    def _ollama(self) -> OllamaServer:
        assert self._server is not None, "decide() comes first"  # noqa: S101
        return self._server

    @property
    def _ollama_folders(self) -> list[Path]:
        folder = self._config.ollama_models
        return [folder] if folder else usual_folders()

    def _files(self) -> list[ModelInfo]:
        """The GGUF files that run in this process: the demo, those in our folder, the chosen one."""
        files = {DEMO_ID: self._config.models_dir / demo_model.FILE_NAME}
        files |= {f"embedded/{path.name}": path for path in sorted(self._config.models_dir.glob("*.gguf"))}
        if self._chosen_file is not None:
            files[f"embedded/{self._chosen_file.name}"] = self._chosen_file
        return [_file_info(model_id, path) for model_id, path in files.items()]

    def _blobs(self, *, only_default: bool = False) -> list[ModelInfo]:
        """Ollama's own files, which run in this process without its server."""
        names = [] if only_default else stored_names(self._ollama_folders)
        found = [self._blob_info(f"embedded/{_BLOB}{name}") for name in names]
        usable = [model for model in found if model.installed and model.id != self.base_id]
        if self.base_id.startswith(f"embedded/{_BLOB}"):
            usable.append(self._blob_info(self.base_id))
        return usable

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

    def _blob_info(self, model_id: str) -> ModelInfo:
        name = model_id.removeprefix(f"embedded/{_BLOB}")
        title = f"{name} (Ollama's file)"
        try:
            return ModelInfo(model_id, title, "embedded", True, self._path(model_id).stat().st_size)
        except EngineError as error:
            return ModelInfo(model_id, title, "embedded", False, None, error.message)

    def _path(self, model_id: str) -> Path:
        name = model_id.removeprefix("embedded/")
        if name.startswith(_BLOB):
            return find_blob(name.removeprefix(_BLOB), self._ollama_folders)
        if self._chosen_file is not None and self._chosen_file.name == name:
            return self._chosen_file
        return self._config.models_dir / name


def _own_info(file: OwnFile) -> ModelInfo:
    installed = file.size_bytes is not None
    return ModelInfo(file.id, file.name, "embedded", installed, file.size_bytes, file.detail)


def _chosen_file(config: Config) -> Path | None:
    """The GGUF that ``--model`` names, if it names one."""
    model = config.model
    if model is None or not (model.startswith(_BLOB) or _is_file(model)):
        if model is not None and config.engine is EngineChoice.EMBEDDED:
            raise ConfigError(
                f"--model {model} is no GGUF file. Give a path, or {_BLOB}{model} for Ollama's file.",
                field="model",
            )
        return None
    if config.engine is EngineChoice.OLLAMA:
        raise ConfigError(f"--model {model} runs embedded; leave --engine ollama away.", field="model")
    return None if model.startswith(_BLOB) else Path(model).expanduser().resolve()


def _is_file(model: str) -> bool:
    try:
        return model.lower().endswith(".gguf") or Path(model).expanduser().is_file()
    except PermissionError:
        return True  # a path into a folder that is closed to us; no name of a model is one


def _file_info(model_id: str, path: Path) -> ModelInfo:
    name = "SmolLM2 135M (built in)" if model_id == DEMO_ID else path.stem
    try:
        return ModelInfo(model_id, name, "embedded", True, path.stat().st_size)
    except OSError:
        size = demo_model.SIZE_BYTES if model_id == DEMO_ID else None
        return ModelInfo(model_id, name, "embedded", False, size)
