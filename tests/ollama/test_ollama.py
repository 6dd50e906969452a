"""An Ollama server: how it is found, what is asked of it, and each failure."""

from __future__ import annotations

import json
from contextlib import aclosing

import anyio
import httpx
import pytest

from storaiteller.engines.base import PullProgress
from storaiteller.engines.ollama import InstalledModel, OllamaServer
from storaiteller.engines.ollama_wire import Patience
from storaiteller.errors import (
    ConfigError,
    EngineError,
    EngineUnavailableError,
    GenerationFailedError,
    ModelMissingError,
)
from tests.fake_ollama import Cut, FakeModel, FakeOllama, Gate, Reply, Silence, Step, done, error, word
from tests.serving import GUARD


async def pull_of(server: OllamaServer, name: str) -> list[PullProgress]:
    with anyio.fail_after(GUARD):
        async with aclosing(server.pull(name)) as steps:
            return [step async for step in steps]


# Where the server is


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("127.0.0.1:11434", "http://127.0.0.1:11434"),
        ("localhost", "http://localhost:11434"),
        (":8080", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("http://0.0.0.0:8080/", "http://127.0.0.1:8080"),
        ("[::]:8080", "http://[::1]:8080"),
        ("https://models.example/ollama/", "https://models.example:443/ollama"),
        (' "studio.local" ', "http://studio.local:11434"),
    ],
)
async def test_every_spelling_of_the_host_is_understood(host: str, url: str) -> None:
    server = OllamaServer(host)
    assert server.url == url
    await server.aclose()


@pytest.mark.parametrize("host", ["ftp://studio", "studio:abc", "http://studio:99999", "http://a\x00b"])
async def test_a_host_that_is_no_address_is_refused_by_name(host: str) -> None:
    with pytest.raises(ConfigError, match="OLLAMA_HOST") as refusal:
        OllamaServer(host)
    assert refusal.value.field == "ollama_host"


async def test_a_proxy_in_the_environment_never_sees_a_story(
    fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server = OllamaServer(fake.url)
    assert await server.version() == "0.34.1"
    await server.aclose()


# What it has


async def test_the_version_is_told(server: OllamaServer) -> None:
    assert await server.version() == "0.34.1"


async def test_no_version_when_nothing_listens(fake: FakeOllama, server: OllamaServer) -> None:
    await fake.stop()
    assert await server.version() is None


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply([b"SSH-2.0-OpenSSH\r\n"], raw=True), id="no HTTP"),
        pytest.param(Reply([b"<html>"]), id="no JSON"),
        pytest.param(Reply([b"[1]"]), id="a list"),
        pytest.param(Reply([b'{"version": 3}']), id="a number"),
        pytest.param(Reply([b"\xff\xfe\xfd"]), id="no UTF-8"),
        pytest.param(Reply([]), id="empty"),
        pytest.param(Reply([], raw=True), id="nothing"),
        pytest.param(error("no", 500), id="an error"),
    ],
)
async def test_no_version_from_what_is_no_ollama(
    fake: FakeOllama, server: OllamaServer, reply: Reply
) -> None:
    fake.replies["/api/version"] = reply
    assert await server.version() is None


async def test_no_version_from_a_server_that_never_answers(fake: FakeOllama) -> None:
    fake.replies["/api/version"] = Reply([Silence()], raw=True)
    server = OllamaServer(fake.url, patience=Patience(connect=0.05))
    assert await server.version() is None
    await server.aclose()


async def test_models_are_listed_as_a_writer_types_them_and_cloud_models_are_not(
    fake: FakeOllama, server: OllamaServer
) -> None:
    fake.models["qwen3:0.6b"] = FakeModel(size=522_653_767)
    fake.models["gpt-oss:120b-cloud"] = fake.models["glm:cloud"] = FakeModel(size=384)
    assert await server.installed() == [
        InstalledModel("llama3.2", 2_019_393_189),
        InstalledModel("qwen3:0.6b", 522_653_767),
    ]


async def test_the_window_is_the_models_own(fake: FakeOllama, server: OllamaServer) -> None:
    fake.models["llama3.2:latest"].context_length = 8_192
    assert await server.window("llama3.2") == 8_192


async def test_an_untold_window_is_taken_for_a_small_one(fake: FakeOllama, server: OllamaServer) -> None:
    fake.replies["/api/show"] = Reply([{"model_info": {"llama.context_length": "long"}}])
    assert await server.window("llama3.2") == 4_096


async def test_an_unknown_model_is_named_with_the_way_to_get_it(server: OllamaServer) -> None:
    with pytest.raises(ModelMissingError, match="ollama pull storaiteller"):
        await server.window("storaiteller")


@pytest.mark.parametrize("ask", ["installed", "window"])
@pytest.mark.parametrize(
    ("reply", "family"),
    [
        (Reply([b"<html>"]), GenerationFailedError),
        (Reply([b"[1]"]), GenerationFailedError),
        (Reply([b'{"models": 3}']), GenerationFailedError),
        (error("disk on fire", 500), GenerationFailedError),
        (Reply([], raw=True), EngineUnavailableError),
        (Reply([b'{"models"', Cut()]), EngineUnavailableError),
    ],
)
async def test_questions_raise_only_our_family(
    fake: FakeOllama, server: OllamaServer, ask: str, reply: Reply, family: type[EngineError]
) -> None:
    fake.replies["/api/tags"] = fake.replies["/api/show"] = reply
    with pytest.raises(family):
        await (server.installed() if ask == "installed" else getattr(server, ask)("llama3.2"))


async def test_a_question_is_not_waited_for_without_end(fake: FakeOllama) -> None:
    fake.replies["/api/show"] = Reply([Silence()])
    server = OllamaServer(fake.url, patience=Patience(answer=0.05))
    with pytest.raises(EngineUnavailableError, match="too long"):
        await server.window("llama3.2")
    await server.aclose()


async def test_questions_to_nobody_say_how_to_start_ollama(fake: FakeOllama, server: OllamaServer) -> None:
    await fake.stop()
    with pytest.raises(EngineUnavailableError, match="ollama serve"):
        await server.installed()


# Getting a model


async def test_a_pull_tells_bytes_over_all_layers_and_the_model_is_there(
    server: OllamaServer,
) -> None:
    steps = await pull_of(server, "storaiteller")
    assert steps[0] == PullProgress("pulling manifest", 0, 0)
    assert [step.completed for step in steps] == sorted(step.completed for step in steps)
    assert steps[-1] == PullProgress("success", 1_024, 1_024)
    assert "storaiteller" in [model.name for model in await server.installed()]


async def test_closing_a_pull_stops_it(fake: FakeOllama, server: OllamaServer) -> None:
    fake.pull_script = Reply([{"status": "pulling manifest"}, Silence()])
    async with aclosing(server.pull("storaiteller")) as steps:
        assert (await anext(steps)).status == "pulling manifest"
    with anyio.fail_after(GUARD):
        await fake.asked("/api/pull")[0].left.wait()


@pytest.mark.parametrize(
    ("steps", "family", "words"),
    [
        ([{"error": "pull model manifest: file does not exist"}], ModelMissingError, "no model"),
        ([{"error": "write: no space left on device"}], GenerationFailedError, "no space left"),
        ([{"status": "pulling aaaa"}], EngineUnavailableError, "Get it again"),
        ([{"status": "pulling aaaa"}, Cut()], EngineUnavailableError, "Get it again"),
        ([b"<html>"], GenerationFailedError, "does not speak like Ollama"),
        (
            [{"status": "pulling aaaa", "digest": {}, "total": "x"}, b"]\n"],
            GenerationFailedError,
            "speak like",
        ),
    ],
)
async def test_a_pull_that_fails_says_why(
    fake: FakeOllama,
    server: OllamaServer,
    steps: list[Step],
    family: type[EngineError],
    words: str,
) -> None:
    fake.pull_script = Reply(steps)
    with pytest.raises(family, match=words):
        await pull_of(server, "storaiteller")


async def test_a_pull_that_stands_still_ends(fake: FakeOllama) -> None:
    fake.pull_script = Reply([{"status": "pulling aaaa"}, Silence()])
    server = OllamaServer(fake.url, patience=Patience(first_word=0.05))
    with pytest.raises(EngineUnavailableError, match="too long"):
        await pull_of(server, "storaiteller")
    await server.aclose()


async def test_a_refused_pull_says_why(fake: FakeOllama, server: OllamaServer) -> None:
    fake.pull_script = error("invalid model name", 400)
    with pytest.raises(GenerationFailedError, match="invalid model name"):
        await pull_of(server, "///")


# The scripted server itself, as tests without an event loop use it


def test_the_fake_serves_tests_without_a_loop() -> None:
    with FakeOllama.in_thread() as handle, httpx.Client(base_url=handle.url) as client:
        assert client.get("/api/version").json() == {"version": "0.34.1"}
        gate = Gate()
        handle.fake.chat_script = Reply([word("Once"), gate, done()])
        with client.stream("POST", "/api/chat", json={"model": "llama3.2"}) as response:
            lines = response.iter_lines()
            assert "Once" in next(lines)
            handle.call(gate.reached.wait)
            handle.call(gate.open)
            assert json.loads(next(lines))["done"]
        handle.call(handle.fake.stop)
        with pytest.raises(httpx.ConnectError):
            client.get("/api/version")
        handle.call(handle.fake.start)
        assert client.get("/api/tags").json()["models"]
