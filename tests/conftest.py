"""What every test may ask for."""

from __future__ import annotations

import gc
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import hypothesis
import pytest

from storaiteller import demo_model
from storaiteller.config import Config
from storaiteller.story import Genre, Register, StorySettings
from tests.fakes import scripted
from tests.tables import copied_tables

ROOT = Path(__file__).resolve().parents[1]


# No time is asserted, and a deadline asserts one: a first example may import something large.
hypothesis.settings.register_profile("without deadlines", deadline=None)
hypothesis.settings.load_profile("without deadlines")


def pytest_sessionstart() -> None:
    """Hear Ctrl-C even where the tests run in the background, and let the commands under test hear it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What was imported and collected stays: it need not be looked through for garbage again and again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole nights first, for all the rest can be done beside them; browser tests last: Playwright holds an
    event loop, beside which no other one may run.
    """
    items.sort(key=lambda item: (is_marked(item, "browser"), not is_marked(item, "night")))


def is_marked(item: pytest.Item, name: str) -> bool:
    return item.get_closest_marker(name) is not None


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module", autouse=True)
def _tables(request: pytest.FixtureRequest) -> Iterator[None]:
    """Libraries get their tables without the migrations, but where these are what is tested."""
    if request.module.__name__ == "tests.library.test_database":
        yield
        return
    with copied_tables():
        yield


@pytest.fixture(scope="session")
def demo_model_path() -> Path:
    """The real demo model, which ``make test`` has fetched."""
    path = ROOT / "data" / "models" / demo_model.FILE_NAME
    if not path.is_file():
        pytest.fail("The demo model is missing. Run: make test (or .venv/bin/storaiteller models fetch)")
    return path


@pytest.fixture
def settings() -> StorySettings:
    return StorySettings(
        characters=("Ada", "Bo"),
        keywords=("moon", "tide"),
        genre=Genre.FANTASY,
        register=Register.PLAYFUL,
        max_words=120,
    )


@pytest.fixture
async def http(config: Config) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app, whose one model is scripted."""
    from tests.rest import opened  # not for tests that know nothing of the app

    async with opened(config, scripted()) as client:
        yield client


@pytest.fixture(scope="module")
def shared_config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """That of ``shared``."""
    return Config(data_dir=tmp_path_factory.mktemp("data"), ollama_host="127.0.0.1:9")


@pytest.fixture(scope="module")
async def shared(shared_config: Config) -> AsyncIterator[httpx.AsyncClient]:
    """For tests that do not care what the others of their file did: one app for all of them."""
    from tests.rest import opened

    async with opened(shared_config, scripted()) as client:
        yield client


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A configuration with an empty data folder and an Ollama address where nobody answers."""
    return Config(data_dir=tmp_path, browser=False, ollama_host="127.0.0.1:9")
