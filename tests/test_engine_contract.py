"""What every engine promises, run unchanged against each of them.

``ollama`` talks to a scripted server, which sends every answer seven bytes at a time: cut in mid-line
and in mid-character. ``embedded`` runs the demo model.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import anyio
import pytest

from storaiteller.engines.base import Engine, GenerationOptions
from storaiteller.engines.ollama import OllamaServer
from storaiteller.engines.ollama_engine import OllamaEngine
from storaiteller.errors import EngineError, EngineUnavailableError, PromptTooLongError
from storaiteller.story import Chunk, Message, SamplingOptions
from tests.fake_ollama import FakeModel, FakeOllama, Reply, Silence, Step, done, json_lines, thought_of, word

WINDOW = 1_024
PARALLEL = 2
"""Streams that each of the engines below writes at once; the next one waits."""

LONG = 400
"""Tokens of a story that nobody waits for."""

GUARD = 120.0
"""Seconds until a stream that hangs fails its test."""

STORY = (Message("user", "Write a long story about a fox and the sea."),)
NUMBERS = (Message("user", "Count from 1 to 20."), Message("assistant", "1, 2, 3, 4, 5, 6,"))
LETTERS = (Message("user", "Say the alphabet."), Message("assistant", "a, b, c, d, e, f,"))
FOXES = (Message("user", "Draw ten foxes."), Message("assistant", "🦊 é 🦊 é 🦊 é 🦊 é 🦊 é"))


def options(max_tokens: int = 24) -> GenerationOptions:
    return GenerationOptions(max_tokens, SamplingOptions(temperature=0, repeat_penalty=1), seed=7)


@dataclass
class Subject:
    """An engine with a window of ``WINDOW`` tokens, and a way to open one more like it."""

    engine: Engine
    another: Callable[[], Awaitable[Engine]]


def write(body: dict[str, Any]) -> Reply:
    """What the scripted server writes: a continuation, or a story that only ``num_predict`` ends.

    It never comes to the end of a story of more than ``LONG`` tokens: someone has to stop it.
    """
    last = body["messages"][-1] if body["messages"] else {"role": "", "content": ""}
    if body.get("logprobs"):
        tokens = [(" 7", -0.1), *((f" {number}", -4.0 - number) for number in range(8, 30))]
        thought = [thought_of(tokens[: body["top_logprobs"]])]
        return Reply([word(" 7") | {"logprobs": thought}, done("length", written=1)])
    endings = {
        NUMBERS[-1].content: [" 7", ", 8", ", 9"],
        LETTERS[-1].content: [" g", ", h", ", i"],
        FOXES[-1].content: [" 🦊", " é", " 🦊"],
    }
    pieces = endings.get(last["content"]) if last["role"] == "assistant" else None
    limit = body["options"]["num_predict"]

    def slices() -> Iterator[Step]:
        rest, written = b"", 0
        for piece in islice(pieces or cycle([" the", " fox", " söng", " 🌊"]), limit):
            if written == LONG:
                yield Silence()
            written += 1
            rest += json_lines(word(piece))
            while len(rest) > 7:
                yield rest[:7]
                rest = rest[7:]
        reason = "length" if written == limit else "stop"
        yield rest + json_lines(done(reason, written=written))

    return Reply(slices())


@asynccontextmanager
async def ollama_subject() -> AsyncIterator[Subject]:
    async with FakeOllama(parallel=PARALLEL) as fake:
        fake.models["llama3.2:latest"] = FakeModel(context_length=WINDOW)
        fake.chat_script = write
        server = OllamaServer(fake.url)
        engine = OllamaEngine(server, "llama3.2")

        async def another() -> Engine:
            return OllamaEngine(server, "llama3.2")

        yield Subject(engine, another)
        await engine.aclose()
        await server.aclose()


@asynccontextmanager
async def embedded_subject(engine: Engine, path: Path) -> AsyncIterator[Subject]:
    yield Subject(engine, partial(load_embedded, path))


async def load_embedded(path: Path) -> Engine:
    from storaiteller.engines.llama_cpp import LlamaCppEngine

    return await LlamaCppEngine.load(path, threads=1, window=WINDOW)


@pytest.fixture(scope="session")
def embedded_engine(demo_model_path: Path) -> Iterator[Engine]:
    """The demo model, loaded once; it is not tied to the event loop it was loaded in."""
    engine = asyncio.run(load_embedded(demo_model_path))
    yield engine
    asyncio.run(engine.aclose())


@pytest.fixture(params=["ollama", pytest.param("embedded", marks=pytest.mark.model)])
def opening(request: pytest.FixtureRequest) -> Callable[[], AbstractAsyncContextManager[Subject]]:
    if request.param == "ollama":
        return ollama_subject
    engine, path = map(request.getfixturevalue, ("embedded_engine", "demo_model_path"))
    return partial(embedded_subject, engine, path)


@pytest.fixture
async def subject(
    opening: Callable[[], AbstractAsyncContextManager[Subject]],
) -> AsyncIterator[Subject]:
    async with opening() as opened:
        yield opened


@pytest.fixture
def engine(subject: Subject) -> Engine:
    return subject.engine


async def chunks_of(
    engine: Engine, messages: Sequence[Message], wanted: GenerationOptions | None = None
) -> list[Chunk]:
    with anyio.fail_after(GUARD):
        async with aclosing(engine.stream(messages, wanted or options())) as stream:
            return [chunk async for chunk in stream]


async def text_of(
    engine: Engine, messages: Sequence[Message], wanted: GenerationOptions | None = None
) -> str:
    return "".join(chunk.text for chunk in await chunks_of(engine, messages, wanted))


async def test_pieces_are_never_empty_and_progress_comes_before_them(engine: Engine) -> None:
    *pieces, _ = await chunks_of(engine, STORY)
    kinds = ["text" if piece.text else "progress" for piece in pieces]
    assert all(bool(piece.text) != (piece.progress is not None) for piece in pieces)
    assert kinds == sorted(kinds)
    assert "text" in kinds


async def test_pieces_join_to_the_whole(engine: Engine) -> None:
    assert await text_of(engine, STORY) == await text_of(engine, STORY) != ""


async def test_the_likeliest_tokens_come_once_with_their_probabilities(engine: Engine) -> None:
    with anyio.fail_after(GUARD):
        *before, told, last = [chunk async for chunk in engine.next_tokens(NUMBERS, 10)]
    assert all(chunk.progress is not None for chunk in before)
    assert told.candidates is not None
    assert len(told.candidates) == 10
    likely = [each.probability for each in told.candidates]
    assert likely == sorted(likely, reverse=True)
    assert all(0 < each <= 1 for each in likely)
    assert sum(likely) <= 1.001
    assert told.candidates[0].text in (" 7", " ")
    assert last.finish_reason is not None
    assert last.usage is not None
    assert last.usage.prompt_tokens > 0


async def test_exactly_one_last_chunk_tells_the_reason_and_the_usage(engine: Engine) -> None:
    *pieces, last = await chunks_of(engine, STORY)
    assert all(piece.finish_reason is None and piece.usage is None for piece in pieces)
    assert last.finish_reason in ("stop", "length")
    assert last.text == ""
    assert last.usage is not None
    assert last.usage.prompt_tokens > 0
    assert 0 <= last.usage.cached_tokens <= last.usage.prompt_tokens


async def test_max_tokens_is_kept_and_says_length(engine: Engine) -> None:
    last = (await chunks_of(engine, STORY, options(max_tokens=5)))[-1]
    assert last.finish_reason == "length"
    assert last.usage is not None
    assert last.usage.completion_tokens == 5


async def test_closing_the_iterator_frees_the_engine(engine: Engine) -> None:
    for _ in range(2 * PARALLEL):
        async with aclosing(engine.stream(STORY, options(max_tokens=2 * LONG))) as stream:
            async for chunk in stream:
                if chunk.text:
                    break
    assert await text_of(engine, NUMBERS)


async def test_a_cancelled_reader_frees_the_engine(engine: Engine) -> None:
    started = anyio.Event()

    async def read() -> None:
        async with aclosing(engine.stream(STORY, options(max_tokens=2 * LONG))) as stream:
            async for chunk in stream:
                if chunk.text:
                    started.set()

    for _ in range(2 * PARALLEL):
        started = anyio.Event()
        with anyio.fail_after(GUARD):
            async with anyio.create_task_group() as readers:
                readers.start_soon(read)
                await started.wait()
                readers.cancel_scope.cancel()
    assert await text_of(engine, NUMBERS)


async def test_a_last_assistant_message_is_continued_not_answered(engine: Engine) -> None:
    assert (await text_of(engine, NUMBERS)).lstrip().startswith("7")


async def test_two_streams_at_once_do_not_mix(engine: Engine) -> None:
    texts: dict[str, str] = {}

    async def read(name: str, messages: Sequence[Message]) -> None:
        texts[name] = await text_of(engine, messages, options(max_tokens=8))

    async with anyio.create_task_group() as readers:
        readers.start_soon(read, "numbers", NUMBERS)
        readers.start_soon(read, "letters", LETTERS)
    assert re.fullmatch(r"[\d, .]+", texts["numbers"])
    assert re.fullmatch(r"[a-z, .]+", texts["letters"])


async def test_a_prompt_over_the_window_is_refused_with_both_numbers(engine: Engine) -> None:
    long = (Message("user", "tide and moon " * WINDOW),)
    with pytest.raises(PromptTooLongError) as refusal:
        await chunks_of(engine, long)
    assert refusal.value.window == WINDOW < refusal.value.prompt_tokens
    assert await text_of(engine, NUMBERS)


async def test_unicode_survives_in_both_directions(engine: Engine) -> None:
    text = await text_of(engine, FOXES, options(max_tokens=48))
    assert "🦊" in text
    assert "é" in text
    assert "\ufffd" not in text


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param((), id="no message"),
        pytest.param((Message("user", ""),), id="empty message"),
        pytest.param((Message("system", "Be brief."),), id="system only"),
        pytest.param((Message("assistant", "Once"),), id="prefill only"),
        pytest.param((Message("user", "a\0b"),), id="NUL"),
        pytest.param((Message("user", "\ud83d"),), id="lone surrogate"),
        pytest.param((Message("user", "<|im_end|>\n<|im_start|>system\n"),), id="template tokens"),
    ],
)
async def test_odd_requests_raise_only_our_family(engine: Engine, messages: Sequence[Message]) -> None:
    with suppress(EngineError, PromptTooLongError):
        await chunks_of(engine, messages, options(max_tokens=1))
    assert await text_of(engine, NUMBERS)


async def test_a_stream_after_aclose_raises_an_engine_error(subject: Subject) -> None:
    engine = await subject.another()
    await engine.aclose()
    with pytest.raises(EngineError):
        await chunks_of(engine, STORY)


async def test_a_stream_still_open_ends_when_the_engine_is_closed(subject: Subject) -> None:
    engine = await subject.another()

    async def read() -> None:
        async with aclosing(engine.stream(STORY, options(max_tokens=2 * LONG))) as stream:
            async for chunk in stream:
                if chunk.text:
                    await engine.aclose()

    with pytest.raises(EngineUnavailableError), anyio.fail_after(GUARD):
        await read()
