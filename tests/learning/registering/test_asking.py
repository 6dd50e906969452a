"""What an Ollama server is asked of its models, and what their names may be."""

from __future__ import annotations

import pytest

from finetune.errors import RegisterError
from finetune.ollama.models import OllamaModels, full_name, takes_adapters
from storaiteller.engines.ollama_wire import Patience
from storaiteller.story import Message
from tests.fake_ollama import (
    STORY,
    TUNED_STORY,
    FakeModel,
    FakeOllama,
    Reply,
    Silence,
    ThreadedFakeOllama,
    error,
    word,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("version", "takes"),
    [
        ("0.1.30", True),
        ("0.33.9", True),
        ("0.34.0", True),
        ("0.34.0-rc1", True),
        ("0.34.1", False),
        ("0.34.1-rc0", False),
        ("1.0.0", False),
        ("0.0.0", False),
        ("dev", False),
        ("", False),
    ],
)
def test_which_servers_take_adapters(version: str, takes: bool) -> None:
    assert takes_adapters(version) is takes


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("llama3.2", "llama3.2:latest"),
        ("llama3.2:1b", "llama3.2:1b"),
        ("somebody/model", "somebody/model:latest"),
        ("localhost:5000/me/x", "localhost:5000/me/x:latest"),
        ("example.com/me/x-GGUF:Q4_K_M", "example.com/me/x-GGUF:Q4_K_M"),
    ],
)
def test_names_are_completed_as_the_server_lists_them(name: str, full: str) -> None:
    assert full_name(name) == full


@pytest.mark.parametrize("name", ["", "a b", "a\nFROM b", "../x", "a/b/c/d", 'a"b', "x:", ":x", "-x"])
def test_what_can_be_no_model_is_refused(name: str) -> None:
    with pytest.raises(RegisterError, match="not the name"):
        full_name(name)


@pytest.mark.parametrize(
    "reply", [Reply([b"<html>"]), Reply([{"version": 3}]), error("no", 500), Reply([], raw=True)]
)
def test_what_is_no_ollama_has_no_version(fake: FakeOllama, reply: Reply) -> None:
    fake.replies["/api/version"] = reply
    with OllamaModels(fake.url) as server:
        assert server.version() is None


def test_a_server_that_never_goes_on_is_not_waited_for_without_end(server: ThreadedFakeOllama) -> None:
    server.fake.chat_script = Reply([word("Once"), Silence()])
    models = OllamaModels(server.url, patience=Patience(first_word=0.05))
    with models, pytest.raises(RegisterError, match="too long"):
        models.answer("llama3.2", [Message("user", "Go")], 4, 512)


def test_a_proxy_in_the_environment_is_not_used(fake: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with OllamaModels(fake.url) as server:
        assert server.version() == "0.34.1"


def test_the_fake_tells_models_apart(fake: FakeOllama) -> None:
    fake.models["tuned:latest"] = FakeModel(story=TUNED_STORY)
    with OllamaModels(fake.url) as server:
        ask = [Message("user", "Go")]
        assert server.answer("tuned", ask, 99, 512) == "".join(TUNED_STORY)
        assert server.answer("llama3.2", ask, 99, 512) == "".join(STORY)
