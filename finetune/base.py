"""The model that is tuned: the one that would write if nothing had been learned."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from finetune.context import Context
from finetune.errors import UnusableBaseError
from storaiteller import durable
from storaiteller.engines.ollama import OllamaServer
from storaiteller.errors import EngineError, ModelMissingError
from storaiteller.models import Models
from storaiteller.registry import BaseRecord

_FROM = re.compile(r"^FROM\s+(\S.*)$", re.MULTILINE)
_DIGESTS = "digests.json"


@dataclass(frozen=True, slots=True)
class Base:
    """``model_id`` is what the app calls it, ``ollama`` what its Ollama server does if that serves it."""

    model_id: str
    name: str
    gguf: Path
    sha256: str
    ollama: str | None = None

    def record(self) -> BaseRecord:
        return BaseRecord(
            model_id=self.model_id, name=self.name, sha256=self.sha256, size_bytes=self.gguf.stat().st_size
        )


def resolve(context: Context) -> Base:
    """Find it, and its file on this machine. Raises ``UnusableBaseError``."""
    return asyncio.run(_resolve(context))


async def _resolve(context: Context) -> Base:
    models = Models(context.config)
    try:
        await models.decide()
        model_id = models.base_id
        served = model_id.removeprefix("ollama/") if model_id.startswith("ollama/") else None
        path = await _file(models, model_id, served, context.config.ollama_host)
    finally:
        await models.aclose()
    name = served or path.stem if served or not model_id.partition("/")[2].startswith("ollama:") else model_id
    return Base(model_id, name, path, _digest(path, context.bases), served)


async def _file(models: Models, model_id: str, served: str | None, host: str) -> Path:
    try:
        path = models.base_path(model_id)
    except EngineError as error:
        shown = await _shown(served, host) if served and isinstance(error, ModelMissingError) else None
        if shown is None:
            raise UnusableBaseError(f"{error.message} Learning needs that file on this machine.") from error
        path = shown
    if not path.is_file():
        raise UnusableBaseError(
            f"There is no file {path}. Fetch the model first: storaiteller models fetch, or storaiteller "
            "models pull NAME for one of Ollama's."
        )
    return path


async def _shown(name: str, host: str) -> Path | None:
    """Where the server itself says that the model's file is; None if that is not on this machine."""
    server = OllamaServer(host)
    try:
        modelfile = await server.modelfile(name)
    except EngineError:
        return None
    finally:
        await server.aclose()
    for place in _FROM.findall(modelfile):
        path = _as_seen_here(place.strip())
        if path.is_file():
            return path
    return None


def _as_seen_here(place: str) -> Path:
    """A path as this machine knows it: WSL has the drives of Windows under ``/mnt``."""
    windows = PureWindowsPath(place)
    if windows.drive.endswith(":"):
        return Path("/mnt", windows.drive[0].lower(), *windows.parts[1:])
    return Path(place)


def _digest(path: Path, bases: Path) -> str:
    """The file's SHA-256; gigabytes take seconds, so it is remembered as long as the file is unchanged."""
    found = path.stat()
    key = f"{path.resolve()}:{found.st_size}:{found.st_mtime_ns}"
    try:
        known: dict[str, str] = json.loads((bases / _DIGESTS).read_text())
    except (OSError, ValueError):
        known = {}
    if key not in known:
        with path.open("rb") as file:
            known[key] = hashlib.file_digest(file, "sha256").hexdigest()
        bases.mkdir(parents=True, exist_ok=True)
        durable.replace(bases / _DIGESTS, json.dumps(known, indent=1).encode())
    return known[key]
