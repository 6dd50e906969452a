"""What the page may rely on of takes, favourites, and who wrote what, in ``/library``."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from storaiteller.api.bodies import MAX_LIBRARY_BODY_BYTES
from storaiteller.library import favourites, takes
from storaiteller.library.checks import MAX_SETTINGS
from storaiteller.library.origins import MAX_RUNS
from storaiteller.library.values import MAX_TEXT_BYTES
from tests.library_rest import NO_ID, ODD, exported, imported, made, told
from tests.rest import SETTINGS, assert_error

ID = "0123456789abcdef" * 2
PASSAGE, OTHER = "a" * 32, "b" * 32
AT = f"stories/{ID}/passages"
TAKE = {"id": "t1", "text": ODD, "by": "model", "outcome": "open", "finish": None}
RECORD: dict[str, Any] = {
    "kind": "passage", "before": "Before. ", "original": "Once.", "after": " After.", "action": "rewrite",
    "instruction": "More sea", "register": None, "settings": SETTINGS, "model": "m", "takes": [TAKE],
}  # fmt: skip
ORIGINS = [[5, "model"], [len(ODD) - 5, "writer"]]


async def refused(http: httpx.AsyncClient, path: str, body: Any, field: str, method: str = "PUT") -> str:
    headers = {"content-type": "application/json"}
    content = json.dumps(body).encode()
    response = await http.request(method, f"/library/{path}", content=content, headers=headers)
    return assert_error(response, 422, "invalid_request", field)


# --- passages -------------------------------------------------------------------------------------


async def test_a_passage_is_kept_whole_and_may_be_sent_again_as_it_was_told(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, text="Once.")
    kept = await told(http, f"{AT}/{PASSAGE}", "PUT", **RECORD)
    assert {name: kept[name] for name in RECORD} == RECORD
    assert (kept["id"], kept["created_at"]) == (PASSAGE, kept["updated_at"])
    assert await told(http, f"{AT}/{PASSAGE}", "PUT", **kept) == kept
    await told(http, f"{AT}/{OTHER}", "PUT", kind="story", takes=[{"id": "t", "text": ""}])
    assert [each["id"] for each in (await told(http, AT))["passages"]] == [OTHER, PASSAGE]
    kept["takes"][0] |= {"outcome": "accepted", "finish": "stop"}
    again = await told(http, f"{AT}/{PASSAGE}", "PUT", **kept)
    assert (again["takes"], again["created_at"]) == (kept["takes"], kept["created_at"])
    for _ in range(2):
        response = await http.delete(f"/library/{AT}/{OTHER}")
        assert (response.status_code, response.content) == (204, b"")
    assert (await told(http, AT))["passages"] == [again]


async def test_a_story_in_the_trash_still_tells_of_its_passages(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, text="Once.")
    await told(http, f"{AT}/{PASSAGE}", "PUT", **RECORD)
    await told(http, f"stories/{ID}/trash", "POST")
    assert len((await told(http, AT))["passages"]) == 1
    await told(http, "trash/empty", "POST")
    for method, path in (("GET", AT), ("PUT", f"{AT}/{PASSAGE}"), ("DELETE", f"{AT}/{PASSAGE}")):
        body = RECORD if method == "PUT" else None
        assert_error(await http.request(method, f"/library/{path}", json=body), 404, "no_story")


async def test_a_bad_passage_is_refused_with_what_is_allowed(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, text="Once.")
    at = f"{AT}/{PASSAGE}"
    bad_take = [{**TAKE, "by": "writer"}]
    assert "one of passage, insertion, story" in await refused(http, at, {**RECORD, "kind": "x"}, "kind")
    assert "one of model, mix" in await refused(http, at, {**RECORD, "takes": bad_take}, "takes.by")
    assert "at most 100 takes" in await refused(http, at, {**RECORD, "takes": [TAKE] * 101}, "takes")
    assert "is missing" in await refused(http, at, {"kind": "story"}, "takes")
    assert "not a field" in await refused(http, at, {**RECORD, "colour": 1}, "colour")
    assert "in the address" in await refused(http, at, {**RECORD, "id": OTHER}, "id")
    assert "2,000" in await refused(http, at, {**RECORD, "before": "x" * 2_001}, "before")
    assert "NUL" in await refused(http, at, {**RECORD, "original": "\0"}, "original")
    assert "32 characters" in await refused(http, f"{AT}/x", RECORD, "passage")
    assert (await told(http, AT))["passages"] == []


async def test_a_passage_too_many_is_a_conflict(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takes, "MAX_PASSAGES", 1)
    await made(http, id=ID, text="Once.")
    await told(http, f"{AT}/{PASSAGE}", "PUT", **RECORD)
    response = await http.put(f"/library/{AT}/{OTHER}", json=RECORD)
    assert "Delete earlier takes" in assert_error(response, 409, "too_many_passages")


async def test_takes_of_another_window_stay_and_are_told(http: httpx.AsyncClient) -> None:
    await made(http, id=ID, text="Once.")
    await told(http, f"{AT}/{PASSAGE}", "PUT", **RECORD)
    answer = await told(http, f"{AT}/{PASSAGE}", "PUT", **{**RECORD, "takes": [{**TAKE, "id": "t2"}]})
    assert [take["id"] for take in answer["takes"]] == ["t1", "t2"]
    assert (await told(http, AT))["passages"] == [answer]
    more = [{**TAKE, "id": f"x{number}"} for number in range(99)]
    response = await http.put(f"/library/{AT}/{PASSAGE}", json={**RECORD, "takes": more})
    assert "begins a new list" in assert_error(response, 409, "too_many_takes")


# --- favourites -----------------------------------------------------------------------------------


async def test_favourites_are_added_once_and_removed(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await http.post("/library/favourites", json={"text": "More sea 🌙"})
    again = await http.post("/library/favourites", json={"text": " More sea 🌙 "})
    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
    assert await told(http, "favourites") == {"favourites": [first.json()]}
    assert "one line" in await refused(http, "favourites", {"text": "a\nb"}, "text", "POST")
    monkeypatch.setattr(favourites, "MAX_FAVOURITES", 1)
    full = await http.post("/library/favourites", json={"text": "Less sun"})
    assert "Remove one" in assert_error(full, 409, "too_many_favourites")
    assert (await http.delete(f"/library/favourites/{first.json()['id']}")).status_code == 204
    assert (await http.delete(f"/library/favourites/{NO_ID}")).status_code == 204
    assert await told(http, "favourites") == {"favourites": []}


# --- who wrote what -------------------------------------------------------------------------------


async def test_origins_go_along_with_the_text(http: httpx.AsyncClient) -> None:
    story = await made(http, id=ID, text=ODD, origins=ORIGINS)
    assert story["origins"] == ORIGINS
    await told(http, f"stories/{ID}/versions", "POST", reason="generation")
    assert (await told(http, f"stories/{ID}/versions/1"))["origins"] == ORIGINS
    await told(http, f"stories/{ID}", "PUT", revision=1, text="Twice.")
    assert (await told(http, f"stories/{ID}"))["origins"] is None
    restored = await told(http, f"stories/{ID}/versions/1/restore", "POST", revision=2)
    assert (restored["text"], restored["origins"]) == (ODD, ORIGINS)
    saved = await told(http, f"stories/{ID}", "PUT", revision=3, text=ODD, origins=[[len(ODD), "edited"]])
    assert saved["revision"] == 4
    assert all("origins" not in each for each in (await told(http, "stories"))["stories"])
    assert all("origins" not in each for each in (await told(http, f"stories/{ID}/versions"))["versions"])


@pytest.mark.parametrize(
    ("origins", "said"),
    [
        ([[4, "model"]], "the text has 5"),
        ([[2, "model"], [3, "model"]], "side by side"),
        ([[5, "machine"]], "a list of runs such as"),
        ([[0, "model"], [5, "writer"]], "a list of runs such as"),
        ([[5.0, "model"]], "a list of runs such as"),
        ([5], "a list of runs such as"),
    ],
)
async def test_wrong_origins_save_nothing(http: httpx.AsyncClient, origins: Any, said: str) -> None:
    story = await made(http, id=ID, text="Twice.")
    body = {"revision": 1, "text": "Once.", "title": "New", "origins": origins}
    assert said in await refused(http, f"stories/{ID}", body, "origins")
    assert said in await refused(http, "stories", {"text": "Once.", "origins": origins}, "origins", "POST")
    assert await told(http, f"stories/{ID}") == story
    assert (await told(http, "stories"))["total"] == 1


async def test_a_long_text_in_many_pieces_fits_into_a_request(http: httpx.AsyncClient) -> None:
    longest = 2 * MAX_TEXT_BYTES + MAX_RUNS * len('[4000000, "edited"], ') + MAX_SETTINGS
    assert longest < MAX_LIBRARY_BODY_BYTES
    text = "\n" * 3_900_000
    runs = [[1, ("model", "writer")[at % 2]] for at in range(19_999)] + [[len(text) - 19_999, "writer"]]
    body = json.dumps({"id": ID, "text": text, "origins": runs})
    response = await http.post(
        "/library/stories", content=body + " " * 1_000_000, headers={"content-type": "application/json"}
    )
    assert response.status_code == 201
    assert response.json()["origins"] == runs


async def test_all_of_it_goes_out_and_comes_back(http: httpx.AsyncClient) -> None:
    story = await made(http, id=ID, text=ODD, origins=ORIGINS)
    kept = await told(http, f"{AT}/{PASSAGE}", "PUT", **RECORD)
    await http.post("/library/favourites", json={"text": "More sea"})
    archive = ("all.zip", (await exported(http, "export")).content)
    await told(http, f"stories/{ID}/trash", "POST")
    await told(http, "trash/empty", "POST")
    [favourite] = (await told(http, "favourites"))["favourites"]
    await http.delete(f"/library/favourites/{favourite['id']}")
    result = await imported(http, archive)
    assert (len(result["taken"]), result["favourites"], result["refused"]) == (1, 1, [])
    assert await told(http, f"stories/{ID}") == story
    assert (await told(http, AT))["passages"] == [kept]
    assert (await told(http, "favourites"))["favourites"] == [favourite]
