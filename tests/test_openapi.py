"""The API as it declares itself, and answers that are as declared."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from storaiteller.api.errors import ErrorBody
from storaiteller.app import create_app
from storaiteller.config import Config
from tests.fakes import ScriptedEngine, ScriptedModels
from tests.rest import FULL, PARTS, SETTINGS, STORY, assert_error

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
    ("get", "/writing"): [200],
    ("get", "/writing/{id}"): [200],
    ("post", "/writing/{id}/stop"): [202, 204],
    ("post", "/setstory"): [200],
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
