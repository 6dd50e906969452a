"""Which models there are, and which one writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from storaiteller.config import Config, EngineChoice
from storaiteller.errors import ConfigError, EngineUnavailableError, ModelMissingError
from storaiteller.model_files import DEMO_ID, ModelFiles
from storaiteller.models import Models
from storaiteller.registry import BaseRecord, Registry
from tests.closed import closed, open_folder
from tests.fake_ollama import FakeModel, FakeOllama
from tests.ollama_folder import DIGEST, MODEL, made_in, manifest, put
from tests.versions import add


@asynccontextmanager
async def models_of(config: Config, **changes: Any) -> AsyncIterator[Models]:
    models = Models(config.model_copy(update=changes))
    await models.decide()
    yield models
    await models.aclose()


# --- which model writes unless the writer chooses -------------------------------------------------

AUTO, EMBEDDED, OLLAMA = EngineChoice.AUTO, EngineChoice.EMBEDDED, EngineChoice.OLLAMA


@pytest.mark.parametrize(
    ("engine", "model", "with_ollama", "without_ollama"),
    [
        (AUTO, None, "ollama/llama3.2", DEMO_ID),
        (EMBEDDED, None, DEMO_ID, DEMO_ID),
        (OLLAMA, None, "ollama/llama3.2", "ollama/llama3.2"),
        (AUTO, "qwen3:4b", "ollama/qwen3:4b", "ollama/qwen3:4b"),
        (OLLAMA, "qwen3:4b", "ollama/qwen3:4b", "ollama/qwen3:4b"),
        (AUTO, "/models/fox.gguf", "embedded/fox.gguf", "embedded/fox.gguf"),
        (AUTO, "/models/FOX.GGUF", "embedded/FOX.GGUF", "embedded/FOX.GGUF"),
        (EMBEDDED, "fox.gguf", "embedded/fox.gguf", "embedded/fox.gguf"),
        (AUTO, "ollama:llama3.2", "embedded/ollama:llama3.2", "embedded/ollama:llama3.2"),
        (EMBEDDED, "ollama:fox:1b", "embedded/ollama:fox:1b", "embedded/ollama:fox:1b"),
    ],
)
async def test_the_default_is_what_was_asked_for_else_ollamas_else_the_demo(
    config: Config, engine: EngineChoice, model: str | None, with_ollama: str, without_ollama: str
) -> None:
    async with models_of(config, engine=engine, model=model) as models:
        assert models.default_id == without_ollama
    changes = {"engine": engine, "model": model}
    async with FakeOllama() as fake, models_of(config, **changes, ollama_host=fake.url) as models:
        assert models.default_id == with_ollama


@pytest.mark.parametrize(
    ("engine", "model"),
    [(EMBEDDED, "llama3.2"), (OLLAMA, "fox.gguf"), (OLLAMA, "ollama:llama3.2")],
)
def test_an_engine_that_cannot_run_the_model_is_a_bad_setting(
    config: Config, engine: EngineChoice, model: str
) -> None:
    with pytest.raises(ConfigError, match=f"--model {model}") as refusal:
        Models(config.model_copy(update={"engine": engine, "model": model}))
    assert refusal.value.field == "model"


async def test_the_writers_own_model_comes_before_the_usual_one(config: Config) -> None:
    async with FakeOllama() as fake:
        fake.models["storaiteller:latest"] = FakeModel()
        async with models_of(config, ollama_host=fake.url) as models:
            assert models.default_id == "ollama/storaiteller"


async def test_a_gguf_is_known_by_being_a_file_where_its_name_does_not_tell(
    config: Config, tmp_path: Path
) -> None:
    blob = tmp_path / "sha256-abc"
    blob.write_bytes(b"GGUF")
    async with models_of(config, model=str(blob)) as models:
        assert models.default_id == "embedded/sha256-abc"
        assert (await models.find(None)).installed


# --- the list -------------------------------------------------------------------------------------


async def test_the_list_has_the_demo_the_files_and_what_ollama_has(config: Config, tmp_path: Path) -> None:
    config.models_dir.mkdir()
    (config.models_dir / "fox.gguf").write_bytes(b"GGUF")
    (config.models_dir / "notes.txt").write_bytes(b"")
    elsewhere = tmp_path / "elsewhere" / "bear.gguf"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(b"GGUF....")
    async with FakeOllama() as fake:
        fake.models["qwen3:4b"] = FakeModel(size=4_000)
        async with models_of(config, model=str(elsewhere), ollama_host=fake.url) as models:
            listed = {
                each.id: (each.name, each.installed, each.size_bytes) for each in await models.listing()
            }
    assert listed == {
        DEMO_ID: ("SmolLM2 135M (built in)", False, 98_362_432),
        "embedded/fox.gguf": ("fox", True, 4),
        "embedded/bear.gguf": ("bear", True, 8),
        "ollama/llama3.2": ("llama3.2", True, 2_019_393_189),
        "ollama/qwen3:4b": ("qwen3:4b", True, 4_000),
    }


async def test_a_model_that_ollama_could_fetch_is_offered_while_ollama_answers(config: Config) -> None:
    async with FakeOllama() as fake:
        fake.models.clear()
        async with models_of(config, ollama_host=fake.url, engine=EMBEDDED) as models:
            assert [each.id for each in await models.listing()] == [DEMO_ID, "ollama/llama3.2"]
            await fake.stop()
            assert [each.id for each in await models.listing()] == [DEMO_ID]


async def test_nobody_is_told_the_models_before_the_default_is_settled(config: Config) -> None:
    models = Models(config)
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(models.find(None)), tasks.create_task(models.listing())
        await asyncio.sleep(0)
        assert not any(each.done() for each in asked)
        await models.decide()
    assert asked[0].result().id == DEMO_ID
    await models.aclose()


@pytest.mark.parametrize(
    "model_id",
    [
        "embedded/../../etc/passwd",
        "embedded/../secret.gguf",
        "embedded//etc/passwd",
        "embedded/",
        "embedded/ollama:fox",
        "/etc/passwd",
        "secret.gguf",
        "ollama",
    ],
)
async def test_an_id_never_becomes_a_path(config: Config, model_id: str) -> None:
    config.models_dir.mkdir()
    (config.data_dir / "secret.gguf").write_bytes(b"GGUF")
    async with models_of(config) as models:
        with pytest.raises(ModelMissingError, match="There is no model"):
            await models.find(model_id)


async def test_a_model_on_a_server_that_does_not_answer_is_not_called_missing(config: Config) -> None:
    async with models_of(config) as models:
        with pytest.raises(EngineUnavailableError):
            await models.find("ollama/llama3.2")


async def test_what_is_not_here_is_not_loaded_and_says_where_to_get_it(config: Config) -> None:
    async with FakeOllama() as fake:
        fake.models.clear()
        async with models_of(config, ollama_host=fake.url) as models:
            for model_id in (DEMO_ID, "ollama/llama3.2"):
                with pytest.raises(ModelMissingError, match="Get it from the list of models"):
                    await models.load(await models.find(model_id))


async def test_an_ollama_file_that_is_gone_is_listed_with_the_reason(config: Config, tmp_path: Path) -> None:
    async with models_of(config, model="ollama:fox", ollama_models=tmp_path) as models:
        fox = (await models.listing())[-1]
        assert (fox.id, fox.installed) == ("embedded/ollama:fox", False)
        assert "ollama pull fox" in fox.detail
        with pytest.raises(ModelMissingError, match="ollama pull fox"):
            await models.load(fox)
        assert (await models.find(DEMO_ID)).id == DEMO_ID


# --- Ollama's own files -----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made_in(tmp_path)


async def test_ollamas_file_is_run_here_without_its_server(config: Config, folder: Path) -> None:
    put(folder, "host.example/library/fox/latest", manifest(MODEL))
    async with models_of(config, model="ollama:fox", ollama_models=folder) as models:
        fox = await models.find(None)
        assert (fox.id, fox.engine, fox.installed) == ("embedded/ollama:fox", "embedded", True)
        assert fox.size_bytes == 4


async def test_ollamas_files_are_listed_while_its_server_does_not_answer(
    config: Config, folder: Path
) -> None:
    put(folder, "host.example/library/fox/latest", manifest(MODEL))
    put(folder, "host.example/bo/hare/tiny", manifest(MODEL))
    put(folder, "host.example/library/broken/latest", b"{}")
    async with models_of(config, ollama_models=folder) as models:
        assert [model.id for model in await models.listing()] == [
            DEMO_ID, "embedded/ollama:bo/hare:tiny", "embedded/ollama:fox",
        ]  # fmt: skip
        assert (await models.find("embedded/ollama:bo/hare:tiny")).installed


async def test_ollamas_files_are_not_listed_twice_while_its_server_answers(
    config: Config, folder: Path
) -> None:
    put(folder, "host.example/library/llama3.2/latest", manifest(MODEL))
    async with FakeOllama() as fake, models_of(config, ollama_host=fake.url, ollama_models=folder) as models:
        assert [model.id for model in await models.listing()] == [DEMO_ID, "ollama/llama3.2"]


def test_a_file_in_a_closed_folder_is_no_bad_setting(config: Config) -> None:
    with open_folder() as home:
        (home / "blobs").mkdir()
        with closed(home / "blobs"):
            files = ModelFiles(config.model_copy(update={"model": str(home / "blobs" / "sha256-aa")}))
    assert files.base_path("embedded/sha256-aa") == home / "blobs" / "sha256-aa"


# --- a version that Ollama has lost ---------------------------------------------------------------

TUNED = "ollama/storaiteller:v1"


@pytest.fixture
def learned(config: Config, folder: Path) -> Config:
    """The active version was registered on Ollama, and its base's file is on this machine."""
    put(folder, "host.example/library/llama3.2/latest", manifest(MODEL))
    registry = Registry(config.data_dir)
    base = BaseRecord(model_id="ollama/llama3.2", name="llama3.2", sha256="a" * 64, size_bytes=4)
    add(registry, base=base, ollama="storaiteller:v1")
    registry.activate("v1")
    return config.model_copy(update={"ollama_models": folder})


async def test_a_version_that_ollama_lost_writes_in_this_process_until_it_is_back(learned: Config) -> None:
    async with FakeOllama() as fake:
        fake.models["storaiteller:v1"] = FakeModel()
        async with models_of(learned, ollama_host=fake.url) as models:
            assert (await models.find(None)).id == models.default_id == TUNED
            del fake.models["storaiteller:v1"]
            listed = await models.listing()
            assert models.default_id == "embedded/storaiteller"
            assert [model.installed for model in listed if model.id == models.default_id] == [True]
            assert (await models.find(None)).id == "embedded/storaiteller:v1"
            fake.models["storaiteller:v1"] = FakeModel()
            assert (await models.find(None)).id == models.default_id == TUNED
            assert "embedded/storaiteller" not in {model.id for model in await models.listing()}


async def test_a_version_that_ollama_lost_is_missing_where_its_base_is_not_here(
    learned: Config, folder: Path
) -> None:
    (folder / "blobs" / DIGEST.replace(":", "-")).unlink()
    async with FakeOllama() as fake, models_of(learned, ollama_host=fake.url) as models:
        with pytest.raises(ModelMissingError, match=TUNED):
            await models.find(None)
        assert models.default_id == TUNED


async def test_a_version_is_not_lost_because_ollama_does_not_answer(learned: Config) -> None:
    async with FakeOllama() as fake, models_of(learned, ollama_host=fake.url) as models:
        await models.find(None)
        await fake.stop()
        with pytest.raises(EngineUnavailableError):
            await models.find(None)
        assert models.default_id == TUNED
