"""The writer's own model among the others: the version that is active, on the weights it was tuned from."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storaiteller.errors import ModelMissingError, ModelUnusableError
from storaiteller.own_model import OWN_ID, OwnModel
from storaiteller.registry import BaseRecord, Registry, Version

BASE_ID = "embedded/base.gguf"


class Home:
    """A data folder with a base of eight bytes and versions learned on it."""

    def __init__(self, folder: Path) -> None:
        self.base = folder / "base.gguf"
        self.base.write_bytes(b"GGUFbase")
        self.registry = Registry(folder)
        self.own = OwnModel(folder, lambda model_id: self.base)

    def version(self, base_id: str = BASE_ID, sha256: str = "0" * 64) -> str:
        def make(name: str) -> Version:
            self.registry.folder(name).mkdir(parents=True, exist_ok=True)
            self.registry.adapter(name).write_bytes(b"GGUF")
            base = BaseRecord(model_id=base_id, name="base", sha256=sha256, size_bytes=8)
            return Version(
                name=name, run_id=name, created_at="2026-11-22", base=base, trained_on=("a", "b", "c")
            )

        return self.registry.add(make).name


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_nothing_learned_is_the_base(home: Home) -> None:
    assert home.own.id_for(BASE_ID) == BASE_ID
    assert home.own.listed(BASE_ID) == []
    with pytest.raises(ModelMissingError, match="No version"):
        home.own.find(OWN_ID)


def test_the_active_version_writes_where_its_base_would(home: Home) -> None:
    home.version()
    home.registry.activate("v1")
    assert home.own.id_for(BASE_ID) == OWN_ID
    assert home.own.id_for("embedded/other.gguf") == "embedded/other.gguf"
    assert [file.name for file in home.own.listed(BASE_ID)] == ["Yours, v1 (learned from 3 stories)"]


def test_a_promotion_or_a_way_back_holds_from_the_next_question_on(home: Home) -> None:
    for name in (home.version(), home.version()):
        home.registry.activate(name)
        assert home.own.find(OWN_ID).id == f"{OWN_ID}:{name}"
    home.registry.activate(None)
    assert home.own.id_for(BASE_ID) == BASE_ID
    assert home.own.find(f"{OWN_ID}:v1").size_bytes == 12


def test_its_weights_are_the_base_and_its_adapter(home: Home) -> None:
    home.version()
    assert home.own.weights(f"{OWN_ID}:v1") == (home.base, home.registry.adapter("v1"))
    with pytest.raises(ModelMissingError, match="no version v9"):
        home.own.weights(f"{OWN_ID}:v9")


def exchanged(home: Home) -> None:
    home.base.write_bytes(b"GGUF another")


def renamed(home: Home) -> None:
    """Ollama's file has its digest for a name; a merged model has the very size of its base."""
    home.base = home.base.rename(home.base.with_name(f"sha256-{'1' * 64}"))


@pytest.mark.parametrize("change", [exchanged, renamed])
def test_other_weights_are_refused_by_name(home: Home, change: object) -> None:
    home.version()
    assert callable(change)
    change(home)
    assert "exchanged" in home.own.find(f"{OWN_ID}:v1").detail
    with pytest.raises(ModelUnusableError, match="exchanged since version v1"):
        home.own.weights(f"{OWN_ID}:v1")


def test_weights_that_are_gone_are_named(home: Home) -> None:
    home.version()
    home.base.unlink()
    assert home.own.find(f"{OWN_ID}:v1").size_bytes is None
    with pytest.raises(ModelMissingError, match="is gone"):
        home.own.weights(f"{OWN_ID}:v1")


def test_a_damaged_list_costs_what_was_learned_and_is_said_once(home: Home) -> None:
    home.version()
    home.registry.activate("v1")
    home.registry.path.write_text('{"format": 1, "act')
    with heard("storaiteller.own_model") as said:
        for _ in range(3):
            assert home.own.id_for(BASE_ID) == BASE_ID
            assert home.own.strength() == 1.0
    assert len(said) == 1
    assert "--mend" in said[0]


@contextmanager
def heard(name: str) -> Iterator[list[str]]:
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    logger, listener = logging.getLogger(name), Listener()
    logger.addHandler(listener)
    try:
        yield said
    finally:
        logger.removeHandler(listener)


def test_how_strongly_it_speaks_is_asked_anew_each_time(home: Home) -> None:
    home.registry.set_strength(0.4)
    assert home.own.strength() == 0.4
    home.registry.set_strength(1.2)
    assert home.own.strength() == 1.2
