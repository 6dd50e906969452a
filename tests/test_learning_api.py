"""What the page *What it has learned* may rely on: the routes, and what they tell of versions and runs."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from finetune.config import LearnConfig
from storaiteller.config import Config
from storaiteller.feedback import FeedbackLedger
from storaiteller.learned import MIN_LIKES, RunResult, learned, read_result
from storaiteller.registry import BaseRecord, Registry, State, Version
from tests.fakes import ScriptedEngine, ScriptedModels
from tests.rest import SETTINGS, assert_error, opened
from tests.serving import serving
from tests.versions import DEMO, IN_OLLAMA, add, ended, keep, samples, seed, story_ids


async def shown(http: httpx.AsyncClient) -> dict[str, Any]:
    response = await http.get("/learning")
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()
    return told


@pytest.fixture(scope="module")
def seeded(shared: httpx.AsyncClient, shared_config: Config) -> httpx.AsyncClient:
    """A client of one app with four versions, for tests that change nothing."""
    seed(shared_config.data_dir)
    return shared


# --- what is told ---------------------------------------------------------------------------------


async def test_before_anything_was_learned_it_says_how_many_stories_are_there(
    http: httpx.AsyncClient, config: Config
) -> None:
    keep(FeedbackLedger(config.ledger_path), story_ids(7))
    FeedbackLedger(config.ledger_path).take_back("story-2")
    assert await shown(http) == {
        "active": None, "waits": "", "strength": 1.0, "max_strength": 1.2, "slider": True, "versions": [],
        "likes": 6, "needed": 20, "card": None, "problem": "",
    }  # fmt: skip


def test_the_page_and_the_learning_loop_agree_on_how_many_stories_it_takes() -> None:
    assert LearnConfig.model_fields["min_likes"].default == MIN_LIKES


async def test_versions_come_newest_first_with_what_each_learned_from(
    http: httpx.AsyncClient, config: Config
) -> None:
    registry = seed(config.data_dir)
    told = await shown(http)
    assert [(each["name"], each["status"], each["parent"]) for each in told["versions"]] == [
        ("v4", "kept", "v3"), ("v3", "promoted", "v1"), ("v2", "kept", "v1"), ("v1", "promoted", None),
    ]  # fmt: skip
    assert (told["active"], told["strength"], told["likes"]) == ("v3", 1.0, 40)
    version = told["versions"][1]
    assert version["base"] == {"model_id": DEMO.model_id, "name": DEMO.name}
    assert (version["stories"], version["held_out"]) == (31, 8)
    assert version["metrics"] == registry.read().find("v3").metrics
    assert version["ollama"] == "storaiteller:v3"
    assert version["has_report"] is True


async def test_a_story_taken_back_marks_every_version_that_learned_from_it(
    http: httpx.AsyncClient, config: Config
) -> None:
    seed(config.data_dir)
    marks = {each["name"]: each["taken_back"] for each in (await shown(http))["versions"]}
    assert marks == {"v1": 0, "v2": 0, "v3": 2, "v4": 1}
    keep(FeedbackLedger(config.ledger_path), ["story-3"])  # the writer likes it again
    marks = {each["name"]: each["taken_back"] for each in (await shown(http))["versions"]}
    assert marks == {"v1": 0, "v2": 0, "v3": 1, "v4": 1}


async def test_a_story_kept_for_the_exam_marks_no_version(http: httpx.AsyncClient, config: Config) -> None:
    ledger = FeedbackLedger(config.ledger_path)
    keep(ledger, story_ids(3))
    add(Registry(config.data_dir), stories=story_ids(2), held_out=("story-2",))
    ledger.take_back("story-2")
    [version] = (await shown(http))["versions"]
    assert version["taken_back"] == 0


async def test_a_damaged_registry_is_a_sentence_and_not_an_error(
    http: httpx.AsyncClient, config: Config
) -> None:
    registry = seed(config.data_dir)
    registry.path.write_bytes(registry.path.read_bytes()[:100])
    told = await shown(http)
    assert "damaged" in told["problem"]
    assert "storaiteller-finetune status --mend" in told["problem"]
    assert (told["active"], told["versions"], told["likes"]) == (None, [], 40)
    for path, body in (("active", {"version": "v1"}), ("strength", {"strength": 0.5})):
        response = await http.post(f"/learning/{path}", json=body)
        assert "damaged" in assert_error(response, 500, "registry_failed")
    registry.mend()
    told = await shown(http)
    assert (told["problem"], told["active"], len(told["versions"])) == ("", None, 4)


@pytest.mark.parametrize(
    ("base", "ollama", "slider"),
    [
        (DEMO, None, True),
        (DEMO, "storaiteller:v1", True),
        (IN_OLLAMA, "storaiteller:v1", False),
        (IN_OLLAMA, None, True),
    ],
)
async def test_the_slider_is_for_what_runs_in_this_process(
    config: Config, base: BaseRecord, ollama: str | None, slider: bool
) -> None:
    registry = Registry(config.data_dir)
    add(registry, base=base, ollama=ollama)
    async with opened(config, ScriptedModels(ScriptedEngine(), base_id=base.model_id)) as http:
        assert (await shown(http))["slider"] is True
        registry.activate("v1")
        assert (await shown(http))["slider"] is slider


@pytest.mark.parametrize(
    ("base_id", "name"),
    [
        ("ollama/llama3.2", "llama3.2"),
        ("embedded/ollama:llama3.2", "llama3.2 (Ollama's file)"),
        ("embedded/Mistral-7B.gguf", "Mistral-7B"),
    ],
)
async def test_a_version_learned_on_another_model_than_the_apps_waits(
    config: Config, base_id: str, name: str
) -> None:
    registry = seed(config.data_dir)
    async with opened(config, ScriptedModels(ScriptedEngine(), base_id=base_id)) as http:
        told = await shown(http)
        assert (told["active"], told["slider"]) == ("v3", False)
        assert told["waits"] == f"v3 was learned on {DEMO.name}; {name} writes now."
        registry.activate(None)
        assert (await shown(http))["waits"] == ""


@pytest.mark.parametrize("base_id", [DEMO.model_id, None])
async def test_a_version_waits_for_no_model_that_is_its_own_or_not_known_yet(
    config: Config, base_id: str | None
) -> None:
    seed(config.data_dir)
    async with opened(config, ScriptedModels(ScriptedEngine(), base_id=base_id)) as http:
        told = await shown(http)
        assert (told["waits"], told["slider"]) == ("", True)


# --- the card -------------------------------------------------------------------------------------


async def test_the_morning_after_the_card_tells_what_came_of_it(
    http: httpx.AsyncClient, config: Config
) -> None:
    seed(config.data_dir)
    ended(config.data_dir, "20261103-030000", "promoted", "Promoted, because it wrote better.")
    assert (await shown(http))["card"] == {
        "run_id": "20261103-030000",
        "decision": "promoted",
        "sentence": "Learned from 31 good stories; promoted, because it wrote better.",
        "at": "2026-11-22T03:20:00+00:00",
    }
    ended(config.data_dir, "20261104-030000", "kept", "Not promoted, because it copied.")
    card = (await shown(http))["card"]
    assert card["sentence"] == "Learned from 30 good stories; not promoted, because it copied."


async def test_a_run_that_failed_is_told_as_one(http: httpx.AsyncClient, config: Config) -> None:
    ended(config.data_dir, "20261105-030000", "kept", "The disk is full.", error="no_room")
    card = (await shown(http))["card"]
    assert card["decision"] == "failed"
    assert card["sentence"] == (
        "Learning did not come to its end, and your model is as it was. The disk is full."
    )


async def test_a_night_with_nothing_new_does_not_hide_the_news_of_the_night_before(
    http: httpx.AsyncClient, config: Config
) -> None:
    ended(config.data_dir, "20261104-030000", "skipped", "Too few.")
    assert (await shown(http))["card"] is None
    ended(config.data_dir, "20261105-030000", "promoted")
    ended(config.data_dir, "20261106-030000", "skipped", "Nothing new.")
    card = (await shown(http))["card"]
    assert card["run_id"] == "20261105-030000"
    assert card["sentence"].startswith("Learned from your good stories; promoted, because it wrote")


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b'{"run_id": "r", "decision": "dreamed"}'])
async def test_a_result_that_cannot_be_read_is_no_result(
    http: httpx.AsyncClient, config: Config, raw: bytes
) -> None:
    ended(config.data_dir, "20261104-030000", "kept")
    ended(config.data_dir, "20261105-030000", "kept")
    (config.data_dir / "runs" / "20261105-030000" / "result.json").write_bytes(raw)
    (config.data_dir / "runs" / "20261106-030000").mkdir()  # a run that is under way
    assert (await shown(http))["card"]["run_id"] == "20261104-030000"
    assert read_result(raw) is None


@pytest.mark.parametrize(
    ("stories", "source"), [(1, "1 good story"), (2, "2 good stories"), (1_234, "1,234 good stories")]
)
def test_stories_are_counted_as_people_count(stories: int, source: str) -> None:
    version = Version(name="v1", run_id="r", created_at="", base=DEMO, trained_on=story_ids(stories))
    told = learned(
        State(versions=(version,)),
        base_id=None,
        good=(),
        taken_back=(),
        result=RunResult(run_id="r", decision="kept", reason="By hand."),
        has_report=lambda name: False,
    )
    assert told.card is not None
    expected = f"Learned from {source}; not promoted. By hand."
    assert told.card.sentence == expected


# --- promoting, rolling back, strength ------------------------------------------------------------


async def test_promoting_and_rolling_back_hold_from_the_next_reading(
    http: httpx.AsyncClient, config: Config
) -> None:
    registry = seed(config.data_dir)
    for choice in ("v4", "v1", None, "v3", "v3"):
        response = await http.post("/learning/active", json={"version": choice})
        assert response.status_code == 200
        assert response.json()["active"] == choice
        assert registry.read().active == choice


async def test_the_strength_is_kept_for_every_version(http: httpx.AsyncClient, config: Config) -> None:
    registry = seed(config.data_dir)
    for strength in (0, 0.35, 1, 1.2):
        response = await http.post("/learning/strength", json={"strength": strength})
        assert response.json()["strength"] == strength
        assert registry.read().strength == strength
    assert registry.read().active == "v3"


@pytest.mark.parametrize("strength", ["1", -0.1, 1.3, True, None, [], "NaN"])
async def test_a_strength_that_cannot_be_is_named(
    seeded: httpx.AsyncClient, shared_config: Config, strength: Any
) -> None:
    response = await seeded.post("/learning/strength", json={"strength": strength})
    message = assert_error(response, 422, "invalid_request", "strength")
    assert "strength must be a number from 0 to 1.2" in message
    assert Registry(shared_config.data_dir).read().strength == 1.0


async def test_a_strength_of_nan_is_refused(seeded: httpx.AsyncClient) -> None:
    body, kind = b'{"strength": NaN}', {"content-type": "application/json"}
    assert_error(
        await seeded.post("/learning/strength", content=body, headers=kind),
        422,
        "invalid_request",
        "strength",
    )


@pytest.mark.parametrize("version", ["", "3", "v0", "../v1", "v1/../v2", "v1\n", 1, ["v1"]])
async def test_a_name_that_is_none_is_named(seeded: httpx.AsyncClient, version: Any) -> None:
    response = await seeded.post("/learning/active", json={"version": version})
    assert "such as v3" in assert_error(response, 422, "invalid_request", "version")


async def test_a_choice_has_to_be_made(seeded: httpx.AsyncClient, shared_config: Config) -> None:
    """A body that names nothing must not mean the base model."""
    assert_error(await seeded.post("/learning/active", json={}), 422, "invalid_request", "version")
    assert Registry(shared_config.data_dir).read().active == "v3"


async def test_a_version_that_is_not_there_or_has_lost_its_file_is_refused(
    http: httpx.AsyncClient, config: Config
) -> None:
    registry = seed(config.data_dir)
    response = await http.post("/learning/active", json={"version": "v7"})
    assert "There are: v1, v2, v3, v4" in assert_error(response, 404, "unknown_version")
    registry.adapter("v1").unlink()
    response = await http.post("/learning/active", json={"version": "v1"})
    assert "v1 is gone" in assert_error(response, 500, "registry_failed")
    assert registry.read().active == "v3"


async def test_a_story_under_way_is_not_disturbed(config: Config) -> None:
    """The routes answer while the model writes, and the story ends as it would have."""
    registry = seed(config.data_dir)
    gate = asyncio.Event()
    scripted = ScriptedModels(ScriptedEngine(["The moon ", gate, "rose."]))
    async with (
        serving(scripted, data_dir=config.data_dir) as site,
        site.http() as http,
        site.talk() as talk,
    ):
        await talk.say(type="generate", id="s", settings=SETTINGS)
        heard = await talk.hear_until("chunk")
        for choice in ("v1", None, "v4"):
            response = await http.post("/learning/active", json={"version": choice})
            assert response.json()["active"] == choice
        gate.set()
        heard += await talk.hear_until("done")
    assert "".join(message.get("text", "") for message in heard) == "The moon rose."
    assert registry.read().active == "v4"


# --- reports and samples --------------------------------------------------------------------------


async def test_a_report_is_shown_and_can_run_nothing(http: httpx.AsyncClient, config: Config) -> None:
    seed(config.data_dir)
    response = await http.get("/learning/versions/v3/report")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Report on v3</h1>" in response.text
    policy = response.headers["content-security-policy"].split("; ")
    assert policy[:4] == ["default-src 'none'", "style-src 'unsafe-inline'", "img-src data:", "sandbox"]
    assert not [each for each in policy if "script" in each or "allow" in each]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"


async def test_samples_come_as_they_were_written(http: httpx.AsyncClient, config: Config) -> None:
    seed(config.data_dir)
    assert (await http.get("/learning/versions/v3/samples")).json() == samples(active=True)
    assert (await http.get("/learning/versions/v1/samples")).json() == samples(active=False)


async def test_a_version_without_a_report_or_samples_says_so(http: httpx.AsyncClient, config: Config) -> None:
    registry = seed(config.data_dir)
    for name in ("report.html", "samples.json"):
        (registry.folder("v2") / name).unlink()
    assert (await shown(http))["versions"][2]["has_report"] is False
    response = await http.get("/learning/versions/v2/report")
    assert "no report on version v2" in assert_error(response, 404, "no_report", "name")
    assert (await http.get("/learning/versions/v2/samples")).json() == []
    (registry.folder("v2") / "samples.json").write_text(json.dumps([{"story_id": "x"}]))
    assert_error(await http.get("/learning/versions/v2/samples"), 500, "registry_failed")


@pytest.mark.parametrize("kind", ["report", "samples"])
@pytest.mark.parametrize(
    "name", ["v0", "v1x", "V1", "..", "%2e%2e", "v1%2f..%2fv2", "v1%00", "v1%0a", "registry"]
)
async def test_a_name_never_becomes_a_path(seeded: httpx.AsyncClient, name: str, kind: str) -> None:
    response = await seeded.get(f"/learning/versions/{name}/{kind}")
    assert response.status_code in (404, 422)
    assert response.json()["code"] in ("not_found", "invalid_request")


async def test_a_folder_that_is_no_version_of_ours_is_not_served(
    http: httpx.AsyncClient, config: Config
) -> None:
    """A version is looked up in the registry, and its folder only then."""
    seed(config.data_dir)
    folder = config.data_dir / "versions" / "v9"
    folder.mkdir()
    (folder / "report.html").write_text("no")
    for kind in ("report", "samples"):
        assert_error(await http.get(f"/learning/versions/v9/{kind}"), 404, "unknown_version")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/learning"),
        ("GET", "/learned"),
        ("POST", "/learning/active"),
        ("POST", "/learning/strength"),
        ("GET", "/learning/versions/v3/report"),
        ("GET", "/learning/versions/v3/samples"),
    ],
)
async def test_strangers_are_told_and_can_change_nothing(
    seeded: httpx.AsyncClient, shared_config: Config, method: str, path: str
) -> None:
    wrong = {"authorization": "Bearer wrong"}
    assert_error(
        await seeded.request(method, path, headers=wrong, json={"version": None}), 401, "not_allowed"
    )
    foreign = {"origin": "http://evil.example"}
    assert_error(await seeded.request(method, path, headers=foreign), 403, "foreign_origin")
    assert Registry(shared_config.data_dir).read().active == "v3"


async def test_the_page_is_served_with_its_parts_and_no_script_of_its_own(http: httpx.AsyncClient) -> None:
    response = await http.get("/learned")
    assert response.status_code == 200
    assert "What it has learned" in response.text
    for asset in ("learned.js", "learned.css", "main.css"):
        assert f"/assets/{asset}" in response.text
        assert (await http.get(f"/assets/{asset}")).status_code == 200
    assert "<style" not in response.text
    assert " style=" not in response.text


async def test_an_empty_data_folder_gets_no_registry_by_looking(
    http: httpx.AsyncClient, config: Config
) -> None:
    await shown(http)
    assert not Registry(config.data_dir).path.exists()
    assert not (config.data_dir / "versions").exists()
