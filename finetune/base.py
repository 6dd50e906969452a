"""The model that is tuned: the one that would write if nothing had been learned."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from pydantic import TypeAdapter, ValidationError

from finetune.context import Context
from finetune.errors import RegisterError, UnusableBaseError
from finetune.ollama.marks import Marks
from finetune.ollama.models import OllamaModels, tagged
from finetune.runs import Run
from storaiteller import durable
from storaiteller.config import Config
from storaiteller.engines.ollama import OllamaServer
from storaiteller.engines.ollama_wire import server_address
from storaiteller.errors import EngineError, ModelMissingError, RegistryError
from storaiteller.model_files import ModelFiles
from storaiteller.models import Models
from storaiteller.ollama_store import how_to_open
from storaiteller.own_model import OWN_NAME
from storaiteller.registry import BaseRecord

_FROM = re.compile(r"^FROM\s+(\S.*)$", re.MULTILINE)
_DIGESTS = "digests.json"
_Digests = TypeAdapter(dict[str, str])


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
    found = asyncio.run(_resolve(context))
    _check_nobody_is_missing(context, found)
    return found


def _check_nobody_is_missing(context: Context, found: Base) -> None:
    """At night Ollama may be off: the demo would be tuned, and take the place of what was learned."""
    active = context.registry.read().active_version
    if active is None or {"engine", "model"} & context.config.model_fields_set:
        return
    if active.base.model_id.startswith("ollama/") and not found.model_id.startswith("ollama/"):
        raise UnusableBaseError(
            f"Ollama does not answer, and your model was learned on its {active.base.name}. Start it (ollama "
            "serve), or say which model to tune with --model or --engine."
        )


def of_run(context: Context, run: Run) -> Base:
    """The base that ``run`` is about; raises ``UnusableBaseError`` if another one would be tuned now."""
    found = resolve(context)
    made = run.stage("dataset").manifest()
    if made is not None and made.metrics.get("base", found.sha256) != found.sha256:
        raise UnusableBaseError(
            f"Run {run.id} is about another model than {found.name}. Name that with --model, or begin anew: "
            "storaiteller-finetune nightly."
        )
    return found


async def _resolve(context: Context) -> Base:
    models = Models(context.config)
    try:
        await models.decide()
        model_id = models.base_id
        served = model_id.removeprefix("ollama/") if model_id.startswith("ollama/") else None
        if name := served or model_id.partition("embedded/ollama:")[2]:
            await asyncio.to_thread(_not_ours, context, name)
        path = await _file(context.config, model_id, served)
    finally:
        await models.aclose()
    name = served or path.stem if served or not model_id.partition("/")[2].startswith("ollama:") else model_id
    return Base(model_id, name, path, _digest(path, context.bases), served)


def _not_ours(context: Context, name: str) -> None:
    """Raise ``UnusableBaseError`` for what we made on the Ollama server: it is tuned already."""
    marks = Marks(context.config.data_dir, server_address(context.config.ollama_host))
    full = tagged(name)
    try:
        versions = context.registry.read().versions
    except RegistryError:
        versions = ()
    known = {version.ollama: version.base.name for version in versions if version.ollama}
    if (
        full in marks.names
        or full in known
        or (full == f"{OWN_NAME}:latest" and _is_our_alias(marks, context))
    ):
        came_from = known.get(full) or (versions[-1].base.name if versions else "")
        which = f" ({came_from})" if came_from else ""
        raise UnusableBaseError(
            f"Ollama's {name} is what was learned already, so it is not learned on. Fetch the model it came "
            f"from{which}, or name another one with --model."
        )


def _is_our_alias(marks: Marks, context: Context) -> bool:
    """Whether ``storaiteller`` is what we last gave that name, or a copy of a version of ours."""
    if not marks.alias and not marks.names:
        return False
    try:
        with OllamaModels(context.config.ollama_host) as server:
            listed = server.listed()
    except RegisterError:
        return False
    ours = {marks.alias, *(listed.get(name, "") for name in marks.names)} - {""}
    return listed.get(f"{OWN_NAME}:latest") in ours


async def _file(config: Config, model_id: str, served: str | None) -> Path:
    try:
        path = ModelFiles(config).base_path(model_id)
    except EngineError as error:
        is_missing = isinstance(error, ModelMissingError)
        shown = await _shown(served, config.ollama_host) if served and is_missing else None
        if shown is None:
            raise UnusableBaseError(f"{error.message} Learning needs that file on this machine.") from error
        path = shown
    if not _is_file(path):
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
        if _is_file(path):
            return path
    return None


def _is_file(path: Path) -> bool:
    """Raises ``UnusableBaseError`` if we may not look, or may not read it."""
    try:
        if path.is_file():
            with path.open("rb"):
                return True
    except PermissionError as error:
        place = path.parent.parent if path.parent.name == "blobs" else path
        raise UnusableBaseError(how_to_open(place)) from error
    return False


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
        known: dict[str, str] = _Digests.validate_json((bases / _DIGESTS).read_bytes())
    except (OSError, ValidationError):
        known = {}
    if key not in known:
        with path.open("rb") as file:
            known[key] = hashlib.file_digest(file, "sha256").hexdigest()
        bases.mkdir(parents=True, exist_ok=True)
        durable.replace(bases / _DIGESTS, json.dumps(known, indent=1).encode())
    return known[key]
