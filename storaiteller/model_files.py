"""The GGUF files that run in this process: the demo model's, the writer's, and Ollama's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from storaiteller import demo_model
from storaiteller.config import Config, EngineChoice
from storaiteller.errors import ConfigError, EngineError
from storaiteller.ollama_store import find_blob, stored_names, usual_folders

DEMO_ID = f"embedded/{demo_model.FILE_NAME}"
_BLOB = "ollama:"
BLOB_ID = f"embedded/{_BLOB}"
"""What the id of a file of Ollama's begins with, run without its server."""


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


class ModelFiles:
    """The files of one configuration. Raises ``ConfigError`` if ``--model`` and ``--engine`` disagree."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._chosen = _chosen_file(config)

    @property
    def chosen_id(self) -> str | None:
        """The model that ``--model`` names, if that is a file, be it one of Ollama's."""
        if self._chosen is not None:
            return f"embedded/{self._chosen.name}"
        model = self._config.model
        return f"embedded/{model}" if model is not None and model.startswith(_BLOB) else None

    def listed(self) -> list[ModelInfo]:
        """The demo, those in our folder, the chosen one; whether they are there or not."""
        files = {DEMO_ID: self._config.models_dir / demo_model.FILE_NAME}
        files |= {f"embedded/{path.name}": path for path in sorted(self._config.models_dir.glob("*.gguf"))}
        if self._chosen is not None:
            files[f"embedded/{self._chosen.name}"] = self._chosen
        return [_file_info(model_id, path) for model_id, path in files.items()]

    def blobs(self) -> list[ModelInfo]:
        """Ollama's own files that can be run without its server; the chosen one whether it can or not."""
        found = [self._blob_info(f"{BLOB_ID}{name}") for name in stored_names(self._ollama_folders)]
        usable = [model for model in found if model.installed and model.id != self.chosen_id]
        return usable + self.chosen_blob()

    def chosen_blob(self) -> list[ModelInfo]:
        """The file of Ollama's that ``--model`` names, if it names one."""
        chosen = self.chosen_id
        return [self._blob_info(chosen)] if chosen is not None and chosen.startswith(BLOB_ID) else []

    def why_missing(self, model: ModelInfo) -> str:
        """What to tell a writer who wants a model that is not installed."""
        if self._chosen is not None and model.id == self.chosen_id:
            return f"There is no file {self._chosen}, or you may not read it."
        return model.detail or f"{model.name} is not on this machine yet. Get it from the list of models."

    def base_path(self, model_id: str) -> Path:
        """The GGUF file of an untuned model as it lies on this machine. Raises ``EngineError``."""
        for prefix in (BLOB_ID, "ollama/"):
            if model_id.startswith(prefix):
                return find_blob(model_id.removeprefix(prefix), self._ollama_folders)
        name = model_id.removeprefix("embedded/")
        if self._chosen is not None and self._chosen.name == name:
            return self._chosen
        return self._config.models_dir / name

    @property
    def _ollama_folders(self) -> list[Path]:
        folder = self._config.ollama_models
        return [folder] if folder else usual_folders()

    def _blob_info(self, model_id: str) -> ModelInfo:
        title = f"{model_id.removeprefix(BLOB_ID)} (Ollama's file)"
        try:
            return ModelInfo(model_id, title, "embedded", True, self.base_path(model_id).stat().st_size)
        except EngineError as error:
            return ModelInfo(model_id, title, "embedded", False, None, error.message)


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
