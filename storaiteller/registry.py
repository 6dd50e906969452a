"""The versions of the writer's own model, which of them is active, and how strongly it speaks.

One JSON file, replaced atomically: a running app reads it at the next generation. Each version has a
folder of its own, ``versions/<name>/``, with all that it needs and a copy of its record, so that a
damaged registry can be made again from the folders. A folder without a record is what a crash left.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError

from storaiteller import durable
from storaiteller.errors import InvalidRequestError, RegistryError
from storaiteller.version import (
    MAX_STRENGTH,
    VERSION_NAME,
    BaseRecord,
    State,
    Version,
    VersionName,
    VersionStatus,
    is_version_name,
)

__all__ = [
    "ADAPTER",
    "MAX_STRENGTH",
    "RECORD",
    "VERSION_NAME",
    "BaseRecord",
    "Registry",
    "State",
    "Version",
    "VersionName",
    "VersionStatus",
    "is_version_name",
]

ADAPTER, RECORD = "adapter.gguf", "version.json"


class Registry:
    """The registry of one data folder. Reading never waits; changes are made one at a time, under a lock.

    Safe to share between threads, and the files between processes. Every method raises
    ``RegistryError`` when the file is damaged or cannot be written; then nothing has changed.
    """

    def __init__(self, data_dir: Path, *, lock_timeout: float = 10.0) -> None:
        self.path = data_dir / "registry.json"
        self._folder = data_dir / "versions"
        self._lock_timeout = lock_timeout
        self._known: tuple[bytes | None, State] = (None, State())

    def folder(self, name: str) -> Path:
        """Where a version's files are: ``adapter.gguf``, and whatever its makers put beside it."""
        return self._folder / name

    def adapter(self, name: str) -> Path:
        return self.folder(name) / ADAPTER

    def read(self) -> State:
        """What holds now. Cheap enough for every generation: it is parsed only where it differs."""
        try:
            raw = self.path.read_bytes()
            if raw != self._known[0]:
                self._known = (raw, State.model_validate_json(raw))
        except FileNotFoundError:
            return State()
        except (OSError, ValidationError) as error:
            raise _damaged(self.path) from error
        return self._known[1]

    def add(self, make: Callable[[str], Version]) -> Version:
        """Add the version that ``make`` returns for the name it is given, the next free one.

        ``make`` finds no folder of that name, and makes one with the adapter in it, safe on the disk. It is
        called while the registry is locked: it may read the registry, but not change it.
        """
        with self._changing() as state:
            taken = [*(version.name for version in state.versions), *(path.name for path in self._records())]
            name = f"v{max((int(each[1:]) for each in taken), default=0) + 1}"
            version = self._made(name, make)
            self._clear_up(version.run_id, state)
            self._write(state.model_copy(update={"versions": (*state.versions, version)}), version)
            return version

    def update(self, name: str, **changes: Any) -> Version:
        """Change what is known of a version, say its ``status``. Raises ``UnknownVersionError``."""
        if unknown := changes.keys() - (Version.model_fields.keys() - {"name"}):
            raise TypeError(f"a version has no {', '.join(sorted(unknown))} that could change")
        with self._changing() as state:
            changed = Version.model_validate(state.find(name).model_dump() | changes)
            versions = tuple(changed if known.name == name else known for known in state.versions)
            self._write(state.model_copy(update={"versions": versions}), changed)
            return changed

    def activate(self, name: str | None) -> None:
        """Let this version write from the next generation on; None is the base model."""
        with self._changing() as state:
            if name is not None and not self.adapter(state.find(name).name).is_file():
                raise RegistryError(
                    f"The file of version {name} is gone ({self.adapter(name)}), so it cannot write. "
                    "Choose another version, or the base model."
                )
            self._write(state.model_copy(update={"active": name}))

    def set_strength(self, strength: float) -> None:
        """How strongly the active version speaks: 0 is the base, 1 what was learned, at most 1.2."""
        if not 0 <= strength <= MAX_STRENGTH:
            told = f"The strength must be between 0 and {MAX_STRENGTH}, not {strength}."
            raise InvalidRequestError(told, field="strength")
        with self._changing() as state:
            self._write(state.model_copy(update={"strength": strength}))

    def mend(self) -> Path | None:
        """Make a damaged or lost registry again from the versions' folders.

        The active version is not known any more: the base writes until one is promoted. Returns where
        a damaged file is kept, or None if there was none.
        """
        with self._lock():
            aside: Path | None = None
            try:
                self.read()
            except RegistryError:
                stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
                aside = self.path.with_name(f"{self.path.name}.broken-{stamp}")
                durable.create(aside, self.path.read_bytes())
            if aside is not None or not self.path.exists():
                self._write(State(versions=tuple(self._recorded())))
            return aside

    def _made(self, name: str, make: Callable[[str], Version]) -> Version:
        """What ``make`` made, or else no trace of it."""
        folder = self.folder(name)
        shutil.rmtree(folder, ignore_errors=True)  # from a crash
        try:
            version = make(name)
            if version.name != name or not self.adapter(name).is_file():
                raise RegistryError(f"Version {name} has no adapter, so it was not added. Learn once more.")
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            told = f"Version {name} could not be kept: {error.strerror or error}, says the disk of {folder}."
            raise RegistryError(told) from error
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return version

    def _clear_up(self, run_id: str, listed: State) -> None:
        """Remove what a run left that was killed between a version's record and the list: it adds it anew."""
        known = {version.name for version in listed.versions}
        for version in list(self._recorded()):
            if version.run_id == run_id and version.name not in known:
                shutil.rmtree(self.folder(version.name), ignore_errors=True)

    def _recorded(self) -> Iterator[Version]:
        for record in self._records():
            try:
                version = Version.model_validate_json((record / RECORD).read_bytes())
            except (OSError, ValidationError):
                continue
            if version.name == record.name:
                yield version

    def _records(self) -> list[Path]:
        """The folders of all versions that were ever added, oldest first."""
        folders = [path.parent for path in self._folder.glob(f"v*/{RECORD}")]
        return sorted(filter(_is_version, folders), key=lambda folder: int(folder.name[1:]))

    @contextmanager
    def _changing(self) -> Iterator[State]:
        with self._lock():
            yield self.read()

    @contextmanager
    def _lock(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", timeout=self._lock_timeout, poll_interval=0.01):
                yield
        except Timeout as error:
            raise RegistryError("Another program is changing your model's versions. Try again.") from error
        except OSError as error:
            raise RegistryError(
                f"The list of versions could not be written: {error.strerror or error}, says the disk of "
                f"{self.path}. Nothing was changed."
            ) from error

    def _write(self, state: State, version: Version | None = None) -> None:
        if version is not None:
            durable.replace(self.folder(version.name) / RECORD, _json(version))
        durable.replace(self.path, _json(state))


def _damaged(path: Path) -> RegistryError:
    return RegistryError(
        f"The list of your model's versions ({path}) is damaged, so the model writes without what it "
        "learned. Your stories are not affected. Mend it in the terminal: "
        "“storaiteller-finetune status --mend”."
    )


def _json(record: BaseModel) -> bytes:
    return (json.dumps(record.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n").encode()


def _is_version(folder: Path) -> bool:
    return is_version_name(folder.name)
