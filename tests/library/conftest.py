"""A library of either kind; what is promised of it holds for both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storaiteller.library.library import Library
from tests.library import postgresql


@pytest.fixture(scope="session")
def server() -> Iterator[postgresql.Server]:
    """One PostgreSQL server for all tests; they are skipped where none is installed."""
    with postgresql.running() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a library without a story."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data' / 'library.db'}"
    server: postgresql.Server = request.getfixturevalue("server")
    return server.emptied()


@pytest.fixture
def library(url: str) -> Iterator[Library]:
    library = Library(url)
    yield library
    library.close()
