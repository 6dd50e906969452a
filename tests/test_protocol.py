"""The messages on the socket; the page builds and checks the same examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from storaiteller.api.asking import ask, prompt_of
from storaiteller.api.protocol import Kept, Resume, ServerMessage, Stop, Titles, client_message
from storaiteller.api.rules import MESSAGES
from tests.fakes import ScriptedEngine, collect

EXAMPLES = json.loads((Path(__file__).parent / "protocol_examples.json").read_text())
server_message: TypeAdapter[ServerMessage] = TypeAdapter(ServerMessage)


@pytest.mark.parametrize("example", EXAMPLES["client"], ids=lambda example: example["id"])
def test_every_example_from_a_client_is_understood(example: dict[str, Any]) -> None:
    message = client_message.validate_json(json.dumps(example))

    assert message.type == example["type"]
    assert message.id == example["id"]


@pytest.mark.parametrize("example", EXAMPLES["server"], ids=lambda example: example["type"])
def test_every_example_from_the_server_is_what_it_sends(example: dict[str, Any]) -> None:
    message = server_message.validate_python(example)

    assert json.loads(message.model_dump_json()) == example


@pytest.mark.parametrize("field", ["id", "settings", "type"])
def test_a_message_without_a_field_it_needs_is_refused(field: str) -> None:
    message = {key: value for key, value in EXAMPLES["client"][0].items() if key != field}

    with pytest.raises(ValidationError):
        client_message.validate_python(message)


def test_an_unknown_type_is_told_all_that_there_are() -> None:
    kinds = {example["type"] for example in EXAMPLES["client"]}

    assert kinds == set(MESSAGES)


@pytest.mark.parametrize(
    "example", [each for each in EXAMPLES["client"] if "settings" in each], ids=lambda example: example["id"]
)
async def test_the_prompt_of_a_request_is_what_the_model_reads(example: dict[str, Any]) -> None:
    request = client_message.validate_python(example)
    assert not isinstance(request, Stop | Kept | Resume)
    engine = ScriptedEngine()

    await collect(ask(engine, request))

    question, *begun = engine.asked[0][0]
    prompt = prompt_of(request)
    assert prompt.startswith(question.content)
    listing = isinstance(request, Titles)
    assert listing or all(each.content in prompt[len(question.content) :] for each in begun)
