"""The writer's own model among the others: which version writes, and the weights it is made of."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from storaiteller.errors import (
    EngineError,
    ModelMissingError,
    ModelUnusableError,
    RegistryError,
    UnknownVersionError,
)
from storaiteller.registry import Registry, State, Version

log = logging.getLogger(__name__)

OWN_NAME = "storaiteller"
OWN_ID = f"embedded/{OWN_NAME}"
"""The active version, run in this process; ``embedded/storaiteller:v3`` is one version."""


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A version as a line of the model picker; ``detail`` says why it cannot write, if it cannot."""

    id: str
    name: str
    size_bytes: int | None
    detail: str = ""


class OwnModel:
    """``base_path`` finds the GGUF file of a base model by its id, or raises ``EngineError``."""

    def __init__(self, data_dir: Path, base_path: Callable[[str], Path]) -> None:
        self._registry = Registry(data_dir)
        self._base_path = base_path
        self._warned = ""

    def id_for(self, base_id: str) -> str:
        """What writes where ``base_id`` would: the active version if it was learned on it, else itself.

        A version runs where its base does: on the Ollama server if it was registered there.
        """
        version = self._active_on(base_id)
        if version is None:
            return base_id
        return f"ollama/{version.ollama}" if base_id.startswith("ollama/") and version.ollama else OWN_ID

    def learned_on(self) -> list[str]:
        """The ids of the models that versions were learned on, the latest first."""
        return [version.base.model_id for version in reversed(self._state().versions)]

    def listed(self, base_id: str, *, here: bool = False) -> list[OwnFile]:
        """The line of the picker for the active version, if there is one and it runs in this process.

        ``here`` says that it does, although it was registered on an Ollama server.
        """
        version = self._active_on(base_id)
        runs_here = here or self.id_for(base_id) == OWN_ID
        return [self._file(OWN_ID, version)] if version and runs_here else []

    def runs_here(self) -> bool:
        """Whether the files of the active version, its base's included, are on this machine."""
        version = self._state().active_version
        return version is not None and self._file(OWN_ID, version).size_bytes is not None

    def find(self, model_id: str) -> OwnFile:
        """A version by its id, or the active one. The answer's id names the version, so that a new
        one is loaded anew. Raises ``ModelMissingError``.
        """
        name = model_id.removeprefix(OWN_ID).removeprefix(":")
        version = self._version(name) if name else self._state().active_version
        if version is None:
            raise ModelMissingError(
                "No version of your own model is active. Choose another from the list of models."
            )
        return self._file(f"{OWN_ID}:{version.name}", version)

    def weights(self, model_id: str) -> tuple[Path, Path]:
        """The base and the adapter of a version by its full id. Raises ``EngineError``."""
        version = self._version(model_id.removeprefix(f"{OWN_ID}:"))
        return self._base(version), self._registry.adapter(version.name)

    def strength(self) -> float:
        return self._state().strength

    def _state(self) -> State:
        """What the registry says; a damaged one costs what was learned, never a story."""
        try:
            return self._registry.read()
        except RegistryError as error:
            if error.message != self._warned:
                log.warning("%s", error.message)
            self._warned = error.message
            return State()

    def _active_on(self, base_id: str) -> Version | None:
        version = self._state().active_version
        return version if version is not None and version.base.model_id == base_id else None

    def _version(self, name: str) -> Version:
        try:
            return self._state().find(name)
        except UnknownVersionError as error:
            raise ModelMissingError(error.message) from error

    def _file(self, model_id: str, version: Version) -> OwnFile:
        name = f"Yours, {version.name} (learned from {len(version.trained_on):,} stories)"
        try:
            size = self._base(version).stat().st_size + self._registry.adapter(version.name).stat().st_size
        except EngineError as error:
            return OwnFile(model_id, name, None, error.message)
        except OSError:
            missing = f"The files of version {version.name} are gone. Go back to another version."
            return OwnFile(model_id, name, None, missing)
        return OwnFile(model_id, name, size)

    def _base(self, version: Version) -> Path:
        """The weights a version was tuned from: with others its adapter would speak nonsense.

        Told by the digest where the file's name is one, as Ollama's are, else by the size: reading
        gigabytes would take seconds before each story.
        """
        path = self._base_path(version.base.model_id)
        try:
            size = path.stat().st_size
        except OSError as error:
            raise ModelMissingError(
                f"The file of {version.base.name}, which version {version.name} learned on, is gone: {path}."
            ) from error
        digest = path.name.removeprefix("sha256-")
        if size != version.base.size_bytes or digest not in (path.name, version.base.sha256):
            raise ModelUnusableError(
                f"{version.base.name} was exchanged since version {version.name} learned on it. "
                "Go back to the base model; the next learning run makes a new version."
            )
        return path
