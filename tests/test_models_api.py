"""What other programs and the page may rely on of models: the list, readiness, fetching."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from storaiteller.config import Config
from storaiteller.engines.base import Engine, PullProgress, Report
from storaiteller.errors import EngineUnavailableError, ModelMissingError, ModelUnusableError
from storaiteller.model_files import DEMO_ID, ModelInfo
from tests.fake_ollama import FakeModel, FakeOllama, Gate, Reply, error
from tests.fakes import ScriptedEngine, ScriptedModels
from tests.rest import opened
from tests.serving import GUARD, serving

# --- models and health ----------------------------------------------------------------------------


def health(ready: bool, engine: str, model: str, code: str | None = None, detail: str = "") -> dict[str, Any]:
    return {"ready": ready, "engine": engine, "model": model, "code": code, "detail": detail}


async def test_models_lists_what_there_is_and_which_one_writes(http: httpx.AsyncClient) -> None:
    assert (await http.get("/models")).json() == {
        "active": "embedded/scripted",
        "models": [
            {
                "id": "embedded/scripted",
                "name": "Scripted",
                "engine": "embedded",
                "installed": True,
                "size_bytes": 1,
                "detail": "",
            }
        ],
    }


class LoadingModels(ScriptedModels):
    """Loads when told to, and fails if told to."""

    def __init__(self) -> None:
        super().__init__(ScriptedEngine())
        self.may_load = asyncio.Event()
        self.loaded = asyncio.Event()
        self.failure: ModelUnusableError | None = None

    async def load(self, model: ModelInfo, report: Report = lambda done: None) -> Engine:
        await self.may_load.wait()
        self.loaded.set()
        if self.failure is not None:
            raise self.failure
        return await super().load(model)


async def test_health_says_loading_and_then_ready(config: Config) -> None:
    models = LoadingModels()
    async with opened(config, models) as http:
        loading = (await http.get("/health")).json()
        detail = "The model is being loaded."
        assert loading == health(False, "embedded", "embedded/scripted", "loading", detail)
        models.may_load.set()
        await models.loaded.wait()
        assert (await http.get("/health")).json() == health(True, "embedded", "embedded/scripted")


async def test_health_says_why_a_model_could_not_be_loaded(config: Config) -> None:
    models = LoadingModels()
    models.failure = ModelUnusableError("fox.gguf is cut short.")
    async with opened(config, models) as http:
        models.may_load.set()
        await models.loaded.wait()
        broken = (await http.get("/health")).json()
        detail = "fox.gguf is cut short."
        assert broken == health(False, "embedded", "embedded/scripted", "model_unusable", detail)


async def test_health_says_that_the_demo_model_is_missing(config: Config) -> None:
    async with opened(config) as http:
        missing = (await http.get("/health")).json()
        detail = "SmolLM2 135M (built in) is not on this machine yet."
        assert missing == health(False, "embedded", DEMO_ID, "model_missing", detail)


async def test_health_says_that_the_ollama_file_asked_for_is_missing(config: Config, tmp_path: Path) -> None:
    """``GET /models`` once failed with it, and the writer had no model to choose."""
    changes = {"model": "ollama:fox", "ollama_models": tmp_path}
    async with opened(config.model_copy(update=changes)) as http:
        missing = (await http.get("/health")).json()
        assert (missing["ready"], missing["code"]) == (False, "model_missing")
        assert missing["detail"].startswith(f"Ollama has no model fox in {tmp_path}.")
        listed = {model["id"]: model["installed"] for model in (await http.get("/models")).json()["models"]}
        assert listed == {DEMO_ID: False, "embedded/ollama:fox": False}


async def test_health_knows_a_model_that_came_by_another_way(config: Config) -> None:
    """The app offered to pull it, but the writer ran ``ollama pull`` in a terminal."""
    async with FakeOllama() as fake:
        fake.models.clear()
        async with opened(config.model_copy(update={"ollama_host": fake.url})) as http:
            missing = (await http.get("/health")).json()
            detail = "Ollama is running, but llama3.2 is not there yet."
            assert missing == health(False, "ollama", "ollama/llama3.2", "model_missing", detail)
            offered = (await http.get("/models")).json()["models"][-1]
            assert (offered["id"], offered["installed"]) == ("ollama/llama3.2", False)
            fake.models["llama3.2:latest"] = FakeModel()
            assert (await http.get("/health")).json() == health(True, "ollama", "ollama/llama3.2")


async def test_health_notices_that_ollama_went_away_and_came_back(config: Config) -> None:
    async with FakeOllama() as fake:
        changes = {"ollama_host": fake.url, "engine": "ollama"}
        async with opened(config.model_copy(update=changes)) as http:
            assert (await http.get("/health")).json()["ready"]
            await fake.stop()
            gone = (await http.get("/health")).json()
            assert (gone["ready"], gone["code"], gone["model"]) == (
                False,
                "engine_unavailable",
                "ollama/llama3.2",
            )
            assert fake.url in gone["detail"]
            assert (await http.get("/models")).json()["active"] == "ollama/llama3.2"
            await fake.start()
            assert (await http.get("/health")).json()["ready"]


# --- fetching a model -----------------------------------------------------------------------------


async def pulled(http: httpx.AsyncClient, model: str) -> list[dict[str, Any]]:
    response = await http.post("/models/pull", json={"model": model})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.splitlines()]


async def test_a_pull_tells_how_far_it_is_a_line_at_a_time(config: Config) -> None:
    steps = [PullProgress("downloading", 40, 100), PullProgress("success", 100, 100)]
    async with opened(config, ScriptedModels(ScriptedEngine(), steps)) as http:
        assert await pulled(http, "embedded/scripted") == [
            {"status": "downloading", "completed": 40, "total": 100},
            {"status": "success", "completed": 100, "total": 100},
        ]


async def test_a_pull_that_fails_ends_with_an_error_line(config: Config) -> None:
    steps = PullProgress("downloading", 40, 100), EngineUnavailableError("Ollama went away.")
    async with opened(config, ScriptedModels(ScriptedEngine(), steps)) as http:
        last = (await pulled(http, "embedded/scripted"))[-1]
        assert last == {"code": "engine_unavailable", "message": "Ollama went away.", "field": None}


@pytest.mark.parametrize("model", ["embedded/nope.gguf", "embedded/../../x", "nope"])
async def test_a_model_that_cannot_be_fetched_is_not_found(config: Config, model: str) -> None:
    async with opened(config) as http:
        refusal = await http.post("/models/pull", json={"model": model})
        assert (refusal.status_code, refusal.json()["code"]) == (404, ModelMissingError.code)
        assert model in refusal.json()["message"]


async def test_a_model_pulled_is_ready_to_write(config: Config) -> None:
    async with FakeOllama() as fake:
        fake.models.clear()
        async with opened(config.model_copy(update={"ollama_host": fake.url})) as http:
            assert not (await http.get("/health")).json()["ready"]
            lines = await pulled(http, "ollama/llama3.2")
            assert lines[-1] == {"status": "success", "completed": 1024, "total": 1024}
            assert (await http.get("/health")).json()["ready"]


async def test_ollama_refusing_a_pull_from_the_start_is_not_found(config: Config) -> None:
    async with FakeOllama() as fake:
        fake.pull_script = error("pull model manifest: file does not exist", 500)
        async with opened(config.model_copy(update={"ollama_host": fake.url})) as http:
            refusal = await http.post("/models/pull", json={"model": "ollama/nope"})
            assert (refusal.status_code, refusal.json()["code"]) == (404, "model_missing")
            assert "nope" in refusal.json()["message"]


async def test_hanging_up_stops_the_pull(tmp_path: Path) -> None:
    gate = Gate()
    async with FakeOllama() as fake:
        fake.pull_script = Reply([{"status": "pulling aaaa", "digest": "a", "total": 100}, gate])
        async with serving(data_dir=tmp_path, ollama_host=fake.url) as server, server.http() as http:
            body = {"model": "ollama/llama3.2"}
            async with http.stream("POST", "/models/pull", json=body) as response:
                line = await anext(response.aiter_lines())
                assert json.loads(line) == {"status": "pulling aaaa", "completed": 0, "total": 100}
            [request] = fake.asked("/api/pull")
            await asyncio.wait_for(request.left.wait(), GUARD)
