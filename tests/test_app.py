"""What other programs and the page may rely on: the routes of a story, the page itself, and their errors."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from filelock import FileLock

from storaiteller import durable, prompts
from storaiteller.config import Config
from storaiteller.model_files import DEMO_ID
from tests.ledgers import rows_of
from tests.rest import FULL, PARTS, SETTINGS, STORY, assert_error

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


async def test_a_good_story_is_one_row_however_often_it_is_saved(
    http: httpx.AsyncClient, config: Config
) -> None:
    story = {**STORY, "settings": FULL, "model": "embedded/demo.gguf"}
    first = await http.post("/savestory", json=story)
    again = await http.post("/savestory", json=story)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json() == {"story_id": "s1", "saved": True}
    [row] = rows_of(config.ledger_path)
    assert row["Story"] == STORY["story"]
    assert row["Prompt"] == (await http.post("/setstory", json=FULL)).json()["prompt"]
    assert json.loads(row["Settings"]) == FULL
    assert (row["StoryId"], row["Rating"], row["Model"]) == ("s1", "1", "embedded/demo.gguf")
    assert row["PromptVersion"] == prompts.PROMPT_VERSION


async def test_a_story_taken_back_is_rated_nought(http: httpx.AsyncClient, config: Config) -> None:
    await http.post("/savestory", json=STORY)
    response = await http.delete("/savestory/s1")
    assert (response.status_code, response.json()) == (200, {"story_id": "s1", "saved": False})
    assert [row["Rating"] for row in rows_of(config.ledger_path)] == ["1", "0"]
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
    assert rows_of(config.ledger_path) == []
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
