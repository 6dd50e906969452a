"""What the page and other programs may rely on of choices: the REST routes, and their errors."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from storaiteller import durable, prompts
from storaiteller.config import Config
from storaiteller.story import Passage, StorySettings, Wish
from tests.fakes import ScriptedEngine, ScriptedModels
from tests.ledgers import NO_SPACE, broken, raising
from tests.rest import SETTINGS, assert_error, opened

ID, OTHER_ID, STORY_ID = "1" * 32, "2" * 32, "5" * 32
REWRITE: dict[str, Any] = {
    "type": "rewrite",
    "id": "r1",
    "settings": SETTINGS,
    "before": "Ada ran. ",
    "selected": "She fell.",
    "after": " The end.",
    "instruction": "shorter",
}
INSERT = {"type": "insert", "id": "i1", "settings": SETTINGS, "before": "Ada ran.", "after": ""}
CHOICE: dict[str, Any] = {
    "id": ID,
    "kind": "passage",
    "asked": REWRITE,
    "chosen": "She flew 🌙.",
    "rejected": ["She sat.", "She\r\nate."],
    "reason": "",
    "story": STORY_ID,
}
VERDICT: dict[str, Any] = {"id": ID, "settings": SETTINGS, "story": "Bad.", "story_id": STORY_ID}
GOOD: dict[str, Any] = {"settings": SETTINGS, "story": "Good.", "story_id": "g1"}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


async def shown(http: httpx.AsyncClient, **query: int) -> dict[str, Any]:
    response = await http.get("/preferences", params=query)
    assert response.status_code == 200
    told: dict[str, Any] = response.json()
    return told


async def test_a_choice_becomes_a_pair_of_each_text_that_was_not_chosen(
    http: httpx.AsyncClient, config: Config
) -> None:
    response = await http.post("/preferences", json=CHOICE)
    assert (response.status_code, response.json()) == (201, {"pairs": 2})
    again = await http.post("/preferences", json=CHOICE)
    assert (again.status_code, again.json()) == (200, {"pairs": 2})
    rows = rows_of(config.preferences_path)
    settings = StorySettings(**SETTINGS)
    prompt = prompts.rewrite_prompt(
        settings, Passage("Ada ran. ", "She fell.", " The end."), Wish(instruction="shorter")
    )
    assert {row["Prompt"] for row in rows} == {prompt}
    assert [(row["Chosen"], row["Rejected"]) for row in rows] == [
        ("She flew 🌙.", "She sat."),
        ("She flew 🌙.", "She\r\nate."),
    ]
    assert {(row["Kind"], row["StoryId"], row["ChoiceId"], row["PromptVersion"]) for row in rows} == {
        ("passage", STORY_ID, ID, prompts.PROMPT_VERSION)
    }
    assert json.loads(rows[0]["Settings"])["max_words"] == 120


async def test_a_choice_told_with_less_of_its_story_counts_once_and_its_opposite_undoes_it(
    http: httpx.AsyncClient,
) -> None:
    await http.post("/preferences", json={**CHOICE, "rejected": ["She sat."]})
    less = {**CHOICE, "asked": {**REWRITE, "before": "ran. "}, "rejected": ["She sat."]}
    again = await http.post("/preferences", json=less)
    assert (again.status_code, again.json()) == (200, {"pairs": 1})
    assert (await shown(http))["total"] == 1
    turned = {**less, "id": OTHER_ID, "chosen": "She sat.", "rejected": [CHOICE["chosen"]]}
    assert (await http.post("/preferences", json=turned)).status_code == 201
    told = await shown(http)
    assert [(pair["chosen"], pair["counts"]) for pair in told["pairs"]] == [
        ("She sat.", True),
        (CHOICE["chosen"], False),
    ]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"type": "generate", "id": "g", "settings": SETTINGS}, "Write a story"),
        ({"type": "continue", "id": "c", "settings": SETTINGS, "text": "Ada ran."}, "unchanged:\nAda ran."),
    ],
)
async def test_the_prompt_is_what_the_model_saw(
    http: httpx.AsyncClient, config: Config, asked: dict[str, Any], words: str
) -> None:
    await http.post("/preferences", json={**CHOICE, "kind": "story", "asked": asked})
    assert words in rows_of(config.preferences_path)[0]["Prompt"]


async def test_what_differs_in_nothing_makes_no_pair(http: httpx.AsyncClient, config: Config) -> None:
    rejected = [CHOICE["chosen"], " \n", "She sat.", "She sat."]
    response = await http.post("/preferences", json={**CHOICE, "rejected": rejected})
    assert response.json() == {"pairs": 1}
    none = await http.post("/preferences", json={**CHOICE, "rejected": [CHOICE["chosen"]]})
    assert (none.status_code, none.json()) == (200, {"pairs": 0})
    assert len(rows_of(config.preferences_path)) == 1


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("chosen", " \n", ""),
        ("chosen", "x" * 1_000_001, "at most 1,000,000 characters"),
        ("rejected", [], "1 to 20 texts"),
        ("rejected", [str(number) for number in range(21)], "1 to 20 texts"),
        ("rejected", ["x" * 1_000_001], "at most 1,000,000 characters"),
        ("rejected", ["a\0b"], "NULs"),
        ("reason", "x" * 1_001, "at most 1,000 characters"),
        ("kind", "poem", "passage, insertion, story"),
        ("story", "s1", "or null"),
        ("id", "c1", "32 characters"),
        ("kind", "story", "is passage"),
        ("asked.type", {"type": "stop", "id": "s"}, "generate, rewrite, continue"),
        ("asked.settings.max_words", {**REWRITE, "settings": {**SETTINGS, "max_words": 3}}, "from 20 to"),
        ("asked.register", {**REWRITE, "action": "register"}, "one of Casual"),
        ("asked.selected", {**REWRITE, "selected": " \n"}, "Select some words"),
        ("asked.before", {**INSERT, "before": " "}, "no text to put"),
        ("asked.id", {**REWRITE, "id": ""}, "text of 1 to 128 characters"),
    ],
)
async def test_a_wrong_choice_is_said_in_words_and_leaves_no_trace(
    shared: httpx.AsyncClient, shared_config: Config, field: str, value: Any, allowed: str
) -> None:
    response = await shared.post("/preferences", json={**CHOICE, field.partition(".")[0]: value})
    assert allowed in assert_error(response, 422, "invalid_request", field)
    assert rows_of(shared_config.preferences_path) == []


async def test_not_for_me_is_marked_given_a_reason_and_taken_back(
    http: httpx.AsyncClient, config: Config
) -> None:
    first = await http.post("/preferences/not-for-me", json=VERDICT)
    assert (first.status_code, first.json()) == (201, {"story_id": STORY_ID, "not_for_me": True})
    assert (await http.post("/preferences/not-for-me", json=VERDICT)).status_code == 200
    reason = await http.post("/preferences/not-for-me", json={**VERDICT, "reason": "too sad"})
    assert reason.status_code == 201
    back = await http.delete(f"/preferences/not-for-me/{STORY_ID}")
    assert (back.status_code, back.json()["not_for_me"]) == (200, False)
    rows = rows_of(config.preferences_path)
    assert [(row["Reason"], row["Standing"]) for row in rows] == [
        ("", "1"),
        ("too sad", "1"),
        ("too sad", "0"),
    ]
    assert_error(await http.delete("/preferences/not-for-me/never"), 404, "unknown_story")
    blank = await http.post("/preferences/not-for-me", json={**VERDICT, "story": " "})
    assert_error(blank, 422, "invalid_request", "story")


async def test_a_story_is_good_or_not_for_me_and_never_both(http: httpx.AsyncClient, config: Config) -> None:
    await http.post("/savestory", json=GOOD)
    await http.post("/savestory", json={**GOOD, "story_id": STORY_ID, "story": "Bad."})
    await http.post("/preferences/not-for-me", json=VERDICT)
    assert [row["Rating"] for row in rows_of(config.ledger_path)] == ["1", "1", "0"]
    [pair] = (await shown(http))["pairs"]
    assert (pair["chosen"], pair["rejected"], pair["counts"]) == ("Good.", "Bad.", True)
    await http.delete("/savestory/g1")
    [pair] = (await shown(http))["pairs"]
    assert (pair["chosen"], pair["struck_out"], pair["counts"]) == ("", False, False)
    await http.post("/savestory", json={**GOOD, "story_id": STORY_ID, "story": "Bad."})
    [pair] = (await shown(http))["pairs"]
    assert pair["struck_out"]


async def test_pairs_are_looked_through_and_struck_out(http: httpx.AsyncClient) -> None:
    await http.post("/preferences", json=CHOICE)
    await http.post("/preferences/not-for-me", json={**VERDICT, "reason": "too sad"})
    told = await shown(http, limit=1)
    assert (told["total"], told["counting"], len(told["pairs"])) == (3, 2, 1)
    [verdict] = told["pairs"]
    assert (verdict["kind"], verdict["reason"], verdict["story"]) == ("story", "too sad", STORY_ID)
    [pair] = (await shown(http, offset=1, limit=1))["pairs"]
    struck = await http.post(f"/preferences/{pair['id']}/strike")
    assert (struck.status_code, struck.json()) == (200, {**pair, "struck_out": True, "counts": False})
    assert (await shown(http))["counting"] == 1
    assert (await http.post(f"/preferences/{pair['id']}/unstrike")).json() == pair
    assert_error(await http.post(f"/preferences/{OTHER_ID}/strike"), 404, "unknown_pair")
    wrong = assert_error(await http.post("/preferences/x/strike"), 422, "invalid_request", "pair")
    assert "32 characters of 0 to 9 and a to f" in wrong
    assert_error(await http.get("/preferences?limit=1001"), 422, "invalid_request", "limit")


async def test_a_disk_without_room_is_said_and_the_next_try_works(http: httpx.AsyncClient) -> None:
    for path, body in (("/preferences", CHOICE), ("/preferences/not-for-me", VERDICT)):
        with broken(durable, "append", raising(NO_SPACE)):
            message = assert_error(await http.post(path, json=body), 507, "ledger_failed")
        assert "Make room on the disk" in message
        assert (await http.post(path, json=body)).status_code == 201


async def test_a_file_that_is_not_ours_is_named_and_left_alone(config: Config) -> None:
    config.preferences_path.write_text("Date,Amount\n1,2\n")
    async with opened(config, ScriptedModels(ScriptedEngine())) as http:
        assert "preferences.csv" in assert_error(await http.get("/preferences"), 507, "ledger_failed")
        assert_error(await http.post("/preferences", json=CHOICE), 507, "ledger_failed")
    assert config.preferences_path.read_text() == "Date,Amount\n1,2\n"


async def test_the_page_is_served_with_its_parts_and_no_script_of_its_own(shared: httpx.AsyncClient) -> None:
    response = await shared.get("/choices")
    assert response.status_code == 200
    assert response.text.startswith("<!doctype html>")
    for asset in ("choices.js", "choices.css", "main.css"):
        assert f"/assets/{asset}" in response.text
        assert (await shared.get(f"/assets/{asset}")).status_code == 200
    assert "<style" not in response.text
    assert " style=" not in response.text
