"""What we made on an Ollama server: so that nothing the writer made there by hand is ever overwritten."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from storaiteller import durable

MARKS = "ollama.json"


class _Made(BaseModel):
    model_config = ConfigDict(frozen=True)

    names: tuple[str, ...] = ()
    alias: str = ""


_File = TypeAdapter(dict[str, _Made])


class Marks:
    """Notes on one server, in the data folder. A damaged file counts as none: then we touch less."""

    def __init__(self, data_dir: Path, url: str) -> None:
        self._path = data_dir / MARKS
        self._url = url

    @property
    def names(self) -> frozenset[str]:
        """Models that we made, or began to make, tags included."""
        return frozenset(self._read().get(self._url, _Made()).names)

    @property
    def alias(self) -> str:
        """What identifies the content that we last gave the name of the promoted model; maybe empty."""
        return self._read().get(self._url, _Made()).alias

    def claim(self, name: str) -> None:
        """Note a name before it is used, so that even a crash leaves it known as ours."""
        self._write(names=tuple(sorted({*self.names, name})))

    def drop(self, name: str) -> None:
        self._write(names=tuple(sorted(self.names - {name})))

    def set_alias(self, digest: str) -> None:
        self._write(alias=digest)

    def _read(self) -> dict[str, _Made]:
        try:
            return _File.validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return {}

    def _write(self, **changes: object) -> None:
        known = self._read()
        known[self._url] = known.get(self._url, _Made()).model_copy(update=changes)
        told = json.dumps(_File.dump_python(known, mode="json"), indent=1)
        durable.replace(self._path, f"{told}\n".encode())
