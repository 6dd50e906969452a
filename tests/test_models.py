"""Which models there are, which one writes, where Ollama keeps them, and who holds those in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from storaiteller.config import Config, EngineChoice
from storaiteller.engines.base import Engine, Report
from storaiteller.engines.pool import EnginePool
from storaiteller.errors import (
    ConfigError,
    EngineUnavailableError,
    ModelMissingError,
    ModelUnusableError,
)
from storaiteller.model_files import DEMO_ID, ModelFiles
from storaiteller.models import Models
from storaiteller.ollama_store import find_blob, stored_names, usual_folders
from storaiteller.registry import BaseRecord, Registry
from tests.closed import closed, open_folder
from tests.fake_ollama import FakeModel, FakeOllama
from tests.fakes import ScriptedEngine
from tests.serving import GUARD
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


# --- Ollama's own folder --------------------------------------------------------------------------

MODEL, ADAPTER = "application/vnd.ollama.image.model", "application/vnd.ollama.image.adapter"
DIGEST = f"sha256:{'a' * 64}"


def manifest(*kinds: str, digest: str = DIGEST) -> str:
    layers = [{"mediaType": kind, "digest": digest, "size": 4} for kind in kinds]
    return json.dumps({"schemaVersion": 2, "config": {}, "layers": layers})


def put(folder: Path, place: str, text: str | bytes) -> None:
    path = folder / "manifests" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ollama's folder, with one blob."""
    blobs = tmp_path / "ollama" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / DIGEST.replace(":", "-")).write_bytes(b"GGUF")
    return blobs.parent


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("llama3.2", "host.example/library/llama3.2/latest"),
        ("llama3.2:latest", "host.example/library/llama3.2/latest"),
        ("llama3.2:1b-instruct-q4_K_M", "host.example/library/llama3.2/1b-instruct-q4_K_M"),
        ("somebody/fox", "host.example/somebody/fox/latest"),
        ("somebody/fox:1b", "host.example/somebody/fox/1b"),
        ("other.example/somebody/Fox-GGUF:Q4_K_M", "other.example/somebody/Fox-GGUF/Q4_K_M"),
    ],
)
def test_a_blob_is_found_by_the_name_ollama_knows_it_by(folder: Path, name: str, place: str) -> None:
    put(folder, "host.example/library/other/latest", manifest(MODEL, digest="sha256:other"))
    put(folder, place, manifest("application/vnd.ollama.image.template", MODEL))
    assert find_blob(name, [folder / "nothing-here", folder]) == folder / "blobs" / DIGEST.replace(":", "-")


@pytest.mark.parametrize("name", ["llama3.2", "llama3.2:70b", "somebody/fox"])
def test_a_model_ollama_does_not_have_is_missing_and_the_folders_are_named(folder: Path, name: str) -> None:
    put(folder, "host.example/library/llama3.2/1b", manifest(MODEL))
    with pytest.raises(ModelMissingError) as missing:
        find_blob(name, [folder])
    assert f"ollama pull {name}" in missing.value.message
    assert str(folder) in missing.value.message
    assert "OLLAMA_MODELS" in missing.value.message


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../fox",
        "fox/..",
        "fox:..",
        "fox:../latest",
        "/etc/passwd",
        "a/b/c/d",
        "fox:a:b",
        "fo*",
        "f?x",
        "[a-z]",
        "fox\n",
        "fox\0",
        "**/fox",
    ],
)
def test_a_name_is_never_a_path_or_a_pattern(folder: Path, name: str) -> None:
    put(folder, "host.example/library/fox/latest", manifest(MODEL))
    with pytest.raises(ModelMissingError, match="is not the name of an Ollama model"):
        find_blob(name, [folder])


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"layers": null}',
        b'{"layers": [7]}',
        b'{"layers": []}',
        b'{"layers": [{"mediaType": "application/vnd.ollama.image.model"}]}',
        manifest("application/vnd.ollama.image.template").encode(),
    ],
)
def test_a_manifest_that_cannot_be_read_is_unusable(folder: Path, garbage: bytes) -> None:
    put(folder, "host.example/library/fox/latest", garbage)
    with pytest.raises(ModelUnusableError, match="Ollama's notes on fox"):
        find_blob("fox", [folder])


def test_a_model_with_an_adapter_is_not_run_without_it(folder: Path) -> None:
    put(folder, "host.example/library/fox/latest", manifest(MODEL, ADAPTER))
    with pytest.raises(ModelUnusableError, match="--engine ollama"):
        find_blob("fox", [folder])


@pytest.mark.parametrize("digest", ["sha256:bbb", "..", "../../secret", "/etc/passwd", "../manifests"])
def test_a_blob_that_is_gone_or_elsewhere_is_missing(folder: Path, digest: str) -> None:
    (folder.parent / "secret").write_bytes(b"GGUF")
    put(folder, "host.example/library/fox/latest", manifest(MODEL, digest=digest))
    with pytest.raises(ModelMissingError, match="The file of fox is gone"):
        find_blob("fox", [folder])


def test_the_usual_folders_are_the_persons_and_the_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert list(map(str, usual_folders())) == ["/home/ada/.ollama/models", "/usr/share/ollama/.ollama/models"]


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


def test_a_folder_that_is_closed_is_named_with_the_way_to_open_it() -> None:
    with open_folder() as home:
        folder = home / "ollama" / "models"
        put(folder, "host.example/library/fox/latest", manifest(MODEL))
        assert stored_names([folder]) == ["fox"]
        with closed(folder.parent):
            assert stored_names([folder]) == []
            with pytest.raises(ModelMissingError) as missing:
                find_blob("fox", [folder])
        told = missing.value.message
        assert f"sudo chmod a+x {folder.parent} && sudo chmod -R a+rX {folder}" in told
        with closed(folder / "manifests"), pytest.raises(ModelMissingError, match=r"chmod -R a\+rX"):
            find_blob("fox", [folder])


def test_a_closed_folder_hides_no_other_one() -> None:
    with open_folder() as home:
        service, own = home / "service", home / "own"
        (service / "manifests").mkdir(parents=True)
        put(own, "host.example/library/fox/latest", manifest(MODEL))
        blob = own / "blobs" / DIGEST.replace(":", "-")
        blob.parent.mkdir()
        blob.write_bytes(b"GGUF")
        with closed(service):
            assert find_blob("fox", [service, own]) == blob


def test_a_blob_that_may_not_be_read_is_missing_and_the_folder_is_named() -> None:
    with open_folder() as folder:
        put(folder, "host.example/library/fox/latest", manifest(MODEL))
        blob = folder / "blobs" / DIGEST.replace(":", "-")
        blob.parent.mkdir()
        blob.write_bytes(b"GGUF")
        for shut in (blob, blob.parent):
            with closed(shut), pytest.raises(ModelMissingError, match=f"are in {folder}, which you may not"):
                find_blob("fox", [folder])


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


# --- the pool -------------------------------------------------------------------------------------


class Shelf:
    """Loads engines on demand, and remembers which and how often."""

    def __init__(self) -> None:
        self.engines: list[ScriptedEngine] = []
        self.may_load = asyncio.Event()
        self.may_load.set()
        self.began = asyncio.Event()
        self.failure: Exception | None = None

    async def load(self, report: Report) -> Engine:
        report(7)
        self.began.set()
        await self.may_load.wait()
        if self.failure is not None:
            raise self.failure
        self.engines.append(ScriptedEngine())
        return self.engines[-1]


@pytest.fixture
async def pool() -> AsyncIterator[EnginePool]:
    pool = EnginePool()
    yield pool
    await pool.aclose()


async def test_a_model_is_loaded_once_for_all_who_want_it(pool: EnginePool) -> None:
    fox = Shelf()
    fox.may_load.clear()

    async def use() -> Engine:
        async with pool.lend("fox", fox.load) as engine:
            return engine

    async with asyncio.TaskGroup() as tasks:
        users = [tasks.create_task(use()) for _ in range(3)]
        await fox.began.wait()
        fox.may_load.set()
    assert [user.result() for user in users] == [fox.engines[0]] * 3
    assert await use() is fox.engines[0]
    assert pool.is_loaded("fox")
    assert not fox.engines[0].closed


async def test_how_far_a_model_has_been_read_is_known_while_it_is_loaded(pool: EnginePool) -> None:
    fox = Shelf()
    fox.may_load.clear()
    user = asyncio.create_task(pool.lend("fox", fox.load).__aenter__())
    await fox.began.wait()
    assert (pool.bytes_read, pool.is_loaded("fox")) == ({"fox": 7}, False)
    fox.may_load.set()
    await user
    assert (pool.bytes_read, pool.is_loaded("fox")) == ({}, True)


async def test_the_model_before_is_put_away_when_another_one_is_wanted(pool: EnginePool) -> None:
    fox, bear = Shelf(), Shelf()
    async with pool.lend("fox", fox.load):
        pass
    async with pool.lend("bear", bear.load):
        assert fox.engines[0].closed
        assert not pool.is_loaded("fox")
    assert not bear.engines[0].closed


async def test_a_model_that_is_writing_is_put_away_when_its_last_story_has_ended(pool: EnginePool) -> None:
    fox, bear = Shelf(), Shelf()
    async with AsyncExitStack() as first, AsyncExitStack() as second:
        await first.enter_async_context(pool.lend("fox", fox.load))
        await second.enter_async_context(pool.lend("fox", fox.load))
        async with pool.lend("bear", bear.load):
            assert not fox.engines[0].closed
            await first.aclose()
            assert not fox.engines[0].closed
            await second.aclose()
            assert fox.engines[0].closed


async def test_a_model_wanted_again_while_it_is_writing_stays(pool: EnginePool) -> None:
    fox, bear = Shelf(), Shelf()
    async with pool.lend("fox", fox.load):
        async with pool.lend("bear", bear.load):
            pass
        async with pool.lend("fox", fox.load):
            assert bear.engines[0].closed
    assert not fox.engines[0].closed
    assert len(fox.engines) == 1


async def test_a_failure_is_remembered_until_the_model_can_be_loaded(pool: EnginePool) -> None:
    fox = Shelf()
    fox.failure = ModelUnusableError("fox.gguf is cut short.")
    for _ in range(2):
        with pytest.raises(ModelUnusableError):
            async with pool.lend("fox", fox.load):
                pass
        assert pool.failures == {"fox": fox.failure}
    assert not pool.ready_once
    fox.failure = None
    async with pool.lend("fox", fox.load):
        assert pool.failures == {}
        assert pool.ready_once == {"fox"}


async def test_a_load_goes_on_when_whoever_asked_goes_away(pool: EnginePool) -> None:
    """A page that was reloaded while a large model was loading once began it anew, beside the first."""
    fox = Shelf()
    fox.may_load.clear()

    async def use() -> Engine:
        async with pool.lend("fox", fox.load) as engine:
            return engine

    gone = asyncio.create_task(use())
    await fox.began.wait()
    gone.cancel()
    await asyncio.wait([gone])
    assert gone.cancelled()
    again = asyncio.create_task(use())
    fox.may_load.set()
    assert await asyncio.wait_for(again, GUARD) is fox.engines[0]
    assert len(fox.engines) == 1


async def test_a_load_nobody_waits_for_is_put_away_once_another_model_is_wanted(pool: EnginePool) -> None:
    fox, bear = Shelf(), Shelf()
    fox.may_load.clear()
    gone = asyncio.create_task(pool.lend("fox", fox.load).__aenter__())
    await fox.began.wait()
    gone.cancel()
    await asyncio.wait([gone])
    async with pool.lend("bear", bear.load):
        fox.may_load.set()
    await pool.aclose()
    assert [shelf.engines[0].closed for shelf in (fox, bear)] == [True, True]


async def test_a_load_that_fails_after_whoever_asked_has_gone_is_told_by_its_failure(
    pool: EnginePool,
) -> None:
    fox = Shelf()
    fox.may_load.clear()
    fox.failure = ModelUnusableError("fox.gguf is cut short.")
    gone = asyncio.create_task(pool.lend("fox", fox.load).__aenter__())
    await fox.began.wait()
    gone.cancel()
    await asyncio.wait([gone])
    fox.may_load.set()
    await pool.aclose()
    assert pool.failures == {"fox": fox.failure}


async def test_closing_the_pool_closes_every_model(pool: EnginePool) -> None:
    fox, bear = Shelf(), Shelf()
    async with pool.lend("fox", fox.load), pool.lend("bear", bear.load):
        await pool.aclose()
        assert [shelf.engines[0].closed for shelf in (fox, bear)] == [True, True]
