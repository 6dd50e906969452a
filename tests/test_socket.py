"""What the WebSocket promises, heard by a real client of a real server."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from storaiteller.api import answer, generation
from storaiteller.api.protocol import ServerMessage
from storaiteller.api.socket import MAX_RUNNING
from storaiteller.engines.base import Engine, GenerationOptions, Report
from storaiteller.errors import (
    EngineUnavailableError,
    GenerationFailedError,
    ModelUnusableError,
    WordsUnsupportedError,
)
from storaiteller.model_files import ModelInfo
from storaiteller.story import Chunk, Message
from tests.fake_ollama import FakeOllama, Gate, Reply, done, word
from tests.fakes import ScriptedEngine, ScriptedModels
from tests.serving import GUARD, Serving, Talk, serving

SETTINGS: dict[str, Any] = {"genre": "Fantasy", "register": "Playful", "max_words": 120}
PASSAGE = {"before": "Ada ran. ", "selected": "She fell.", "after": " The end."}


def generate(request_id: str = "g1", **more: Any) -> dict[str, Any]:
    return {"type": "generate", "id": request_id, "settings": SETTINGS, **more}


def rewrite(request_id: str = "r1", **more: Any) -> dict[str, Any]:
    return {"type": "rewrite", "id": request_id, "settings": SETTINGS, **PASSAGE, **more}


def continue_(request_id: str = "c1", text: str | None = "Once", **more: Any) -> dict[str, Any]:
    return {"type": "continue", "id": request_id, "settings": SETTINGS, "text": text, **more}


def text_of(messages: list[dict[str, Any]], request_id: str = "g1") -> str:
    chunks = [each for each in messages if each["type"] == "chunk" and each["id"] == request_id]
    assert [chunk["seq"] for chunk in chunks] == list(range(len(chunks)))
    return "".join(chunk["text"] for chunk in chunks)


class Stage:
    """The engine of the server below: lets the engine of the test at hand do the talking."""

    def __init__(self) -> None:
        self.engine = ScriptedEngine()

    def stream(self, messages: Sequence[Message], options: GenerationOptions) -> AsyncGenerator[Chunk, None]:
        return self.engine.stream(messages, options)

    def next_tokens(self, messages: Sequence[Message], count: int) -> AsyncGenerator[Chunk, None]:
        return self.engine.next_tokens(messages, count)

    async def aclose(self) -> None:
        await self.engine.aclose()


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


@pytest.fixture
def engine(stage: Stage) -> ScriptedEngine:
    stage.engine = ScriptedEngine()
    return stage.engine


@pytest.fixture(scope="module")
async def server(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Serving]:
    """One server for all: whatever a client does to it, the next test still finds it well."""
    async with serving(ScriptedModels(stage), data_dir=tmp_path_factory.mktemp("data")) as server:
        yield server


@pytest.fixture
async def talk(server: Serving, engine: ScriptedEngine) -> AsyncIterator[Talk]:
    async with server.talk() as talk:
        yield talk


async def assert_still_writes(talk: Talk, engine: ScriptedEngine) -> None:
    """After whatever happened, the next that is heard on this connection is a whole story."""
    engine.script = ("Once ", "more.")
    await talk.say(**generate("after"))
    heard = await talk.hear_until("done")
    assert text_of(heard, "after") == "Once more."
    assert {message["id"] for message in heard} == {"after"}
    assert heard[0]["type"] == "started"


# --- one request ----------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [generate(), rewrite(), continue_()], ids=lambda each: str(each["type"]))
async def test_a_request_is_answered_by_started_then_chunks_then_done(
    talk: Talk, request_: dict[str, Any]
) -> None:
    await talk.say(**request_)
    heard = await talk.hear_until("done")
    kinds = [message["type"] for message in heard]
    assert kinds[0] == "started"
    assert set(kinds[1:-1]) == {"chunk"}
    assert {message["id"] for message in heard} == {request_["id"]}
    assert text_of(heard, request_["id"]).split() == ["Once", "upon", "a", "time."]


async def test_words_are_told_once_between_started_and_done(talk: Talk, engine: ScriptedEngine) -> None:
    engine.script = [" and"]
    engine.tokens = [(" sea", 0.25), (",", 0.5)]
    await talk.say(type="words", id="w1", settings=SETTINGS, before="Ada ran to the ")
    heard = await talk.hear_until("done")
    assert [message["type"] for message in heard] == ["started", "words", "done"]
    assert heard[1] == {"type": "words", "id": "w1", "words": [{"text": "sea", "probability": 0.25}]}
    assert heard[2]["words"] == 0


async def test_an_engine_that_cannot_tell_words_is_an_error_with_its_code(
    talk: Talk, engine: ScriptedEngine
) -> None:
    engine.tokens = WordsUnsupportedError("Version 0.12.11 or newer can.")
    await talk.say(type="words", id="w1", settings=SETTINGS, before="")
    [error_] = await talk.hear_until("error")
    assert (error_["code"], error_["message"]) == ("words_unsupported", "Version 0.12.11 or newer can.")


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (rewrite(action="register"), "register"),
        (rewrite(register="Playful"), "register"),
        (rewrite(action="register", register="Loud"), "register"),
        (rewrite(action="funny"), "action"),
        (rewrite(opening="x" * 1_000_001), "opening"),
        (rewrite(opening="\0"), "opening"),
        ({"type": "insert", "id": "r1", "settings": SETTINGS, "before": " ", "after": "\n"}, "before"),
        ({"type": "titles", "id": "r1", "settings": SETTINGS, "text": " "}, "text"),
        ({"type": "summary", "id": "r1", "settings": SETTINGS, "text": ""}, "text"),
        ({"type": "words", "id": "r1", "settings": SETTINGS}, "before"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_its_field(
    talk: Talk, message: dict[str, Any], field: str
) -> None:
    await talk.say(**message)
    [error_] = await talk.hear_until("error")
    assert (error_["id"], error_["code"], error_["field"]) == ("r1", "invalid_request", field)


async def test_started_names_the_model_and_counts_the_prompt(talk: Talk) -> None:
    await talk.say(**generate())
    assert await talk.hear() == {
        "type": "started",
        "id": "g1",
        "model": "embedded/scripted",
        "prompt_tokens": 7,
    }


async def test_done_counts_the_words_that_were_delivered_and_the_tokens_that_were_spent(talk: Talk) -> None:
    await talk.say(**generate())
    done_ = (await talk.hear_until("done"))[-1]
    assert done_.pop("tokens_per_second") > 0
    assert done_.pop("time_to_first_token_ms") > 0
    usage = {"prompt": 7, "cached": 0, "completion": 3}
    assert done_ == {"type": "done", "id": "g1", "finish_reason": "stop", "words": 4, "usage": usage}


async def test_a_story_without_a_word_is_started_and_done_all_the_same(
    talk: Talk, engine: ScriptedEngine
) -> None:
    engine.script = ()
    await talk.say(**generate())
    started, done_ = await talk.hear_until("done")
    assert started["type"] == "started"
    assert (done_["words"], done_["tokens_per_second"], done_["time_to_first_token_ms"]) == (0, 0, 0)


async def test_a_model_that_runs_on_is_ended_within_the_words_and_freed(
    talk: Talk, engine: ScriptedEngine
) -> None:
    """The engine waits for ever after its last piece: only being closed lets the story be done."""
    engine.script = ("One two three. " * 10, asyncio.Event())
    await talk.say(**generate(settings={**SETTINGS, "max_words": 20}))
    heard = await talk.hear_until("done")
    assert text_of(heard) == " ".join(["One two three."] * 6)
    assert (heard[-1]["finish_reason"], heard[-1]["words"]) == ("length", 18)
    await asyncio.wait_for(engine.ended.wait(), GUARD)


async def test_the_model_is_asked_with_the_seed_and_sampling_of_the_request(
    talk: Talk, engine: ScriptedEngine
) -> None:
    await talk.say(**generate(seed=11, sampling={"temperature": 0.25}))
    await talk.hear_until("done")
    [(messages, options)] = engine.asked
    assert messages[0].content.startswith("You are a writer. Write a story")
    assert (options.seed, options.sampling.temperature, options.sampling.top_p) == (11, 0.25, 0.95)


async def test_every_character_arrives_as_the_model_wrote_it(talk: Talk, engine: ScriptedEngine) -> None:
    story = 'é 🦊 👩‍👩‍👧 שלום "quoted" \\ <b>&amp;</b>\u2028\x85 end.'
    engine.script = tuple(story)
    await talk.say(**generate())
    assert text_of(await talk.hear_until("done")) == story


@pytest.mark.parametrize("wanted", [True, False])
async def test_progress_is_told_only_to_those_who_ask(talk: Talk, wanted: bool) -> None:
    await talk.say(**generate(progress=wanted))
    progress = [each for each in await talk.hear_until("done") if each["type"] == "progress"]
    reading = {"type": "progress", "id": "g1", "stage": "reading", "done": 7, "total": 7}
    assert progress == ([reading] if wanted else [])


async def test_every_message_of_the_examples_is_one_that_the_server_knows(talk: Talk) -> None:
    """The page is tested against the same examples."""
    examples = json.loads((Path(__file__).parent / "protocol_examples.json").read_text())
    for example in examples["client"]:
        if example["type"] in ("stop", "kept", "resume"):
            continue
        await talk.say(**example)
        heard = await talk.hear_until("done")
        assert {message["id"] for message in heard} == {example["id"]}
        kinds = {each["type"]: set(each) for each in examples["server"]}
        assert all(set(message) == kinds[message["type"]] for message in heard)


def test_there_is_an_example_of_every_message_that_the_server_sends() -> None:
    examples = json.loads((Path(__file__).parent / "protocol_examples.json").read_text())
    kinds = {kind.model_fields["type"].default for kind in ServerMessage.__args__}
    assert {example["type"] for example in examples["server"]} == kinds


# --- several at once ------------------------------------------------------------------------------


async def test_stories_written_at_once_do_not_mix(talk: Talk, engine: ScriptedEngine) -> None:
    first, second = asyncio.Event(), asyncio.Event()
    engine.script = ("Ada ", first, "slept.")
    await talk.say(**generate("a"))
    await talk.hear_until("chunk")
    engine.script = ("Bo ", second, "woke.")
    await talk.say(**generate("b"))
    heard = await talk.hear_until("chunk")
    second.set()
    heard += await talk.hear_until("done")
    assert heard[-1]["id"] == "b"
    first.set()
    heard += await talk.hear_until("done")
    assert heard[-1]["id"] == "a"
    assert text_of(heard, "b") == "Bo woke."
    assert [each["text"] for each in heard if each["id"] == "a" and each["type"] == "chunk"] == [" slept."]


async def test_an_id_is_refused_while_it_is_in_use_and_free_again_afterwards(
    talk: Talk, engine: ScriptedEngine
) -> None:
    rest = asyncio.Event()
    engine.script = ("Once ", rest, "upon.")
    await talk.say(**generate())
    await talk.hear_until("chunk")
    await talk.say(**generate())
    refusal = await talk.hear()
    assert (refusal["type"], refusal["id"], refusal["code"]) == ("error", "g1", "duplicate_id")
    rest.set()
    assert (await talk.hear_until("done"))[-1]["finish_reason"] == "stop"
    await talk.say(**generate())
    assert text_of(await talk.hear_until("done")) == "Once upon."


async def test_more_requests_than_may_run_at_once_are_refused(talk: Talk, engine: ScriptedEngine) -> None:
    rest = asyncio.Event()
    engine.script = (rest, "Once.")
    for number in range(MAX_RUNNING):
        await talk.say(**generate(f"g{number}"))
        await talk.hear_until("started")
    await talk.say(**generate("one-too-many"))
    refusal = await talk.hear()
    assert (refusal["id"], refusal["code"]) == ("one-too-many", "too_many_requests")
    assert str(MAX_RUNNING) in refusal["message"]
    rest.set()
    for _ in range(MAX_RUNNING):
        await talk.hear_until("done")
    await assert_still_writes(talk, engine)


async def test_another_client_may_not_use_an_id_that_is_in_use(
    server: Serving, engine: ScriptedEngine
) -> None:
    """Each may ask for the other's request: there can be only one of that name."""
    rest = asyncio.Event()
    engine.script = ("Once ", rest, "upon.")
    async with server.talk() as one, server.talk() as other:
        await one.say(**generate())
        await one.hear_until("chunk")
        await other.say(**generate())
        assert (await other.hear())["code"] == "duplicate_id"
        rest.set()
        await one.hear_until("done")
        await other.say(**generate())
        assert text_of(await other.hear_until("done")) == "Once upon."


async def test_every_client_is_told_which_story_was_changed(server: Serving, engine: ScriptedEngine) -> None:
    async with server.talk() as one, server.talk() as other, server.http() as http:
        for talk in (one, other):  # by the answer, the connection listens
            await talk.say(type="stop", id="nobody")
            await talk.hear_until("error")
        story = (await http.post("/library/stories", json={"text": "Once."})).json()["id"]
        await http.put(f"/library/stories/{story}", json={"revision": 1, "text": "Twice."})
        saved = {"type": "changed", "story": story, "revision": 2, "trashed": False}
        assert [await talk.hear() for talk in (one, other)] == [saved, saved]
        await http.post(f"/library/stories/{story}/trash")
        assert [await talk.hear() for talk in (one, other)] == [saved | {"trashed": True}] * 2
        await assert_still_writes(one, engine)


# --- stop -----------------------------------------------------------------------------------------


async def test_stop_frees_the_model_and_says_cancelled(talk: Talk, engine: ScriptedEngine) -> None:
    engine.script = ("Once upon", asyncio.Event())
    await talk.say(**generate())
    await talk.hear_until("chunk")
    await talk.say(type="stop", id="g1")
    [done_] = await talk.hear_until("done")
    assert (done_["finish_reason"], done_["words"]) == ("cancelled", 2)
    await asyncio.wait_for(engine.ended.wait(), GUARD)
    assert engine.streaming == 0
    await assert_still_writes(talk, engine)


async def test_stop_before_the_first_word_is_started_and_done(talk: Talk, engine: ScriptedEngine) -> None:
    engine.script = (asyncio.Event(),)
    await talk.say(**generate())
    await talk.say(type="stop", id="g1")
    started, done_ = await talk.hear_until("done")
    assert started["type"] == "started"
    assert (done_["finish_reason"], done_["words"]) == ("cancelled", 0)
    await assert_still_writes(talk, engine)


async def test_stop_ends_the_one_that_it_names_and_no_other(talk: Talk, engine: ScriptedEngine) -> None:
    rest = asyncio.Event()
    engine.script = ("Once ", rest, "upon.")
    for name in ("a", "b"):
        await talk.say(**generate(name))
        await talk.hear_until("chunk")
    await talk.say(type="stop", id="a")
    [stopped] = await talk.hear_until("done")
    assert (stopped["id"], stopped["finish_reason"]) == ("a", "cancelled")
    rest.set()
    other = (await talk.hear_until("done"))[-1]
    assert (other["id"], other["finish_reason"]) == ("b", "stop")


async def test_a_stop_that_comes_too_late_is_not_an_error(talk: Talk, engine: ScriptedEngine) -> None:
    await talk.say(**generate())
    await talk.hear_until("done")
    await talk.say(type="stop", id="g1")
    await assert_still_writes(talk, engine)  # its ``started`` is the next message


async def test_a_stop_for_nobody_is_an_error(talk: Talk, engine: ScriptedEngine) -> None:
    await talk.say(type="stop", id="nobody")
    refusal = await talk.hear()
    assert (refusal["type"], refusal["id"]) == ("error", "nobody")
    assert (refusal["code"], refusal["field"]) == ("unknown_request", "id")
    await assert_still_writes(talk, engine)


async def test_two_stops_make_one_done(talk: Talk, engine: ScriptedEngine) -> None:
    engine.script = ("Once", asyncio.Event())
    await talk.say(**generate())
    await talk.hear_until("chunk")
    await talk.say(type="stop", id="g1")
    await talk.say(type="stop", id="g1")
    assert len(await talk.hear_until("done")) == 1
    await assert_still_writes(talk, engine)


# --- bad messages ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "id_", "field", "said"),
    [
        ("{", None, None, "That is not JSON that can be read"),
        ("", None, None, "That is not JSON that can be read"),
        ("null", None, None, "A JSON object was expected, not None."),
        ("[]", None, None, "A JSON object was expected, not a list."),
        ('{"type": "dance", "id": "g1"}', "g1", "type", "type must be one of generate, rewrite"),
        ('{"id": "g1"}', "g1", "type", "type must be one of generate, rewrite"),
        ('{"type": "stop"}', None, "id", "id is missing"),
        ('{"type": "stop", "id": ""}', None, "id", "id must be text of 1 to 128 characters"),
        ('{"type": "stop", "id": 7}', None, "id", "id must be text of 1 to 128 characters"),
        (f'{{"type": "stop", "id": "{"x" * 129}"}}', None, "id", "id must be text of 1 to 128"),
        ('{"type": "stop", "id": "g1", "more": 1}', "g1", "more", "more is not a field"),
        ('{"type": "stop", "id": "\\ud83d"}', None, None, "That is not JSON that can be read"),
        ("[" * 100_000, None, None, "That is not JSON that can be read"),
        (json.dumps(generate(settings=None)), "g1", "settings", "settings must be an object"),
        (json.dumps(generate(extra=1)), "g1", "extra", "extra is not a field that is known here."),
        (json.dumps(generate(model="")), "g1", "model", "model must be the id of one of the models"),
        (json.dumps(generate(seed=-1)), "g1", "seed", "seed must be a whole number from 0"),
        (json.dumps(generate(seed=2**32 - 1)), "g1", "seed", "seed must be a whole number from 0"),
        (json.dumps(generate(seed="7")), "g1", "seed", "seed must be a whole number from 0"),
        (
            json.dumps(generate(sampling={"temperature": 9})),
            "g1",
            "sampling.temperature",
            "sampling.temperature must be a number from 0 to 2, not 9.",
        ),
        (
            json.dumps(generate(settings={**SETTINGS, "max_words": 0})),
            "g1",
            "settings.max_words",
            "settings.max_words must be a whole number from 20 to 5,000, not 0.",
        ),
        (
            json.dumps(generate(settings={**SETTINGS, "characters": ["a\nFROM x"]})),
            "g1",
            "settings.characters",
            "settings.characters must be a list of at most 20 names",
        ),
        (json.dumps(rewrite(selected="")), "r1", "selected", "selected must be the words to rewrite"),
        (json.dumps(rewrite(selected=" \n\t")), "r1", "selected", "Select some words to rewrite first."),
        (json.dumps(rewrite(before="a\0")), "r1", "before", "before must be text"),
        (json.dumps(rewrite(after="x" * 1_000_001)), "r1", "after", "after must be text of at most"),
        (json.dumps(rewrite(instruction="x" * 1_001)), "r1", "instruction", "at most 1,000 characters"),
        (json.dumps(continue_(text=None)), "c1", "text", "text must be text of at most"),
        (json.dumps(continue_(text="word " * 120)), "c1", "settings.max_words", "120 of at most 120 words"),
    ],
)
async def test_a_bad_message_is_answered_by_one_clear_sentence(
    talk: Talk, engine: ScriptedEngine, raw: str, id_: str | None, field: str | None, said: str
) -> None:
    await talk.connection.send(raw)
    refusal = await talk.hear()
    assert (refusal["type"], refusal["id"], refusal["field"]) == ("error", id_, field)
    assert refusal["code"] in ("invalid_request", "story_full")
    assert said in refusal["message"]
    assert len(refusal["message"]) < 500
    assert engine.asked == []
    await assert_still_writes(talk, engine)


async def test_a_binary_message_is_refused(talk: Talk, engine: ScriptedEngine) -> None:
    await talk.connection.send(json.dumps(generate()).encode())
    refusal = await talk.hear()
    assert (refusal["id"], refusal["message"]) == (None, "Messages are JSON text, not binary.")
    await assert_still_writes(talk, engine)


async def test_what_is_no_text_ends_the_connection_and_hurts_no_other(
    server: Serving, engine: ScriptedEngine
) -> None:
    async with server.talk() as bad, server.talk() as good:
        await bad.connection.send(b"\xff\xfe", text=True)
        await asyncio.wait_for(bad.connection.wait_closed(), GUARD)
        assert bad.connection.close_code == 1007
        await assert_still_writes(good, engine)


# --- a model that fails ---------------------------------------------------------------------------


async def test_what_was_written_before_a_failure_stays_the_writers(
    talk: Talk, engine: ScriptedEngine
) -> None:
    """So near the limit the second sentence is held back until it is whole; now it never will be."""
    engine.script = ("The tide came in. Ada", " ran", GenerationFailedError("The model gave up."))
    await talk.say(**generate(settings={**SETTINGS, "max_words": 40}))
    heard = await talk.hear_until("error")
    assert text_of(heard) == "The tide came in. Ada ran"
    assert heard[-1] == {
        "type": "error",
        "id": "g1",
        "code": "generation_failed",
        "message": "The model gave up.",
        "field": None,
    }
    await assert_still_writes(talk, engine)


async def test_a_failure_nobody_thought_of_is_told_without_its_insides(
    talk: Talk, engine: ScriptedEngine
) -> None:
    engine.script = ("Once", KeyError("a secret"))
    await talk.say(**generate())
    heard = await talk.hear_until("error")
    assert text_of(heard) == "Once"
    assert heard[-1]["code"] == "internal"
    assert "secret" not in heard[-1]["message"]
    await assert_still_writes(talk, engine)


async def test_a_model_that_cannot_be_loaded_is_an_error_until_it_can(tmp_path: Path) -> None:
    class Broken(ScriptedModels):
        broken = True

        async def load(self, model: ModelInfo, report: Report = lambda done: None) -> Engine:
            if self.broken:
                raise ModelUnusableError("fox.gguf is cut short.")
            return await super().load(model)

    engine = ScriptedEngine()
    models = Broken(engine)
    async with serving(models, data_dir=tmp_path) as server, server.talk() as talk:
        await talk.say(**generate())
        [refusal] = await talk.hear_until("error")
        assert (refusal["code"], refusal["message"]) == ("model_unusable", "fox.gguf is cut short.")
        models.broken = False
        await assert_still_writes(talk, engine)


class SlowModels(ScriptedModels):
    """Reads half of the model, and the rest when told to."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.info = replace(self.info, size_bytes=1_000)
        self.may_load = asyncio.Event()

    async def load(self, model: ModelInfo, report: Report = lambda done: None) -> Engine:
        report(500)
        await self.may_load.wait()
        return await super().load(model)


async def test_a_model_being_loaded_tells_how_far_it_is_and_then_writes(tmp_path: Path) -> None:
    models = SlowModels(ScriptedEngine())
    async with serving(models, data_dir=tmp_path) as server, server.talk() as talk:
        await talk.say(**generate(progress=True))
        loading = {"type": "progress", "id": "g1", "stage": "loading", "done": 500, "total": 1_000}
        assert await talk.hear() == loading
        models.may_load.set()
        heard = await talk.hear_until("done")
        assert text_of(heard) == "Once upon a time."


async def test_stop_while_the_model_is_being_loaded_is_answered_before_it_is(tmp_path: Path) -> None:
    engine = ScriptedEngine()
    models = SlowModels(engine)
    async with serving(models, data_dir=tmp_path) as server, server.talk() as talk:
        await talk.say(**generate(progress=True))
        await talk.hear_until("progress")
        await talk.say(type="stop", id="g1")
        done_ = (await talk.hear_until("done"))[-1]
        assert (done_["finish_reason"], done_["words"]) == ("cancelled", 0)
        assert engine.asked == []
        models.may_load.set()
        await assert_still_writes(talk, engine)


@pytest.mark.parametrize(
    "model", ["embedded/nope.gguf", "embedded/../../etc/passwd", "nope", "ollama/nope", "/etc/passwd"]
)
async def test_a_model_that_is_not_listed_is_missing(tmp_path: Path, model: str) -> None:
    async with (
        FakeOllama() as fake,
        serving(data_dir=tmp_path, ollama_host=fake.url) as server,
        server.talk() as talk,
    ):
        await talk.say(**generate(model=model))
        [refusal] = await talk.hear_until("error")
        assert refusal["code"] == "model_missing"
        assert model in refusal["message"]
        await talk.say(**generate("after", model="ollama/llama3.2"))
        assert (await talk.hear_until("done"))[0]["model"] == "ollama/llama3.2"


# --- clients that go away, and those that do not listen -------------------------------------------


def hang_up(talk: Talk) -> None:
    """Vanish as a machine does that lost its network: no goodbye."""
    talk.connection.transport.abort()


async def close(talk: Talk) -> None:
    await talk.connection.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody listens to is given up at once."""
    monkeypatch.setattr(generation, "ABANDONED_SECONDS", 0.0)


@pytest.mark.parametrize("leave", [hang_up, close])
@pytest.mark.parametrize("until", ["started", "chunk"])
@pytest.mark.usefixtures("impatient")
async def test_a_client_that_leaves_for_good_takes_its_rewriting_with_it(
    server: Serving, engine: ScriptedEngine, until: str, leave: Callable[[Talk], Any]
) -> None:
    text = ("She rose and ran home again. " * 9,) if until == "chunk" else ()
    engine.script = (*text, asyncio.Event())
    async with server.talk() as talk:
        await talk.say(**rewrite())
        await talk.hear_until(until)
        left = leave(talk)
        if left is not None:
            await left
        await asyncio.wait_for(engine.ended.wait(), GUARD)
    assert engine.streaming == 0
    async with server.talk() as other:
        await assert_still_writes(other, engine)


@pytest.mark.usefixtures("impatient")
async def test_a_client_that_leaves_for_good_ends_all_its_rewritings(
    server: Serving, engine: ScriptedEngine
) -> None:
    engine.script = (asyncio.Event(),)
    async with server.talk() as talk:
        for number in range(3):
            await talk.say(**rewrite(f"r{number}"))
            await talk.hear_until("started")
        assert engine.streaming == 3
        hang_up(talk)
        await asyncio.wait_for(engine.idle.wait(), GUARD)
    assert engine.streaming == 0


@pytest.mark.parametrize("leave", [hang_up, close])
@pytest.mark.parametrize("request_", [generate("left"), continue_("left")], ids=["generate", "continue"])
@pytest.mark.usefixtures("impatient")
async def test_a_story_goes_on_without_its_client_and_is_told_whole_to_the_next(
    server: Serving, engine: ScriptedEngine, request_: dict[str, Any], leave: Callable[[Talk], Any]
) -> None:
    rest = asyncio.Event()
    engine.script = ("Once ", rest, "upon ", "a time.")
    async with server.talk() as talk:
        await talk.say(**request_)
        heard = await talk.hear_until("chunk")
        left = leave(talk)
        if left is not None:
            await left
    assert engine.streaming == 1
    async with server.talk() as back:
        await back.say(type="resume", id="left", seq=1)
        again = [await back.hear()]
        assert again == heard[:1], "it is started once more"
        rest.set()
        again += await back.hear_until("done")
        chunks = [each for each in heard + again if each["type"] == "chunk"]
        assert text_of(chunks, "left").endswith("upon a time.")
        assert again[-1]["finish_reason"] == "stop"
        await back.say(type="resume", id="left", seq=0)
        replayed = await back.hear_until("done")
        assert [each for each in replayed if each["type"] == "chunk"] == chunks
        assert (replayed[0], replayed[-1]) == (heard[0], again[-1])
        await assert_still_writes(back, engine)


async def test_two_clients_hear_the_same_story_each_at_its_own_pace(
    server: Serving, engine: ScriptedEngine, small_buffers: socket.socket
) -> None:
    """One of the two does not read: the other hears all of it in the meantime."""
    engine.script = Sentences(1_000, SENTENCE)
    async with server.talk(sock=small_buffers, max_queue=1) as stalled, server.talk() as other:
        await stalled.say(**generate(settings=LONG_STORY))
        await stalled.hear_until("started")
        await other.say(type="resume", id="g1", seq=0)
        heard = await other.hear_until("done")
        assert text_of(heard) == (SENTENCE * 1_000).rstrip()
        late = await stalled.hear_until("done")
        assert text_of(late) == text_of(heard)
        assert late[-1] == heard[-1]


async def test_a_request_can_be_stopped_from_another_connection(
    server: Serving, engine: ScriptedEngine
) -> None:
    engine.script = ("Once upon", asyncio.Event())
    async with server.talk() as one, server.talk() as other:
        await one.say(**generate())
        await one.hear_until("chunk")
        await other.say(type="stop", id="g1")
        assert (await one.hear_until("done"))[-1]["finish_reason"] == "cancelled"


async def test_a_story_under_way_is_listed_taken_up_by_another_client_and_stopped(
    server: Serving, engine: ScriptedEngine
) -> None:
    engine.script = ("Once upon", asyncio.Event())
    story = "fedcba9876543210" * 2
    async with server.talk() as one, server.talk() as other, server.http() as http:
        await one.say(**continue_("left", "Ada ran. ", story=story))
        await one.hear_until("chunk")

        async def listed_here() -> list[dict[str, Any]]:
            return [each for each in (await http.get("/writing")).json()["stories"] if each["story"] == story]

        listed = await listed_here()
        about = {"id": "left", "story": story, "excerpt": "Ada ran. Once upon", "words": 4, "max_words": 120}
        assert listed == [about | {"model": "embedded/scripted", "over": False}]
        told = (await http.get(f"/writing/{story}")).json()["stories"]
        words = {"before": "Ada ran. ", "generated": "Once upon", "settings": told[0]["settings"]}
        assert told == [listed[0] | words]
        assert told[0]["settings"]["genre"] == "Fantasy"
        await other.say(type="resume", id="left", seq=0)
        await other.hear_until("chunk")

        stopping = asyncio.create_task(http.post(f"/writing/{story}/stop"))
        for talk in (one, other):
            assert (await talk.hear_until("done"))[-1]["finish_reason"] == "cancelled"
        await other.say(type="kept", id="left")
        assert (await asyncio.wait_for(stopping, GUARD)).status_code == 204
        assert await listed_here() == []
        assert (await http.get(f"/writing/{story}")).json() == {"stories": []}
        assert (await http.get(f"/library/stories/{story}")).status_code == 404, "who keeps it saves it"
        refused = await http.get("/writing/x")
        assert (refused.status_code, refused.json()["field"]) == (422, "id")


async def test_a_request_resumed_twice_on_one_connection_is_told_from_the_last_place_on(
    talk: Talk, engine: ScriptedEngine
) -> None:
    rest = asyncio.Event()
    engine.script = ("Once ", rest, "upon.")
    await talk.say(**generate())
    await talk.hear_until("chunk")
    await talk.say(type="resume", id="g1", seq=0)
    assert text_of(await talk.hear_until("chunk")) == "Once"
    await talk.say(type="resume", id="g1", seq=1)
    await talk.hear_until("started")
    rest.set()
    heard = await talk.hear_until("done")
    assert [each["text"] for each in heard if each["type"] == "chunk"] == [" upon."]


@pytest.mark.parametrize("seq", [-1, "0", None, 1.5])
async def test_a_resume_names_the_number_of_a_chunk(talk: Talk, engine: ScriptedEngine, seq: Any) -> None:
    await talk.say(type="resume", id="g1", seq=seq)
    refusal = await talk.hear()
    assert (refusal["id"], refusal["field"]) == ("g1", "seq")
    await talk.say(type="resume", id="never made", seq=0)
    refusal = await talk.hear()
    assert (refusal["id"], refusal["field"], refusal["code"]) == ("never made", "id", "unknown_request")
    await assert_still_writes(talk, engine)


async def test_a_story_names_its_place_in_the_library_by_an_id(talk: Talk, engine: ScriptedEngine) -> None:
    await talk.say(**generate(story="../1"))
    refusal = await talk.hear()
    assert (refusal["field"], refusal["code"]) == ("story", "invalid_request")
    assert "32 characters of 0 to 9 and a to f" in refusal["message"]
    await assert_still_writes(talk, engine)


class Sentences:
    """A long story, one sentence a piece, and how many of them the engine has been asked for."""

    def __init__(self, number: int, sentence: str) -> None:
        self.number = number
        self.sentence = sentence
        self.taken = 0

    def __iter__(self) -> Iterator[str]:
        for _ in range(self.number):
            self.taken += 1
            yield self.sentence


@pytest.fixture
async def small_buffers(server: Serving) -> AsyncIterator[socket.socket]:
    """A socket that takes little on its way, so that a reader who stalls is noticed soon."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", server.port))
        yield sock


LONG_STORY = {**SETTINGS, "max_words": 5_000}
SENTENCE = f"A{'a' * 1_996}. "


async def test_the_model_waits_for_a_reader_that_stalls_and_nobody_else_does(
    server: Serving, engine: ScriptedEngine, small_buffers: socket.socket
) -> None:
    """Both stories have as many pieces, and each piece takes one turn of the event loop: had the
    model not waited for the first reader, it would be as far as it is with the second."""
    slow, quick = Sentences(2_450, SENTENCE), Sentences(2_450, "Aaa. ")
    async with server.talk(sock=small_buffers, max_queue=1) as stalled, server.talk() as other:
        engine.script = slow
        await stalled.say(**generate(settings=LONG_STORY))
        await stalled.hear_until("started")
        engine.script = quick
        await other.say(**generate("quick", settings=LONG_STORY))
        assert len(text_of(await other.hear_until("done"), "quick")) == 2_450 * 5 - 1
        ahead = slow.taken * len(SENTENCE)
        assert answer.MAX_AHEAD_CHARACTERS < ahead < 4_500_000 < 2_450 * len(SENTENCE)
        heard = await stalled.hear_until("done")
        assert text_of(heard) == (SENTENCE * 2_450).rstrip()
        assert heard[-1]["finish_reason"] == "stop"


async def test_a_stopped_story_loses_nothing_on_its_way_to_a_slow_reader(
    server: Serving, engine: ScriptedEngine, small_buffers: socket.socket
) -> None:
    """What the reader gets once it reads again is the beginning of the story, without a gap or a
    repetition, and then the one ``done``, however long it took."""
    story = Sentences(2_450, SENTENCE)
    engine.script = story
    async with server.talk(sock=small_buffers, max_queue=1) as stalled, server.talk() as other:
        await stalled.say(**generate(settings=LONG_STORY))
        await stalled.hear_until("started")
        engine.script = Sentences(2_450, "Aaa. ")
        await other.say(**generate("quick", settings=LONG_STORY))
        await other.hear_until("done")
        engine.ended.clear()
        await stalled.say(type="stop", id="g1")
        await asyncio.wait_for(engine.ended.wait(), GUARD)
        heard = await stalled.hear_until("done")
        assert heard[-1]["finish_reason"] == "cancelled"
        told = text_of(heard)
        assert (SENTENCE * story.taken).startswith(told)
        assert len(told) >= (story.taken - 2) * len(SENTENCE)


async def test_the_model_waits_no_more_for_a_stalled_reader_who_left(
    server: Serving, engine: ScriptedEngine, small_buffers: socket.socket
) -> None:
    engine.script = Sentences(2_450, SENTENCE)
    async with server.talk(sock=small_buffers, max_queue=1) as stalled:
        await stalled.say(**generate(settings=LONG_STORY))
        await stalled.hear_until("chunk")
        hang_up(stalled)
        await asyncio.wait_for(engine.ended.wait(), GUARD)
    async with server.talk() as other:
        await assert_still_writes(other, engine)


# --- Ollama goes away, and comes back -------------------------------------------------------------


async def test_a_story_goes_on_after_ollama_went_away_and_came_back(tmp_path: Path) -> None:
    gate = Gate()
    async with (
        FakeOllama() as fake,
        serving(data_dir=tmp_path, engine="ollama", ollama_host=fake.url) as server,
        server.talk() as talk,
        server.http() as http,
    ):
        fake.chat_script = Reply([word("Ada found a shell."), gate])
        await talk.say(**generate())
        heard = await talk.hear_until("chunk")
        await asyncio.wait_for(gate.reached.wait(), GUARD)
        await fake.stop()
        heard += await talk.hear_until("error")
        assert text_of(heard) == "Ada found a shell."
        assert heard[-1]["code"] == EngineUnavailableError.code
        assert "Ollama went away in the middle of the story" in heard[-1]["message"]

        health = (await http.get("/health")).json()
        assert (health["ready"], health["code"]) == (False, "engine_unavailable")
        await talk.say(**continue_("too soon", text=text_of(heard)))
        [refusal] = await talk.hear_until("error")
        assert (refusal["id"], refusal["code"]) == ("too soon", "engine_unavailable")

        await fake.start()
        assert (await http.get("/health")).json()["ready"] is True
        fake.chat_script = Reply([word(" It sang."), done()])
        await talk.say(**continue_(text=text_of(heard)))
        heard = await talk.hear_until("done")
        assert text_of(heard, "c1") == " It sang."
        asked = fake.asked("/api/chat")[-1].body["messages"]
        assert asked[-1] == {"role": "assistant", "content": "Ada found a shell."}
