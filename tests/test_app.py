"""What other programs and the page may rely on: the REST routes, the page itself, and their errors."""

from __future__ import annotations

import asyncio
import csv
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from filelock import FileLock

from storaiteller import durable, prompts
from storaiteller.api.errors import ErrorBody
from storaiteller.app import create_app
from storaiteller.config import Config
from storaiteller.engines.base import Engine, PullProgress, Report
from storaiteller.errors import EngineUnavailableError, ModelMissingError, ModelUnusableError
from storaiteller.models import DEMO_ID, ModelInfo, Models
from tests.fake_ollama import FakeModel, FakeOllama, Gate, Reply, error
from tests.fakes import ScriptedEngine, ScriptedModels
from tests.serving import BEARER, GUARD, TOKEN, serving

SETTINGS: dict[str, Any] = {"genre": "Fantasy", "register": "Playful", "max_words": 120}
FULL = {
    "characters": ["Ada", "Bo"],
    "keywords": ["moon", "tide"],
    "genre": "Fantasy",
    "register": "Playful",
    "child_friendly": True,
    "max_words": 120,
    "final_twist": True,
}
STORY = {"settings": SETTINGS, "story": "Once.\r\n\r\n“Upon”, a time 🌙", "story_id": "s1"}
PARTS = {
    "settings": SETTINGS,
    "initialpart": "Ada ran. ",
    "selectedpart": "She fell.",
    "finalpart": " The end.",
    "instruction": "shorter",
}


@asynccontextmanager
async def opened(config: Config, models: Models | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app, with its lifespan but without a server."""
    app = create_app(config, token=TOKEN, models=models)
    async with app.router.lifespan_context(app), client_of(app) as client:
        yield client


def client_of(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=BEARER)


def assert_error(response: httpx.Response, status: int, code: str, field: str | None = None) -> str:
    """Check the one form of an error, and return its message."""
    assert response.status_code == status, response.text
    body = response.json()
    assert list(body) == ["code", "message", "field"]
    assert (body["code"], body["field"]) == (code, field)
    message: str = body["message"]
    assert message.endswith(".")
    assert len(message) < 600
    return message


# --- the prompt of a story ------------------------------------------------------------------------

OPENING = "You are a writer. Write a story, without extra comments or questions, of maximum"
NAMES = ", where the main characters names are Ada, Bo"
GENRE = " The story genre is Fantasy and you have to use a Playful register."
KEYWORDS = " The keywords of the story are moon, tide."
ARC = " The story must have an introduction, a development and a finale."
TWIST = " The finale of the story must have a twist."
CHILD = " The content must be child-friendly. The story might not involve children."


@pytest.mark.parametrize(
    ("changes", "prompt"),
    [
        ({}, f"{OPENING} 120 words.{GENRE}{ARC}"),
        ({"characters": [], "keywords": []}, f"{OPENING} 120 words.{GENRE}{ARC}"),
        ({"characters": ["Ada", "Bo"]}, f"{OPENING} 120 words{NAMES}.{GENRE}{ARC}"),
        ({"keywords": ["moon", "tide"]}, f"{OPENING} 120 words.{GENRE}{KEYWORDS}{ARC}"),
        ({"final_twist": True}, f"{OPENING} 120 words.{GENRE}{ARC}{TWIST}"),
        ({"child_friendly": True}, f"{OPENING} 120 words.{GENRE}{ARC}{CHILD}"),
        (FULL, f"{OPENING} 120 words{NAMES}.{GENRE}{KEYWORDS}{ARC}{TWIST}{CHILD}"),
        ({"max_words": 5_000}, f"{OPENING} 5000 words.{GENRE}{ARC}"),
        ({"max_words": 20}, f"{OPENING} 20 words.{GENRE}{ARC}"),
        ({"genre": "Sci-fi"}, f"{OPENING} 120 words.{GENRE.replace('Fantasy', 'Sci-fi')}{ARC}"),
    ],
)
async def test_setstory_assembles_the_prompt_word_for_word(
    shared: httpx.AsyncClient, changes: dict[str, Any], prompt: str
) -> None:
    response = await shared.post("/setstory", json={**SETTINGS, **changes})
    assert response.status_code == 200
    assert response.json() == {"prompt": prompt, "prompt_version": prompts.PROMPT_VERSION}


@pytest.mark.parametrize(
    "name",
    ["{{ 7*7 }}", "{% raw %}", "{# no #}", "{{ settings.__class__ }}", '"""', "<b>&amp;</b>", "O'Neil", "🦊"],
)
@pytest.mark.parametrize("field", ["characters", "keywords"])
async def test_a_name_is_data_and_never_a_template(shared: httpx.AsyncClient, field: str, name: str) -> None:
    response = await shared.post("/setstory", json={**SETTINGS, field: [name]})
    assert f" are {name}." in response.json()["prompt"]


async def test_names_lose_the_space_around_them(shared: httpx.AsyncClient) -> None:
    response = await shared.post("/setstory", json={**SETTINGS, "characters": [" Ada ", "\tBo\n"]})
    assert "names are Ada, Bo." in response.json()["prompt"]


async def test_redopartofstory_shows_the_three_parts_and_the_wish(shared: httpx.AsyncClient) -> None:
    response = await shared.post("/redopartofstory", json=PARTS)
    body = response.json()
    assert body["prompt_version"] == prompts.PROMPT_VERSION
    assert body["prompt"].startswith(f"{OPENING} 120 words.{GENRE}{ARC}\n")
    for part in (
        "starts with this part unchanged:\nAda ran.\n",
        "in its place:\nShe fell.\n",
        "finishes with this part unchanged:\n The end.\n",
        "must follow this wish: shorter\n",
    ):
        assert part in f"{body['prompt']}\n"


async def test_redopartofstory_shows_what_an_action_asks_for(shared: httpx.AsyncClient) -> None:
    parts = {**PARTS, "instruction": "", "action": "register", "register": "Formal", "opening": "She"}
    prompt = (await shared.post("/redopartofstory", json=parts)).json()["prompt"]
    assert "must follow this wish: Use a Formal register.\n" in prompt
    assert "use a Formal register. The story" in prompt
    assert prompt.endswith("starts with this part unchanged:\nAda ran. She\n")
    assert_error(
        await shared.post("/redopartofstory", json={**parts, "action": "vivid"}),
        422,
        "invalid_request",
        "register",
    )


async def test_redopartofstory_leaves_out_what_there_is_not(shared: httpx.AsyncClient) -> None:
    parts = {**PARTS, "initialpart": "", "finalpart": "", "instruction": "  "}
    prompt = (await shared.post("/redopartofstory", json=parts)).json()["prompt"]
    assert "She fell." in prompt
    assert "unchanged" not in prompt
    assert "wish" not in prompt


async def test_the_text_of_a_story_is_never_a_template(shared: httpx.AsyncClient) -> None:
    odd = '{{ 7*7 }} {% for x in y %} """\nFROM x'
    parts = {**PARTS, "initialpart": odd, "selectedpart": odd, "finalpart": odd, "instruction": odd}
    prompt = (await shared.post("/redopartofstory", json=parts)).json()["prompt"]
    assert prompt.count(odd) == 4


# --- bad input ------------------------------------------------------------------------------------

LONG_NAME = "x" * 81


def bad_settings() -> Iterator[tuple[str, Any, str]]:
    """Field, bad value, and what the sentence says of it."""
    for field in ("characters", "keywords"):
        for names in ([""], [" "], [LONG_NAME], ["a\nb"], ['"""\nFROM x'], ["a\0"], ["\ud83d"], ["a\u2028b"]):
            yield field, names, "each one line of 1 to 80 characters"
        for value in ("Ada", [7], [None], [["Ada"]], {"0": "Ada"}, None, ["Ada"] * 41):
            yield field, value, "must be a list of at most"
    for words in (0, -5, 19, 5_001, 10**12, "ten", "120", 120.0, 120.5, True, None, [120]):
        yield "max_words", words, "max_words must be a whole number from 20 to 5,000, not "
    for genre in ("fantasy", "Western", "", 7, None):
        yield "genre", genre, "genre must be one of Adventure, Biography, Comedy"
    yield "register", "Rude", "register must be one of Casual, Cerebral"
    for flag in ("child_friendly", "final_twist"):
        for setting in ("yes", 1, None):
            yield flag, setting, f"{flag} must be true or false"
    yield "colour", "blue", "colour is not a field that is known here."


@pytest.mark.parametrize(("field", "value", "said"), list(bad_settings()), ids=ascii)
async def test_a_bad_setting_is_named_with_what_is_allowed(
    shared: httpx.AsyncClient, field: str, value: Any, said: str
) -> None:
    bad = json.dumps({**SETTINGS, field: value}).encode()
    response = await shared.post("/setstory", content=bad, headers={"content-type": "application/json"})
    assert said in assert_error(response, 422, "invalid_request", field)


@pytest.mark.parametrize("path", ["/redopartofstory", "/savestory"])
async def test_a_bad_setting_inside_a_body_is_named_by_its_way(shared: httpx.AsyncClient, path: str) -> None:
    good: dict[str, Any] = STORY if path == "/savestory" else PARTS
    body = {**good, "settings": {**SETTINGS, "max_words": 0}}
    assert_error(await shared.post(path, json=body), 422, "invalid_request", "settings.max_words")


@pytest.mark.parametrize("field", ["genre", "register", "max_words"])
async def test_a_setting_that_is_needed_is_missed(shared: httpx.AsyncClient, field: str) -> None:
    settings = {key: value for key, value in SETTINGS.items() if key != field}
    message = assert_error(await shared.post("/setstory", json=settings), 422, "invalid_request", field)
    assert message.startswith(f"{field} is missing: ")


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        *(("/redopartofstory", part, "x" * 2_000_000) for part in ("initialpart", "finalpart")),
        ("/redopartofstory", "selectedpart", ""),
        ("/redopartofstory", "selectedpart", " \r\n"),
        ("/redopartofstory", "selectedpart", "a\0b"),
        ("/redopartofstory", "initialpart", "\udc00"),
        ("/redopartofstory", "finalpart", None),
        ("/redopartofstory", "instruction", "x" * 1_001),
        ("/redopartofstory", "instruction", "\0"),
        ("/redopartofstory", "settings", "Fantasy"),
        ("/redopartofstory", "offset", 7),
        ("/savestory", "story", "x" * 2_000_000),
        ("/savestory", "story", ""),
        ("/savestory", "story", " \n"),
        ("/savestory", "story", "a\0b"),
        ("/savestory", "story", "a \ud83d b"),
        ("/savestory", "story", ["Once"]),
        ("/savestory", "story_id", ""),
        ("/savestory", "story_id", "../s1"),
        ("/savestory", "story_id", "a b"),
        ("/savestory", "story_id", "s1\n"),
        ("/savestory", "story_id", "é"),
        ("/savestory", "story_id", "x" * 129),
        ("/savestory", "story_id", 7),
        ("/savestory", "model", "a\nb"),
        ("/savestory", "model", "x" * 301),
        ("/models/pull", "model", ""),
        ("/models/pull", "model", None),
        ("/models/pull", "into", "/etc"),
    ],
)
async def test_a_bad_field_is_named_and_nothing_is_saved(
    shared: httpx.AsyncClient, shared_config: Config, path: str, field: str, value: Any
) -> None:
    before = shared_config.ledger_path.read_bytes()
    bodies: dict[str, dict[str, Any]] = {
        "/savestory": STORY,
        "/redopartofstory": PARTS,
        "/models/pull": {"model": DEMO_ID},
    }
    body = json.dumps({**bodies[path], field: value}).encode()
    response = await shared.post(path, content=body, headers={"content-type": "application/json"})
    assert_error(response, 422, "invalid_request", field)
    assert shared_config.ledger_path.read_bytes() == before


async def test_a_value_that_is_far_too_long_is_cut_in_the_sentence(shared: httpx.AsyncClient) -> None:
    response = await shared.post("/savestory", json={**STORY, "story": "x" * 2_000_000})
    message = assert_error(response, 422, "invalid_request", "story")
    assert "at most 1,000,000 characters" in message
    assert message.endswith("xxx… (2,000,000 characters).")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"Fantasy"',
        b"{",
        b"{'genre': 'Fantasy'}",
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"max_words": ' + b"9" * 5_000 + b"}",
    ],
    ids=lambda body: ascii(body[:20]),
)
async def test_a_body_that_is_no_json_object_is_refused(shared: httpx.AsyncClient, body: bytes) -> None:
    response = await shared.post("/setstory", content=body, headers={"content-type": "application/json"})
    assert "JSON" in assert_error(response, 422, "invalid_request")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
async def test_a_body_has_to_say_that_it_is_json(shared: httpx.AsyncClient, content_type: str | None) -> None:
    """Other sites' pages can send forms and plain text without asking, but not JSON."""
    headers = {"content-type": content_type} if content_type else {}
    response = await shared.post("/setstory", content=json.dumps(SETTINGS), headers=headers)
    assert "Content-Type: application/json" in assert_error(response, 422, "invalid_request")


async def test_an_unknown_route_is_not_found(shared: httpx.AsyncClient) -> None:
    message = assert_error(await shared.get("/stories/7"), 404, "not_found")
    assert message == "There is nothing at /stories/7."


async def test_a_route_is_not_for_every_method(shared: httpx.AsyncClient) -> None:
    response = await shared.get("/setstory")
    assert assert_error(response, 405, "method_not_allowed") == "GET is not possible at /setstory."
    assert response.headers["allow"] == "POST"


async def test_what_nobody_thought_of_is_told_without_its_insides(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> str:
        raise KeyError("a secret")

    monkeypatch.setattr("storaiteller.api.stories.story_prompt", broken)
    message = assert_error(await http.post("/setstory", json=SETTINGS), 500, "internal")
    assert "secret" not in message
    assert "secret" in caplog.text


# --- good stories ---------------------------------------------------------------------------------


def rows(config: Config) -> list[dict[str, str]]:
    with config.ledger_path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


async def test_a_good_story_is_one_row_however_often_it_is_saved(
    http: httpx.AsyncClient, config: Config
) -> None:
    story = {**STORY, "settings": FULL, "model": "embedded/demo.gguf"}
    first = await http.post("/savestory", json=story)
    again = await http.post("/savestory", json=story)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json() == {"story_id": "s1", "saved": True}
    [row] = rows(config)
    assert row["Story"] == STORY["story"]
    assert row["Prompt"] == (await http.post("/setstory", json=FULL)).json()["prompt"]
    assert json.loads(row["Settings"]) == FULL
    assert (row["StoryId"], row["Rating"], row["Model"]) == ("s1", "1", "embedded/demo.gguf")
    assert row["PromptVersion"] == prompts.PROMPT_VERSION


async def test_a_story_taken_back_is_rated_nought(http: httpx.AsyncClient, config: Config) -> None:
    await http.post("/savestory", json=STORY)
    response = await http.delete("/savestory/s1")
    assert (response.status_code, response.json()) == (200, {"story_id": "s1", "saved": False})
    assert [row["Rating"] for row in rows(config)] == ["1", "0"]
    assert (await http.post("/savestory", json=STORY)).status_code == 201


async def test_a_story_that_was_never_saved_cannot_be_taken_back(http: httpx.AsyncClient) -> None:
    assert_error(await http.delete("/savestory/s2"), 404, "unknown_story")
    assert_error(await http.delete("/savestory/a%20b"), 422, "invalid_request", "story_id")


async def test_a_story_that_could_not_be_written_down_is_not_called_saved(
    http: httpx.AsyncClient, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(durable, "append", full)
        assert_error(await http.post("/savestory", json=STORY), 507, "ledger_failed")
    assert rows(config) == []
    assert (await http.post("/savestory", json=STORY)).status_code == 201


async def test_the_prompt_and_the_models_do_not_wait_for_a_story_that_is_being_saved(
    http: httpx.AsyncClient, config: Config
) -> None:
    """Another process holds the ledger's lock: only saving waits for it."""
    async with asyncio.TaskGroup() as tasks:
        with FileLock(f"{config.ledger_path}.lock"):
            saving = tasks.create_task(http.post("/savestory", json=STORY))
            assert (await http.post("/setstory", json=SETTINGS)).status_code == 200
            assert (await http.get("/models")).status_code == 200
            assert not saving.done()
    assert saving.result().status_code == 201


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


# --- the page -------------------------------------------------------------------------------------


async def test_the_page_names_every_genre_and_register_and_the_limits(shared: httpx.AsyncClient) -> None:
    response = await shared.get("/")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    for value in ("Sci-fi", "Irreverent", 'min="20"', 'max="5000"'):
        assert value in response.text


async def test_the_page_brings_no_script_of_its_own_and_nothing_from_elsewhere(
    shared: httpx.AsyncClient,
) -> None:
    page = (await shared.get("/")).text
    scripts = re.findall(r"<script\b([^>]*)>(.*?)</script>", page, re.DOTALL)
    assert scripts
    assert all("src=" in attributes and not content.strip() for attributes, content in scripts)
    links = re.findall(r"\b(?:src|href)=[\"']([^\"']+)", page)
    assert links
    assert not [link for link in links if re.match(r"[a-z]+:|//", link)]
    assert not re.search(r"\son[a-z]+=", page)


async def test_everything_the_page_names_is_there(shared: httpx.AsyncClient) -> None:
    page = (await shared.get("/")).text
    links = re.findall(r"\b(?:src|href)=[\"'](/[^\"'#]+)", page)
    assert any(link.endswith(".js") for link in links)
    assert any(link.endswith(".css") for link in links)
    for link in links:
        response = await shared.get(link)
        assert response.status_code == 200, link
        if link.startswith("/assets/"):
            assert response.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/assets/nope.js", "/assets/../templates/index.html", "/assets/%2e%2e/build.py"]
)
async def test_only_what_was_built_is_an_asset(shared: httpx.AsyncClient, path: str) -> None:
    assert_error(await shared.get(path), 404, "not_found")


# --- OpenAPI --------------------------------------------------------------------------------------

ROUTES = {
    ("get", "/health"): [200],
    ("get", "/learning"): [200, 507],
    ("get", "/learning/versions/{name}/report"): [200, 404, 500],
    ("get", "/learning/versions/{name}/samples"): [200, 404, 500],
    ("post", "/learning/active"): [200, 404, 500, 507],
    ("post", "/learning/strength"): [200, 500, 507],
    ("get", "/library/export"): [200, 500, 507],
    ("post", "/library/import"): [200, 500, 507],
    ("get", "/library/favourites"): [200, 500, 507],
    ("post", "/library/favourites"): [200, 201, 409, 500, 507],
    ("delete", "/library/favourites/{id}"): [204, 500, 507],
    ("get", "/library/stories"): [200, 500, 507],
    ("post", "/library/stories"): [201, 409, 500, 507],
    ("get", "/library/stories/{id}"): [200, 404, 500, 507],
    ("put", "/library/stories/{id}"): [200, 404, 409, 500, 507],
    ("delete", "/library/stories/{id}"): [204, 404, 409, 500, 507],
    ("get", "/library/stories/{id}/export"): [200, 404, 500, 507],
    ("post", "/library/stories/{id}/trash"): [200, 404, 500, 507],
    ("post", "/library/stories/{id}/untrash"): [200, 404, 500, 507],
    ("get", "/library/stories/{id}/passages"): [200, 404, 500, 507],
    ("put", "/library/stories/{id}/passages/{passage}"): [200, 404, 409, 500, 507],
    ("delete", "/library/stories/{id}/passages/{passage}"): [204, 404, 500, 507],
    ("get", "/library/stories/{id}/versions"): [200, 404, 500, 507],
    ("post", "/library/stories/{id}/versions"): [200, 404, 500, 507],
    ("get", "/library/stories/{id}/versions/{number}"): [200, 404, 500, 507],
    ("patch", "/library/stories/{id}/versions/{number}"): [200, 404, 500, 507],
    ("post", "/library/stories/{id}/versions/{number}/restore"): [200, 404, 409, 500, 507],
    ("post", "/library/trash/empty"): [200, 500, 507],
    ("get", "/models"): [200],
    ("post", "/models/pull"): [200, 404, 502, 503],
    ("get", "/preferences"): [200, 507],
    ("post", "/preferences"): [200, 201, 507],
    ("post", "/preferences/not-for-me"): [200, 201, 507],
    ("delete", "/preferences/not-for-me/{story_id}"): [200, 404, 507],
    ("post", "/preferences/{pair}/strike"): [200, 404, 507],
    ("post", "/preferences/{pair}/unstrike"): [200, 404, 507],
    ("post", "/redopartofstory"): [200],
    ("post", "/savestory"): [200, 201, 507],
    ("delete", "/savestory/{story_id}"): [200, 404, 507],
    ("post", "/setstory"): [200],
    ("get", "/writing"): [200],
    ("get", "/writing/{id}"): [200],
    ("post", "/writing/{id}/stop"): [202, 204],
}
"""Every route, and its answers besides those that every route has."""


@pytest.fixture(scope="module")
def openapi(shared_config: Config) -> dict[str, Any]:
    return create_app(shared_config, models=ScriptedModels(ScriptedEngine())).openapi()


def test_openapi_has_every_route_with_every_answer(openapi: dict[str, Any]) -> None:
    declared = {
        (method, path): sorted(map(int, route["responses"]))
        for path, methods in openapi["paths"].items()
        for method, route in methods.items()
    }
    assert declared == {route: sorted([*own, 401, 403, 413, 422]) for route, own in ROUTES.items()}


def test_openapi_declares_our_errors_and_not_those_of_fastapi(openapi: dict[str, Any]) -> None:
    for methods in openapi["paths"].values():
        for route in methods.values():
            for status, response in route["responses"].items():
                if int(status) >= 400:
                    schema = response["content"]["application/json"]["schema"]
                    conflict = {"$ref": "#/components/schemas/ConflictBody"}
                    assert schema.get("title") == "ErrorBody" or (status == "409" and schema == conflict)
    assert "HTTPValidationError" not in openapi["components"]["schemas"]


def conforms(value: Any, schema: dict[str, Any], api: dict[str, Any]) -> bool:
    """Whether ``value`` is one of ``schema``: the part of JSON Schema that our declarations use."""
    if "$ref" in schema:
        return conforms(value, api["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], api)
    if "anyOf" in schema:
        return any(conforms(value, each, api) for each in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    if schema["type"] == "object":
        fields = schema.get("properties")
        if fields is None:
            return isinstance(value, dict)
        known = isinstance(value, dict) and set(schema["required"]) <= set(value) <= set(fields)
        return known and all(conforms(each, fields[name], api) for name, each in value.items())
    if schema["type"] == "array":
        return isinstance(value, list) and all(conforms(each, schema["items"], api) for each in value)
    kinds = {"string": str, "integer": int, "number": float, "boolean": bool, "null": type(None)}
    return type(value) is kinds[schema["type"]]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("post", "/setstory", FULL, 200),
        ("post", "/setstory", {}, 422),
        ("post", "/redopartofstory", PARTS, 200),
        ("post", "/redopartofstory", {**PARTS, "selectedpart": ""}, 422),
        ("post", "/savestory", STORY, 201),
        ("post", "/savestory", {**STORY, "story_id": "before"}, 200),
        ("post", "/savestory", {}, 422),
        ("delete", "/savestory/before", None, 200),
        ("delete", "/savestory/never", None, 404),
        ("get", "/models", None, 200),
        ("get", "/health", None, 200),
        ("get", "/learning", None, 200),
        ("post", "/learning/active", {"version": None}, 200),
        ("post", "/learning/active", {"version": "v1"}, 404),
        ("post", "/learning/strength", {"strength": 0.5}, 200),
        ("post", "/learning/strength", {"strength": 2}, 422),
        ("post", "/preferences/not-for-me", {**STORY, "id": "a" * 32}, 201),
        ("get", "/preferences", None, 200),
        ("get", "/library/stories", None, 200),
        ("get", "/library/stories?limit=x", None, 422),
        ("post", "/library/stories", {"text": "Once.", "settings": SETTINGS, "tags": ["sea"]}, 201),
        ("post", "/library/stories", {"text": 7}, 422),
        ("post", "/library/favourites", {"text": "more sea"}, 201),
        ("get", "/library/favourites", None, 200),
        ("post", "/library/trash/empty", None, 200),
        ("post", "/models/pull", {}, 422),
    ],
)
async def test_answers_are_as_openapi_declares_them(
    shared: httpx.AsyncClient, openapi: dict[str, Any], method: str, path: str, body: Any, status: int
) -> None:
    await shared.post("/savestory", json={**STORY, "story_id": "before"})
    response = await shared.request(method, path, json=body)
    route = re.sub(r"^/savestory/.*", "/savestory/{story_id}", path.partition("?")[0])
    declared = openapi["paths"][route][method]["responses"][str(response.status_code)]
    assert response.status_code == status
    assert conforms(response.json(), declared["content"]["application/json"]["schema"], openapi)


async def test_a_body_too_large_and_a_stranger_are_answered_as_openapi_declares(
    shared: httpx.AsyncClient, openapi: dict[str, Any]
) -> None:
    schema = ErrorBody.model_json_schema()
    large = await shared.post("/savestory", content=b" " * 9_000_000)
    stranger = await shared.get("/models", headers={"authorization": "Bearer wrong"})
    foreign = await shared.get("/models", headers={"origin": "http://evil.example"})
    for response, status in ((large, 413), (stranger, 401), (foreign, 403)):
        assert response.status_code == status
        assert conforms(response.json(), schema, openapi)


async def test_openapi_is_served_and_its_page_from_another_site_is_not(shared: httpx.AsyncClient) -> None:
    assert (await shared.get("/openapi.json")).json()["info"]["title"] == "StorAIteller"
    for path in ("/docs", "/redoc"):
        assert_error(await shared.get(path), 404, "not_found")
