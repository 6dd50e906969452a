"""What the page and other programs may rely on of ``/library``: stories, versions, trash."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any

import httpx
import pytest

from storaiteller.config import Config
from tests.fakes import scripted
from tests.library_rest import ID, MEGABYTES_3, NO_ID, ODD, QUOTES, made, told
from tests.rest import SETTINGS, assert_error, opened

NO_IDS = ["x", ID.upper(), ID[:-1], f"{ID}0", f"{ID}\n", "g" * 32, "%2e%2e", "%2e%2e%2flibrary.db", "١" * 32]


# --- stories --------------------------------------------------------------------------------------


async def test_a_story_is_kept_to_the_character(http: httpx.AsyncClient) -> None:
    story = await made(http, id=ID, title=QUOTES, text=ODD, settings=SETTINGS, model="m", tags=["sea", "Été"])
    assert story == await told(http, f"stories/{ID}")
    kept = {
        name: story[name] for name in ("id", "title", "text", "settings", "model", "revision", "trashed_at")
    }
    assert kept == {
        "id": ID, "title": QUOTES, "text": ODD, "settings": SETTINGS, "model": "m", "revision": 1,
        "trashed_at": None,
    }  # fmt: skip
    assert set(story["tags"]) == {"sea", "Été"}
    for name in ("created_at", "updated_at"):
        assert datetime.fromisoformat(story[name]).tzinfo is not None


async def test_the_list_tells_of_every_story_but_not_its_text(http: httpx.AsyncClient) -> None:
    for number in range(3):
        await made(http, title=f"Fox {number}", text="A red fox." if number else "A hen.", tags=["sea"])
    page = await told(http, "stories?query=red+fo&sort=title&limit=1&offset=1&tag=sea")
    assert [each["title"] for each in page["stories"]] == ["Fox 2"]
    assert "text" not in page["stories"][0]
    assert (page["total"], page["tags"]) == (2, [{"name": "sea", "stories": 3}])


async def test_a_save_tells_what_it_changed(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, title="Fox", text="Once.")
    saved = await told(http, f"stories/{ID}", "PUT", revision=1, text="Once upon a time.", tags=["sea"])
    assert list(saved) == ["id", "title", "revision", "words", "updated_at", "tags", "trashed_at"]
    assert (saved["id"], saved["title"], saved["revision"], saved["words"], saved["tags"]) == (
        ID, "Fox", 2, 4, ["sea"],
    )  # fmt: skip
    assert (await told(http, f"stories/{ID}"))["text"] == "Once upon a time."


async def test_a_save_tells_whether_the_story_came_out_of_the_trash(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, text="Once.")
    await told(http, f"stories/{ID}/trash", "POST")
    assert (await told(http, f"stories/{ID}", "PUT", revision=1, title="Fox"))["trashed_at"]
    assert (await told(http, f"stories/{ID}", "PUT", revision=2, text="Twice."))["trashed_at"] is None


async def test_a_save_over_another_one_is_refused_and_says_how_far_that_is(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, text="Once.")
    first = await told(http, f"stories/{ID}", "PUT", revision=1, text="Mine.")
    response = await http.put(f"/library/stories/{ID}", json={"revision": 1, "text": "Yours."})
    body = response.json()
    assert (response.status_code, body["code"], body["field"]) == (409, "conflict", None)
    assert body["message"].endswith(".")
    assert body["current"] == {"revision": 2, "updated_at": first["updated_at"]}
    assert (await told(http, f"stories/{ID}"))["text"] == "Mine."


async def test_a_story_sent_twice_is_added_once_and_another_one_under_its_id_is_not(
    http: httpx.AsyncClient,
) -> None:
    assert await made(http, id=ID, text="Once.") == await made(http, id=ID, text="Once.")
    response = await http.post("/library/stories", json={"id": ID, "text": "Twice."})
    assert (response.status_code, response.json()["code"]) == (409, "conflict")


@pytest.mark.slow
async def test_three_megabytes_are_kept_as_they_are(http: httpx.AsyncClient) -> None:
    text = MEGABYTES_3
    story = await made(http, id=ID, text=text)
    assert story["text"] == text
    await told(http, f"stories/{ID}", "PUT", revision=1, text=f"{text}The end.")
    assert (await told(http, f"stories/{ID}"))["text"] == f"{text}The end."


# --- versions -------------------------------------------------------------------------------------


async def test_the_timeline_keeps_names_compares_and_restores(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, text="One.")
    first = await told(http, f"stories/{ID}/versions", "POST", reason="generation")
    assert (first["number"], first["reason"], first["name"]) == (1, "generation", None)
    await told(http, f"stories/{ID}", "PUT", revision=1, text="Two.")
    named = await told(http, f"stories/{ID}/versions/1", "PATCH", name=QUOTES)
    assert named["name"] == QUOTES
    assert (await told(http, f"stories/{ID}/versions/1"))["text"] == "One."
    restored = await told(http, f"stories/{ID}/versions/1/restore", "POST", revision=2)
    assert (restored["text"], restored["revision"]) == ("One.", 3)
    listed = (await told(http, f"stories/{ID}/versions"))["versions"]
    assert [(each["number"], each["reason"]) for each in listed] == [
        (3, "restore"), (2, "before_restore"), (1, "generation"),
    ]  # fmt: skip
    assert "text" not in listed[0]


async def test_of_two_restores_at_once_one_wins_and_the_other_is_told(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, text="One.")
    for revision, text in enumerate(("Two.", "Three."), start=1):
        await told(http, f"stories/{ID}/versions", "POST", reason="pause")
        await told(http, f"stories/{ID}", "PUT", revision=revision, text=text)
    both = await asyncio.gather(
        *(
            http.post(f"/library/stories/{ID}/versions/{number}/restore", json={"revision": 3})
            for number in (1, 2)
        )
    )
    won, lost = sorted(both, key=lambda response: response.status_code)
    assert (won.status_code, lost.status_code) == (200, 409)
    assert lost.json()["current"] == {"revision": 4, "updated_at": won.json()["updated_at"]}
    assert await told(http, f"stories/{ID}") == won.json()


# --- the trash ------------------------------------------------------------------------------------


async def test_a_story_is_deleted_only_from_the_trash(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, text="Once.")
    assert_error(await http.delete(f"/library/stories/{ID}"), 409, "not_in_trash")
    assert (await told(http, f"stories/{ID}/trash", "POST"))["trashed_at"]
    assert (await told(http, "stories"))["total"] == 0
    assert (await told(http, "stories?trash=true"))["total"] == 1
    assert (await told(http, f"stories/{ID}/untrash", "POST"))["trashed_at"] is None
    await told(http, f"stories/{ID}/trash", "POST")
    response = await http.delete(f"/library/stories/{ID}")
    assert (response.status_code, response.content) == (204, b"")
    assert_error(await http.get(f"/library/stories/{ID}"), 404, "no_story")


async def test_the_trash_is_emptied_and_the_rest_stays(http: httpx.AsyncClient) -> None:
    for text in ("One.", "Two.", "Three."):
        story = await made(http, text=text)
        if text != "Three.":
            await told(http, f"stories/{story['id']}/trash", "POST")
    assert await told(http, "trash/empty", "POST") == {"deleted": 2}
    assert [each["excerpt"] for each in (await told(http, "stories"))["stories"]] == ["Three."]


# --- bad input ------------------------------------------------------------------------------------

PATHS = [
    ("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/export?format=txt"), ("POST", "/trash"),
    ("POST", "/untrash"), ("GET", "/versions"), ("POST", "/versions"), ("GET", "/versions/1"),
    ("PATCH", "/versions/1"), ("POST", "/versions/1/restore"),
]  # fmt: skip
BODIES = {"": {"revision": 1}, "/versions": {"reason": "pause"}, "/versions/1": {"name": "x"}}


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_a_story_that_is_not_there_is_not_found(
    shared: httpx.AsyncClient, method: str, path: str
) -> None:
    body = BODIES.get(path, {"revision": 1}) if method in ("PUT", "POST", "PATCH") else None
    assert_error(await shared.request(method, f"/library/stories/{NO_ID}{path}", json=body), 404, "no_story")
    for no_id in ("x", ID.upper(), f"{ID}0"):
        response = await shared.request(method, f"/library/stories/{no_id}{path}", json=body)
        assert "32 characters" in assert_error(response, 422, "invalid_request", "id")


@pytest.mark.parametrize("no_id", NO_IDS)
async def test_what_is_no_id_finds_nothing(shared: httpx.AsyncClient, no_id: str) -> None:
    response = await shared.get(f"/library/stories/{no_id.replace(chr(10), '%0a')}")
    assert response.status_code in (404, 422)
    assert response.json()["code"] in ("not_found", "invalid_request")
    if "%" not in no_id:
        response = await shared.post("/library/stories", json={"id": no_id})
        assert "32 characters" in assert_error(response, 422, "invalid_request", "id")


@pytest.mark.parametrize(
    ("method", "path", "body", "field", "said"),
    [
        ("POST", "stories", {"colour": "red"}, "colour", "not a field that is known"),
        ("POST", "stories", {"text": None}, "text", "must be text"),
        ("POST", "stories", {"text": "a\0b"}, "text", "NUL"),
        ("POST", "stories", {"text": "a \ud83d b"}, "text", "half of one that takes two"),
        ("POST", "stories", {"title": "two\nlines"}, "title", "one line"),
        ("POST", "stories", {"title": ["x"]}, "title", "must be one line of at most 300"),
        ("POST", "stories", {"title": "x" * 301}, "title", "300"),
        ("POST", "stories", {"tags": "sea"}, "tags", "must be a list of at most 50 tags"),
        ("POST", "stories", {"tags": [""]}, "tags", "at least one letter"),
        ("POST", "stories", {"settings": []}, "settings", "must be an object"),
        ("PUT", f"stories/{ID}", {}, "revision", "is missing"),
        ("PUT", f"stories/{ID}", {"revision": "1"}, "revision", "must be the revision"),
        ("PUT", f"stories/{ID}", {"revision": 0}, "revision", "must be the revision"),
        ("POST", f"stories/{ID}/versions", {"reason": "fun"}, "reason", "must be one of generation, rewrite"),
        ("POST", f"stories/{ID}/versions", {"reason": "named", "name": 7}, "name", "must be one line"),
        ("PATCH", f"stories/{ID}/versions/1", {}, "name", "is missing"),
        ("PATCH", f"stories/{ID}/versions/zero", {"name": "x"}, "number", "must be the number of a version"),
        ("GET", f"stories/{ID}/versions/0", None, "number", "must be the number of a version"),
        ("GET", f"stories/{ID}/export", None, "format", "is missing: one of txt, md, docx"),
        ("GET", f"stories/{ID}/export?format=pdf", None, "format", "must be one of txt, md, docx"),
        ("GET", "stories?sort=best", None, "sort", "must be one of updated, created, title, words"),
        ("GET", "stories?limit=1001", None, "limit", "must be a whole number from 0 to 1,000"),
        ("GET", "stories?offset=-1", None, "offset", "must be a whole number from 0"),
        ("GET", "stories?trash=perhaps", None, "trash", "must be true or false"),
    ],
)
async def test_a_bad_field_is_named_with_what_is_allowed(
    shared: httpx.AsyncClient, method: str, path: str, body: Any, field: str, said: str
) -> None:
    await made(shared, id=ID, text="Once.")
    content = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    response = await shared.request(method, f"/library/{path}", content=content, headers=headers)
    assert said in assert_error(response, 422, "invalid_request", field)


async def test_a_version_that_is_not_there_is_not_found(shared: httpx.AsyncClient) -> None:
    await made(shared, id=ID, text="Once.")
    assert_error(await shared.get(f"/library/stories/{ID}/versions/7"), 404, "no_version")


# --- a library that cannot be opened --------------------------------------------------------------


async def test_a_library_that_is_none_is_told_everywhere_and_keeps_nobody_from_writing(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    path = config.data_dir / "library.db"
    path.write_bytes(b"My shopping list\n" * 100)
    async with opened(config, scripted()) as http:
        assert "library.db" in caplog.text
        for method, address, body in (
            ("GET", "/library/stories", None),
            ("POST", "/library/stories", {"text": "Once."}),
            ("GET", f"/library/stories/{ID}", None),
            ("GET", f"/library/stories/{ID}/export?format=txt", None),
            ("GET", "/library/export", None),
            ("POST", "/library/trash/empty", None),
        ):
            message = assert_error(await http.request(method, address, json=body), 500, "library_failed")
            assert "damaged" in message
        response = await http.post("/library/import", files=[("files", ("fox.txt", b"Once."))])
        assert_error(response, 500, "library_failed")
        assert (await http.post("/setstory", json=SETTINGS)).status_code == 200
        assert path.read_bytes() == b"My shopping list\n" * 100
        path.unlink()
        assert (await made(http, text="Once."))["text"] == "Once."


async def test_the_page_of_the_library_is_there(http: httpx.AsyncClient) -> None:
    response = await http.get("/library")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" in response.text
