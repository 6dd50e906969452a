"""A version of the writer's own model, and the list of all: plain values, as they stand in the registry."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from storaiteller.errors import UnknownVersionError

MAX_STRENGTH = 1.2

VERSION_NAME = r"^v[1-9][0-9]{0,5}$"
VersionName = Annotated[str, Field(pattern=VERSION_NAME)]
VersionStatus = Literal["candidate", "promoted", "kept"]
"""``candidate`` until it was tried; then ``promoted``, or ``kept`` beside the better one."""


def is_version_name(text: str) -> bool:
    return re.fullmatch(VERSION_NAME.strip("^$"), text) is not None


def _short(model_id: str) -> str:
    """What a writer calls the model of an id, as in the list of models."""
    name = model_id.partition("/")[2].removesuffix(".gguf")
    return f"{name.removeprefix('ollama:')} (Ollama's file)" if name.startswith("ollama:") else name


def finite(value: Any) -> Any:
    """JSON knows no NaN and no infinity: they become None, which no exam lets pass."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    return [finite(each) for each in value] if isinstance(value, list | tuple) else value


Metrics = Annotated[dict[str, Any], AfterValidator(finite)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class BaseRecord(_Frozen):
    """The weights that a version was tuned from: what the app calls them, and which bytes they are."""

    model_id: str
    name: str
    sha256: str
    size_bytes: int


class Version(_Frozen):
    """One tuned model. Its status, reason, metrics and name on Ollama may change after it was added."""

    name: VersionName
    run_id: str
    created_at: str
    base: BaseRecord
    parent: VersionName | None = None
    """The version that was active when this one was made: it was tried against it."""
    trained_on: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()
    """Story ids."""
    ollama: str | None = None
    """Its name on the Ollama server, if it was registered there."""
    status: VersionStatus = "candidate"
    reason: str = ""
    metrics: Metrics = Field(default_factory=dict)

    def waits(self, base_id: str) -> str:
        """Why it cannot write where ``base_id`` is the base model; empty where it can.

        What it learned fits only the model that it learned on.
        """
        if self.base.model_id == base_id:
            return ""
        return f"{self.name} was learned on {self.base.name}; {_short(base_id)} writes now."


class State(_Frozen):
    """What the file says. ``active`` None means the base model writes."""

    format: Literal[1] = 1
    active: VersionName | None = None
    strength: Annotated[float, Field(ge=0, le=MAX_STRENGTH)] = 1.0
    versions: tuple[Version, ...] = ()
    """Oldest first, each name once; the active one is among them."""

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        names = [version.name for version in self.versions]
        if len(set(names)) < len(names) or (self.active is not None and self.active not in names):
            raise ValueError("a version is there twice, or the active one is not there")
        return self

    def find(self, name: str) -> Version:
        """Raises ``UnknownVersionError``."""
        for version in self.versions:
            if version.name == name:
                return version
        known = ", ".join(version.name for version in self.versions) or "none yet"
        raise UnknownVersionError(f"There is no version {name}. There are: {known}.")

    @property
    def active_version(self) -> Version | None:
        return self.find(self.active) if self.active else None
