"""The settings of the app itself, from the environment and the command line. Nothing else reads either."""

from __future__ import annotations

import ipaddress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from storaiteller.errors import ConfigError

PREFIX = "STORAITELLER_"
_OPTIONS = frozenset({"host", "port", "data_dir", "engine", "model", "threads", "browser"})
"""The settings that the command line knows too."""
_SECRETS = frozenset({"token", "password", "database_url"})
"""The settings whose values are never shown."""


class EngineChoice(StrEnum):
    """Which engine is asked first; ``auto`` takes Ollama if its server answers."""

    AUTO = "auto"
    EMBEDDED = "embedded"
    OLLAMA = "ollama"


class Config(BaseSettings):
    """Every setting, named ``STORAITELLER_`` and its own name in the environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8_000
    data_dir: Path = Path("data")
    engine: EngineChoice = EngineChoice.AUTO
    model: str | None = None
    """A GGUF file, ``ollama:<name>`` for an Ollama blob run here, or a name on the Ollama server."""
    threads: Annotated[int, Field(ge=1, le=256)] | None = None
    context: Annotated[int, Field(ge=512, le=1_048_576)] | None = None
    """Tokens a model may hold, prompt and story together; never more than it was made for."""
    browser: bool = True
    token: Annotated[SecretStr, Field(min_length=16)] | None = None
    """What lets a browser or program in; new at each start unless it is set."""
    password: Annotated[SecretStr, Field(min_length=8)] | None = None
    """Needed to listen on an address that other machines can reach."""
    allowed_hosts: str = ""
    """More names (``host:port``, comma separated) that this server may be called by."""
    database_url: Annotated[str, Field(repr=False)] = ""
    """Where the library is: ``sqlite:////folder/library.db`` or ``postgresql://user:password@host/name``.
    Empty: ``library.db`` in the data folder."""
    ollama_host: Annotated[str, Field(validation_alias=AliasChoices("ollama_host", "OLLAMA_HOST"))] = (
        "127.0.0.1:11434"
    )
    ollama_models: Annotated[
        Path | None, Field(validation_alias=AliasChoices("ollama_models", "OLLAMA_MODELS"))
    ] = None

    @property
    def models_dir(self) -> Path:
        return self.data_dir / "models"

    @property
    def ledger_path(self) -> Path:
        return self.data_dir / "datastories.csv"

    @property
    def preferences_path(self) -> Path:
        return self.data_dir / "preferences.csv"

    @property
    def library_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'library.db'}"


def load_config(**given: Any) -> Config:
    """The configuration: ``given`` values first (``None`` means not given), then the environment.

    Raises ``ConfigError`` naming the setting and what is allowed.
    """
    try:
        config = Config(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "setting"
        given_value = "" if name in _SECRETS else f", not {first['input']!r}"
        raise ConfigError(f"{_spelled(name)}: {first['msg']}{given_value}.", field=name) from error
    if not is_loopback(config.host) and not config.password:
        raise ConfigError(
            f"--host {config.host} would let other machines in. Set {PREFIX}PASSWORD to allow it with a "
            "password, or leave --host away.",
            field="host",
        )
    return config


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server bound to ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _spelled(name: str) -> str:
    if name.isupper():
        return name
    option = f" (--{name.replace('_', '-')})" if name in _OPTIONS else ""
    return f"{PREFIX}{name.upper()}{option}"
