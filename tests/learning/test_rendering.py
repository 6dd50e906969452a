"""Prompts as the server renders them that the writer uses, and not as the model's file says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from libgguf import GGMLQuantizationType as Kind

from finetune.base import Base
from finetune.config import LearnConfig
from finetune.context import Context
from finetune.dataset import served
from finetune.errors import RegisterError, UnusableBaseError
from finetune.rendering import reader
from storaiteller.config import Config
from storaiteller.engines.llama_probe import LlamaProbe
from storaiteller.story import Message
from tests.fake_ollama import FakeModel, FakeOllama
from tests.learning.exam import Heard
from tests.learning.tiny_models import TinyModel, make

ASKED = [Message("user", "w3 please")]
END = 2
"""The tiny models' end-of-turn token, ``</s>``."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    return make("llama", tmp_path_factory.mktemp("tiny"), Kind.F32)


@pytest.fixture
def fake() -> Iterator[FakeOllama]:
    with FakeOllama.in_thread() as server:
        yield server.fake


@pytest.fixture
def context(tmp_path: Path, fake: FakeOllama, model: TinyModel) -> Context:
    fake.models["tiny:latest"] = FakeModel(modelfile=f"FROM {model.gguf}\n")
    config = Config(data_dir=tmp_path, ollama_host=fake.url, model="tiny", ollama_models=tmp_path)
    return Context(config, LearnConfig(), Heard())


def its_own_way(messages: list[dict[str, Any]]) -> str:
    """Not what the tiny model's file says: it begins with another word."""
    return "w40 " + "".join(f"{each['content']}</s>" for each in messages)


def test_what_ollama_serves_is_learned_from_as_ollama_renders_it(context: Context, fake: FakeOllama) -> None:
    fake.models["tiny:latest"].render = its_own_way
    found = served(context)
    assert found.served_by == "Ollama's tiny"
    with found.open() as told:
        assert told.render(ASKED) == "w40 w3 please</s>"
        assert told.end_of_turn() == END
        assert told.tokens(told.render(ASKED), prompt=True)[-1] == END


def test_it_is_asked_as_the_app_asks_and_writes_nothing(context: Context, fake: FakeOllama) -> None:
    fake.models["tiny:latest"].render = its_own_way
    with served(context).open() as told:
        told.render(ASKED)
    for request in fake.asked("/api/chat"):
        assert request.body["_debug_render_only"] is True
        assert (request.body["think"], request.body["truncate"], request.body["stream"]) == (
            False,
            False,
            False,
        )
        assert request.body["options"]["num_predict"] == 1


def test_a_server_that_is_too_old_to_tell_leaves_it_to_the_file_and_that_is_said(
    context: Context, model: TinyModel
) -> None:
    with served(context).open() as told, LlamaProbe(model.gguf, window=256, threads=1) as probe:
        assert told.render(ASKED) == probe.render(ASKED)
    assert "too old to tell how it asks tiny" in context.tell.said[-1]  # type: ignore[attr-defined]


def test_if_neither_can_tell_nothing_is_guessed(context: Context, tmp_path: Path, model: TinyModel) -> None:
    silent = tmp_path / "silent.gguf"
    silent.write_bytes(
        model.gguf.read_bytes().replace(b"tokenizer.chat_template", b"tokenizer.tchat_emplate")
    )
    base = Base("ollama/tiny", "tiny", silent, "0" * 64, "tiny")
    with pytest.raises(UnusableBaseError, match="Update Ollama"), reader(context, base):
        pass


def test_a_server_that_does_not_answer_is_named(context: Context, fake: FakeOllama, model: TinyModel) -> None:
    base = Base("ollama/gone", "gone", model.gguf, "0" * 64, "gone")
    with pytest.raises(RegisterError, match="'gone' not found"), reader(context, base):
        pass
