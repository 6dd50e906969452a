"""What becomes of requests whose page has gone: they go on, are remembered, and end in the library."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from storaiteller.api import generation as one_generation
from storaiteller.api import generations
from storaiteller.api.finishing import FinishedStory, finish_story
from storaiteller.api.generation import Generation
from storaiteller.api.generations import Generations, TooManyRequestsError, UnknownRequestError
from storaiteller.api.news import News
from storaiteller.api.protocol import ProgressReport, WriteRequest, client_message
from storaiteller.api.told import Told
from storaiteller.engines.pool import EnginePool
from storaiteller.library.errors import ConflictError, LibraryFullError
from storaiteller.library.library import Library
from storaiteller.library.values import Origins
from tests.fakes import ScriptedEngine, ScriptedModels
from tests.serving import GUARD

STORY = "0" * 31 + "1"
SETTINGS: dict[str, Any] = {"genre": "Fantasy", "register": "Playful", "max_words": 120}
WHOLE = "Once upon a time."


def asked(kind: str = "generate", request_id: str = "g1", **more: Any) -> WriteRequest:
    message = client_message.validate_python(
        {"type": kind, "id": request_id, "settings": SETTINGS, **more}, strict=False
    )
    assert isinstance(message, WriteRequest)
    return message


def continue_(text: str = "Ada ran. ", **more: Any) -> WriteRequest:
    return asked("continue", text=text, **more)


def rewrite(**more: Any) -> WriteRequest:
    return asked("rewrite", before="", selected="She fell.", after="", **more)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(f"sqlite:///{tmp_path}/library.db")
    yield library
    library.close()


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
async def room(engine: ScriptedEngine, library: Library) -> AsyncIterator[Generations]:
    pool = EnginePool()
    room = Generations(ScriptedModels(engine), pool, library, News())
    yield room
    await room.aclose()
    await pool.aclose()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generations, "FINISHING_SECONDS", 0.0)


async def settled(generation: Generation) -> Generation:
    await asyncio.wait_for(generation.settled.wait(), GUARD)
    return generation


async def heard(generation: Generation, seq: int = 0) -> list[BaseModel]:
    messages: list[BaseModel] = []

    async def send(message: BaseModel) -> None:
        messages.append(message)

    with generation.heard():
        await asyncio.wait_for(generation.told.read(seq, send), GUARD)
    return messages


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(GUARD):
        while not condition():  # noqa: ASYNC110 (every turn of the loop is looked at)
            await asyncio.sleep(0)


def kept(library: Library) -> tuple[str, list[str]]:
    """The story, and the reasons of its versions, newest first."""
    return library.get(STORY).text, [version.reason for version in library.versions(STORY)]


# --- in the library -------------------------------------------------------------------------------


async def test_a_story_that_nobody_hears_is_made_in_the_library(room: Generations, library: Library) -> None:
    await settled(room.begin(asked(story=STORY)))
    assert kept(library) == (WHOLE, ["generation"])
    story = library.get(STORY)
    assert (story.settings or {})["max_words"] == 120
    assert story.model == "embedded/scripted"


@pytest.mark.parametrize("stored", ["Ada ran. ", "Ada ran. Once up", "Ada ran. Once upon a time."])
async def test_a_story_that_was_continued_is_finished_from_wherever_it_was_saved(
    room: Generations, library: Library, engine: ScriptedEngine, stored: str
) -> None:
    library.create(id=STORY, text=stored, title="Ada")
    await settled(room.begin(continue_(story=STORY)))
    assert kept(library) == ("Ada ran. Once upon a time.", ["generation"])
    assert library.get(STORY).title == "Ada"


@pytest.mark.parametrize("stored", ["Ada ran", "Ada ran. Once more", "Bo ran. Once ", "", "Once upon"])
async def test_words_of_the_writers_own_are_left_alone(
    room: Generations, library: Library, stored: str
) -> None:
    library.create(id=STORY, text=stored)
    await settled(room.begin(continue_(story=STORY)))
    assert kept(library) == (stored, ["generation"])
    assert library.version(STORY, 1).text == "Ada ran. Once upon a time.", "nothing of either is lost"


@pytest.mark.parametrize("left", ["Ada ran. Once", "Ada ran. "])
async def test_words_that_the_writer_took_away_after_the_end_stay_away(
    room: Generations, library: Library, left: str
) -> None:
    """The page keeps a version of the whole; it was reloaded just after the last words were deleted, and
    the server took what was left for a story that had not come to its end."""
    library.create(id=STORY, text=f"Ada ran. {WHOLE}", reason="generation")
    library.save(STORY, 1, text=left)
    await settled(room.begin(continue_(story=STORY)))
    assert kept(library) == (left, ["generation"])


async def test_a_story_that_was_thrown_away_stays_in_the_trash(room: Generations, library: Library) -> None:
    library.create(id=STORY, text="Once")
    library.trash(STORY)
    await settled(room.begin(asked(story=STORY)))
    assert kept(library) == ("Once", ["generation"])
    assert library.get(STORY).trashed_at
    assert library.version(STORY, 1).text == WHOLE, "whoever takes it out again finds the rest"


async def test_a_story_that_failed_halfway_is_kept_as_far_as_it_came(
    room: Generations, library: Library, engine: ScriptedEngine
) -> None:
    engine.script = ("Once upon", KeyError("gone"))
    await settled(room.begin(asked(story=STORY)))
    assert kept(library) == ("Once upon", ["generation"])


async def test_a_story_without_a_word_is_none(
    room: Generations, library: Library, engine: ScriptedEngine
) -> None:
    engine.script = ()
    generation = room.begin(asked(story=STORY))
    with generation.heard():
        await settled(generation)  # nothing is to be kept by anybody
    assert library.page().total == 0


async def test_whoever_keeps_a_story_saves_it_however_far_it_came(
    room: Generations, library: Library, engine: ScriptedEngine
) -> None:
    generation = room.begin(asked(story=STORY))
    with generation.heard():
        await until(lambda: generation.told.is_over)
        generation.attention.keep()
        await settled(generation)
    engine.script = ("Once upon", asyncio.Event())
    stopped = room.begin(asked(request_id="g2", story=STORY))
    await until(lambda: stopped.told.text)
    stopped.end()
    stopped.attention.keep()
    await settled(stopped)
    assert library.page().total == 0


async def test_a_story_that_was_stopped_by_a_page_that_left_is_kept_as_far_as_it_came(
    room: Generations, library: Library, engine: ScriptedEngine
) -> None:
    engine.script = ("Once upon", asyncio.Event())
    generation = room.begin(asked(story=STORY))
    with generation.heard():
        await until(lambda: generation.told.text)
        generation.end()
    await settled(generation)
    assert kept(library) == ("Once upon", ["generation"])


async def test_a_story_that_a_sleeping_page_heard_is_finished_when_its_line_goes(
    room: Generations, library: Library
) -> None:
    """Its line stays open until a ping finds it dead: it counted as a page that would save the story."""
    library.create(id=STORY, text="Once")
    request = asked(story=STORY)
    asked_once = weakref.ref(request)
    generation = room.begin(request)
    del request
    with generation.heard():
        await until(lambda: generation.told.is_over)
        await asyncio.sleep(0.01)
        assert kept(library) == ("Once", [])
        assert room.under_way() == [generation]
        gc.collect()
        assert asked_once() is None, "the request may be megabytes"
    await settled(generation)
    assert kept(library) == (WHOLE, ["generation"])
    assert room.under_way() == []


@pytest.mark.parametrize("bound", ["SLEEPING_SECONDS", "MAX_SLEEPING"])
async def test_a_sleeping_page_is_waited_for_so_long_and_for_so_many_only(
    room: Generations, library: Library, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(generations, bound, 0.01 if bound == "SLEEPING_SECONDS" else 1)
    generation = room.begin(asked(story=STORY))
    with generation.heard():
        await until(lambda: generation.told.is_over)
        if bound == "MAX_SLEEPING":
            next_one = room.begin(asked(request_id="g2", story="0" * 31 + "2"))
            with next_one.heard():
                await settled(generation)
        await settled(generation)
    assert kept(library) == (WHOLE, ["generation"])


@pytest.mark.parametrize("text", ["", "Once", "Chapter 1. Once upon a time.", None])
async def test_a_page_that_is_awake_is_never_overruled(
    room: Generations, library: Library, text: str | None
) -> None:
    """It said that it keeps the story, and undid, edited or deleted it before the first save."""
    library.create(id=STORY, text="")
    generation = room.begin(asked(story=STORY))
    with generation.heard():
        await until(lambda: generation.told.is_over)
        generation.attention.keep()
        if text is None:
            library.trash(STORY)
        elif text:
            library.save(STORY, 1, text=text)
    await settled(generation)
    assert kept(library) == (text or "", [])


async def test_stories_under_way_are_known_until_the_library_has_them(
    room: Generations, engine: ScriptedEngine, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.script = ("Once upon", asyncio.Event())
    room.begin(rewrite(request_id="r1"))
    room.begin(asked(request_id="g0"))
    first, second = (room.begin(asked(request_id=f"g{n}", story=STORY[:-1] + str(n))) for n in (1, 2))
    assert room.under_way() == [first, second]
    assert room.under_way(STORY) == [first]
    await until(lambda: first.told.text and second.told.text)
    monkeypatch.setattr(generations, "FINISHING_SECONDS", GUARD)
    assert await asyncio.wait_for(room.stop(STORY), GUARD), "nobody is waited for who does not listen"
    assert room.under_way() == [second]
    assert kept(library) == ("Once upon", ["generation"])
    assert await room.stop(STORY), "one that is over is no error"


async def test_a_story_that_is_stopped_from_elsewhere_is_left_to_the_page_that_hears_it(
    room: Generations, engine: ScriptedEngine, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "FINISHING_SECONDS", GUARD)
    engine.script = ("Once upon", asyncio.Event())
    generation = room.begin(asked(story=STORY))
    with generation.heard():
        await until(lambda: generation.told.text)
        stopping = asyncio.create_task(room.stop(STORY))
        await until(lambda: generation.told.is_over)
        generation.attention.keep()
        assert await asyncio.wait_for(stopping, GUARD)
    assert library.page().total == 0


async def test_a_story_that_does_not_end_in_time_is_waited_for_no_longer(
    room: Generations, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "STOPPING_SECONDS", 0.01)
    monkeypatch.setattr(generations, "FINISHING_SECONDS", GUARD)
    generation = room.begin(asked(story=STORY))
    with generation.heard():
        await until(lambda: generation.told.text)
        assert not await room.stop(STORY)
    await settled(generation)


async def test_a_page_that_goes_just_after_the_end_leaves_it_to_us(
    room: Generations, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "FINISHING_SECONDS", 0.2)
    generation = room.begin(asked(story=STORY))
    await heard(generation)
    assert not generation.settled.is_set()
    await settled(generation)
    assert kept(library)[0] == WHOLE


def test_a_save_in_between_is_looked_at_again(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    story = FinishedStory(id=STORY, before="", generated=WHOLE, settings=SETTINGS, model="m")
    library.create(id=STORY, text="Once")
    save, texts = library.save, ["Once up", "Once upon"]

    def interrupted(*args: Any, **values: Any) -> Any:
        if texts:
            save(STORY, library.get(STORY).revision, text=texts.pop(0))
        return save(*args, **values)

    monkeypatch.setattr(library, "save", interrupted)
    assert finish_story(library, story)
    assert kept(library) == (WHOLE, ["generation"])
    texts += [f"{WHOLE} {more}" for more in ("H", "He", "Her")]
    with pytest.raises(ConflictError):
        finish_story(library, replace(story, generated=f"{WHOLE} Her name was Ada."))


def fill(library: Library, monkeypatch: pytest.MonkeyPatch, *, times: int | None = None) -> list[int]:
    """Let no story in so many times, or ever; what is returned counts the tries."""
    create, tries = library.create, [0]

    def full(*args: Any, **values: Any) -> Any:
        tries[0] += 1
        if times is None or tries[0] <= times:
            raise LibraryFullError("The disk is full.")
        return create(*args, **values)

    monkeypatch.setattr(library, "create", full)
    return tries


async def test_a_library_that_fails_costs_no_word(
    room: Generations, library: Library, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(generations, "RETRY_SECONDS", (0.0, 0.0))
    tries = fill(library, monkeypatch)
    generation = await settled(room.begin(asked(story=STORY)))
    assert tries == [3]
    assert "The disk is full." in caplog.text
    assert room.find("g1") is generation
    assert generation.told.text == WHOLE


async def test_a_library_that_is_locked_for_a_while_has_the_story_afterwards(
    room: Generations, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was tried once, and what nobody heard was lost when it was forgotten."""
    monkeypatch.setattr(generations, "RETRY_SECONDS", (0.0, GUARD))
    tries = fill(library, monkeypatch, times=2)
    generation = room.begin(asked(story=STORY))
    await until(lambda: tries == [2])
    assert room.under_way(STORY) == [generation], "whoever opens the story can take it up"
    assert await asyncio.wait_for(room.stop(STORY), GUARD), "who asks for it has it tried at once"
    assert kept(library) == (WHOLE, ["generation"])


async def test_a_story_that_the_library_has_no_room_for_is_left_to_a_page_that_keeps_it(
    room: Generations, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "RETRY_SECONDS", (GUARD,))
    tries = fill(library, monkeypatch)
    generation = room.begin(asked(story=STORY))
    await until(lambda: tries == [1])
    room.find("g1").attention.keep()
    await settled(generation)
    assert tries == [1]


async def test_the_end_of_the_app_does_not_wait_for_a_library_without_room(
    engine: ScriptedEngine, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "RETRY_SECONDS", (GUARD, GUARD))
    room = Generations(ScriptedModels(engine), EnginePool(), library, News())
    tries = fill(library, monkeypatch)
    room.begin(asked(story=STORY))
    await until(lambda: tries == [1])
    await asyncio.wait_for(room.aclose(), GUARD / 2)


async def test_an_id_that_is_used_again_costs_the_first_story_nothing(
    engine: ScriptedEngine, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knew of the first any more, and the end of the app waited ten minutes for its page."""
    room = Generations(ScriptedModels(engine), EnginePool(), library, News())
    first = room.begin(asked(story=STORY))
    with first.heard():
        await until(lambda: first.told.is_over)
        second = room.begin(asked(story=STORY[:-1] + "2"))
        assert room.under_way() == [first, second]
        await asyncio.wait_for(room.aclose(), GUARD / 2)
    assert kept(library) == (WHOLE, ["generation"])


async def test_a_story_that_waits_for_its_page_is_known_however_many_ended_since(
    room: Generations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "MAX_ENDED", 0)
    generation = room.begin(asked(story=STORY))
    with generation.heard():
        await until(lambda: generation.told.is_over)
        assert room.find("g1") is generation
    await settled(generation)
    with pytest.raises(UnknownRequestError):
        room.find("g1")


async def test_the_end_of_the_app_keeps_stories_as_far_as_they_came(
    engine: ScriptedEngine, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "FINISHING_SECONDS", GUARD)
    room = Generations(ScriptedModels(engine), EnginePool(), library, News())
    engine.script = ("Once upon", asyncio.Event())
    generation = room.begin(asked(story=STORY))
    await until(lambda: generation.told.text)
    await asyncio.wait_for(room.aclose(), GUARD)
    assert engine.streaming == 0
    assert kept(library) == ("Once upon", ["generation"])


# --- without listeners ----------------------------------------------------------------------------


async def test_a_rewriting_waits_for_a_page_that_comes_back_in_time_only(
    room: Generations, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.script = (asyncio.Event(),)
    generation = room.begin(rewrite())
    with generation.heard():
        await until(lambda: engine.streaming)
    with generation.heard():  # within the half minute
        monkeypatch.setattr(one_generation, "ABANDONED_SECONDS", 0.0)
        await asyncio.sleep(0.01)
        assert not generation.told.is_over
    await settled(generation)
    assert engine.streaming == 0


async def test_a_story_waits_for_nobody(
    room: Generations, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_generation, "ABANDONED_SECONDS", 0.0)
    engine.script = ["A" * 1_998 + ". "] * 100
    generation = room.begin(asked())
    with generation.heard():
        pass
    await settled(generation)
    assert len(generation.told.text) == 199_999


# --- what is remembered ---------------------------------------------------------------------------


async def test_as_many_run_at_once_as_may(
    room: Generations, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "MAX_RUNNING_IN_ALL", 2)
    engine.script = (asyncio.Event(),)
    running = [room.begin(asked(request_id=f"g{number}")) for number in range(2)]
    with pytest.raises(TooManyRequestsError):
        room.begin(asked(request_id="g2"))
    running[0].end()
    await settled(running[0])
    room.begin(asked(request_id="g2"))


@pytest.mark.parametrize(
    ("bound", "value"), [("MAX_ENDED", 2), ("MAX_ENDED_BYTES", 2 * (len(WHOLE) + 3 * 64) + 63)]
)
async def test_the_oldest_are_forgotten_first(
    room: Generations, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    engine.script = (WHOLE,)
    monkeypatch.setattr(generations, bound, value)
    for number in range(4):
        await settled(room.begin(asked(request_id=f"g{number}")))
    for number in range(2):
        with pytest.raises(UnknownRequestError):
            room.find(f"g{number}")
    assert [room.find(f"g{number}").told.text for number in (2, 3)] == [WHOLE, WHOLE]


async def test_of_what_ended_only_what_was_told_is_kept(room: Generations) -> None:
    request = continue_()
    asked_once = weakref.ref(request)
    generation = await settled(room.begin(request))
    del request
    gc.collect()
    assert asked_once() is None, "a hundred stories of a megabyte each would be many"
    assert room.find("g1").told.text == generation.told.text == WHOLE


async def test_what_ended_long_ago_is_forgotten_and_what_runs_is_not(
    room: Generations, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await settled(room.begin(asked()))
    engine.script = (asyncio.Event(),)
    running = room.begin(asked(request_id="g2"))
    monkeypatch.setattr(generations, "ENDED_SECONDS", 0.0)
    with pytest.raises(UnknownRequestError):
        room.find("g1")
    assert room.find("g2") is running


# --- told again -----------------------------------------------------------------------------------


def has_words(generation: Generation, number: int) -> bool:
    return generation.told.text.count("word") >= number


async def test_readers_hear_everything_once_and_in_order_whenever_they_come(
    room: Generations, engine: ScriptedEngine
) -> None:
    gates = [asyncio.Event() for _ in range(4)]
    engine.script = [step for gate in gates for step in (gate, "word ")]
    generation = room.begin(asked())
    readers = [asyncio.create_task(heard(generation))]
    for number, gate in enumerate(gates):
        gate.set()
        await until(partial(has_words, generation, number + 1))
        readers.append(asyncio.create_task(heard(generation, number)))
    whole = await readers[0]
    chunks = [each for each in whole if each.model_dump()["type"] == "chunk"]
    for number, reader in enumerate(readers[1:]):
        messages = await reader
        assert [messages[0], messages[-1]] == [whole[0], whole[-1]]
        assert messages[1:-1] == chunks[number:]


async def test_progress_is_told_where_it_belongs_or_not_at_all() -> None:
    told = Told("g1")
    reports = [ProgressReport(id="g1", stage="loading", done=done, total=9) for done in range(3)]
    told.tell(reports[0])
    told.tell(reports[1])
    messages: list[BaseModel] = []

    async def send(message: BaseModel) -> None:
        messages.append(message)

    reading = asyncio.create_task(told.read(0, send))
    await until(lambda: messages == [reports[1]])
    told.tell(reports[2])
    told.tell_text("Once")
    await until(lambda: len(messages) > 2)
    assert messages[1] == reports[2], "what is told before the first word is heard before it"
    late = asyncio.create_task(told.read(0, send))
    await until(lambda: len(messages) > 3)
    assert messages[2] == messages[3], "and whoever comes later hears the word alone"
    reading.cancel()
    late.cancel()


@pytest.mark.parametrize(
    ("stored", "finished"),
    [
        (((9, "writer"),), ((9, "writer"), (17, "model"))),
        (((4, "writer"), (5, "model")), ((4, "writer"), (22, "model"))),
        (None, None),
    ],
)
def test_what_is_finished_is_the_models_and_the_rest_whose_it_was(
    library: Library, stored: Origins | None, finished: Origins | None
) -> None:
    library.create(id=STORY, text="Ada ran. ", origins=stored)
    story = FinishedStory(id=STORY, before="Ada ran. ", generated="Once upon a time.", settings={}, model="m")
    finish_story(library, story)
    assert library.get(STORY).origins == finished
