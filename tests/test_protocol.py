"""The messages on the socket; the page builds and checks the same examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from storaiteller.api.protocol import ServerMessage, client_message

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
