"""What is special about the embedded engine, beside ``test_engine_contract.py``."""

from __future__ import annotations

import asyncio
import ctypes
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path

import anyio
import httpx
import psutil
import pytest

from storaiteller import demo_model
from storaiteller.engines.base import GenerationOptions
from storaiteller.engines.llama_cpp import LlamaCppEngine
from storaiteller.engines.llama_native import BATCH_TOKENS, SLOTS, default_threads
from storaiteller.engines.llama_probe import LlamaProbe
from storaiteller.errors import ModelMissingError, ModelUnusableError, PromptTooLongError
from storaiteller.reader import words_after
from storaiteller.story import Chunk, Message, StorySettings
from tests.serving import GUARD

WINDOW = 1_024
STORY = (Message("user", "Write a story about a fox and the sea."),)
LONG_PROMPT = (Message("user", "Listen: " + "A crow sat on the mast and sang. " * 50),)


@pytest.fixture(scope="module")
async def engine(demo_model_path: Path) -> AsyncIterator[LlamaCppEngine]:
    engine = await LlamaCppEngine.load(demo_model_path, threads=1, window=WINDOW)
    yield engine
    await engine.aclose()


async def told(
    engine: LlamaCppEngine,
    messages: Sequence[Message] = STORY,
    *,
    max_tokens: int = 12,
    seed: int | None = None,
) -> tuple[str, Chunk]:
    """The text and the last chunk of a story."""
    text, last = "", Chunk()
    with anyio.fail_after(GUARD):
        async with aclosing(engine.stream(messages, GenerationOptions(max_tokens, seed=seed))) as stream:
            async for chunk in stream:
                text, last = text + chunk.text, chunk
    return text, last


# --- the same seed --------------------------------------------------------------------------------


@pytest.mark.model
async def test_the_same_seed_writes_the_same_text_whoever_else_is_writing(engine: LlamaCppEngine) -> None:
    alone, _ = await told(engine, seed=7)
    again, _ = await told(engine, seed=7)
    writing = asyncio.Event()

    async def write_beside() -> None:
        async with aclosing(engine.stream(STORY, GenerationOptions(900))) as stream:
            async for chunk in stream:
                if chunk.text:
                    writing.set()

    beside = asyncio.create_task(write_beside())
    await asyncio.wait_for(writing.wait(), GUARD)
    in_company, _ = await told(engine, seed=7)
    assert not beside.done()
    beside.cancel()
    await asyncio.wait([beside])
    assert alone == again == in_company != ""


@pytest.mark.model
async def test_with_a_seed_nothing_is_reused_and_without_one_all_that_can_be(engine: LlamaCppEngine) -> None:
    """What was read in other batches rounds otherwise, and may tip a word."""
    cached = []
    for seed in (None, None, 7):
        _, last = await told(engine, max_tokens=1, seed=seed)
        assert last.usage is not None
        cached.append(last.usage.cached_tokens)
    assert cached[1] > 0
    assert cached[2] == 0


@pytest.mark.model
async def test_a_prompt_of_tokens_is_answered_as_the_messages_that_it_was_rendered_from(
    engine: LlamaCppEngine, demo_model_path: Path
) -> None:
    with LlamaProbe(demo_model_path, window=512) as probe:
        tokens = probe.tokens(probe.render(STORY), prompt=True)
    options = GenerationOptions(24, seed=7)
    asked = [chunk async for chunk in engine.stream(STORY, options)]
    given = [chunk async for chunk in engine.complete(tokens, options)]
    assert "".join(chunk.text for chunk in given) == "".join(chunk.text for chunk in asked) != ""
    assert (given[-1].finish_reason, given[-1].usage) == (asked[-1].finish_reason, asked[-1].usage)
    assert any(chunk.progress is not None for chunk in given)


async def test_another_seed_writes_another_text(engine: LlamaCppEngine) -> None:
    assert (await told(engine, seed=7))[0] != (await told(engine, seed=8))[0]


# --- the words it thought of ----------------------------------------------------------------------


@pytest.mark.model
async def test_the_likeliest_words_are_whole_and_come_in_order(
    engine: LlamaCppEngine, settings: StorySettings
) -> None:
    found = [chunk async for chunk in words_after(engine, settings, "Ada lived in a house. Once upon a ")]
    [words] = [chunk.candidates for chunk in found if chunk.candidates is not None]
    assert words[0].text == "time"
    assert words[0].probability > 0.5
    assert len({word.text for word in words}) == len(words) <= 10
    assert all(word.text == word.text.strip() != "" for word in words)


@pytest.mark.model
async def test_where_the_likeliest_token_is_a_part_of_a_letter_the_others_are_told_all_the_same(
    engine: LlamaCppEngine,
) -> None:
    foxes = (Message("user", "Draw foxes."), Message("assistant", "🦊🦊🦊🦊🦊🦊🦊🦊"))
    told = [chunk async for chunk in engine.next_tokens(foxes, 20)]
    [tokens] = [chunk.candidates for chunk in told if chunk.candidates is not None]
    assert "\ufffd" in tokens[0].text
    assert len(tokens) == 20


# --- stopping -------------------------------------------------------------------------------------


@pytest.mark.model
async def test_stopping_while_the_prompt_is_read_stops_the_reading(engine: LlamaCppEngine) -> None:
    """How far the reading went shows in what the next request for the same prompt finds read."""
    async with aclosing(engine.stream(LONG_PROMPT, GenerationOptions(8))) as stream:
        first = await anext(stream)
    assert first.progress is not None
    assert first.progress.total > 3 * BATCH_TOKENS
    _, after_stop = await told(engine, LONG_PROMPT, max_tokens=1)
    _, after_that = await told(engine, LONG_PROMPT, max_tokens=1)
    assert after_stop.usage is not None
    assert after_that.usage is not None
    assert after_stop.usage.cached_tokens < first.progress.total - BATCH_TOKENS
    assert after_that.usage.cached_tokens > first.progress.total - BATCH_TOKENS


@pytest.mark.model
async def test_every_slot_is_free_again_after_a_stop(engine: LlamaCppEngine) -> None:
    """All are taken by stories that nobody would wait for; the next one waits for none of them."""
    async with asyncio.timeout(GUARD):
        for _ in range(SLOTS):
            async with aclosing(engine.stream(STORY, GenerationOptions(100_000))) as stream:
                while not (await anext(stream)).text:
                    pass
    text, last = await told(engine, max_tokens=4)
    assert (bool(text), last.finish_reason) == (True, "length")


@pytest.mark.model
async def test_more_stories_than_slots_wait_their_turn(engine: LlamaCppEngine) -> None:
    stories = await asyncio.gather(*(told(engine, max_tokens=6) for _ in range(SLOTS + 1)))
    assert all(text and last.finish_reason for text, last in stories)


@pytest.mark.model
async def test_a_prompt_over_the_window_is_refused_with_both_numbers(engine: LlamaCppEngine) -> None:
    with pytest.raises(PromptTooLongError) as refusal:
        await told(engine, (Message("user", "moon " * 3_000),))
    assert refusal.value.window == WINDOW
    assert 3_000 <= refusal.value.prompt_tokens < 3_100
    assert f"{refusal.value.prompt_tokens:,} tokens" in refusal.value.message
    assert "1,024" in refusal.value.message


# --- files that are no models ---------------------------------------------------------------------


def shortened(whole: Path, folder: Path, kept: int) -> Path:
    cut = folder / "cut.gguf"
    cut.write_bytes(whole.read_bytes()[:kept])
    return cut


async def refused(path: Path) -> str:
    with pytest.raises(ModelUnusableError) as refusal:
        await LlamaCppEngine.load(path, threads=1, window=512)
    assert path.name in refusal.value.message
    return refusal.value.message


@pytest.mark.model
@pytest.mark.parametrize("kept", [1_000, -1_000])
async def test_a_model_that_is_cut_short_is_refused_and_the_next_one_loads(
    demo_model_path: Path, tmp_path: Path, kept: int
) -> None:
    assert "damaged or cut short" in await refused(shortened(demo_model_path, tmp_path, kept))
    engine = await LlamaCppEngine.load(demo_model_path, threads=1, window=512)
    assert (await told(engine, max_tokens=1))[1].finish_reason == "length"
    await engine.aclose()


@pytest.mark.parametrize(
    "content",
    [b"GGUF", b"GGUF" + bytes(5_000), b"GGUF" + bytes(range(256)) * 20, b"GGUF\x03\0\0\0" + b"\xff" * 64],
    ids=["magic only", "zeros", "garbage", "huge counts"],
)
async def test_what_only_begins_like_a_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fox.gguf"
    path.write_bytes(content)
    assert "could not be loaded" in await refused(path)


@pytest.mark.parametrize("content", [b"", b"GG", b"PK\x03\x04 a zip", b"<html>404</html>", b"FUGG" * 9])
async def test_what_is_no_gguf_is_called_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fox.gguf"
    path.write_bytes(content)
    assert await refused(path) == "fox.gguf is not a GGUF model file."


async def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    for path in (tmp_path / "fox.gguf", tmp_path):
        with pytest.raises(ModelMissingError, match=str(path)):
            await LlamaCppEngine.load(path)


@pytest.mark.model
async def test_loading_tells_how_far_it_has_come(demo_model_path: Path) -> None:
    read: list[int] = []
    engine = await LlamaCppEngine.load(demo_model_path, threads=1, window=512, report=read.append)
    await engine.aclose()
    assert read == sorted(read)
    assert 0 < read[0] < read[-1] == demo_model.SIZE_BYTES


# --- a good neighbour in the process --------------------------------------------------------------


@pytest.mark.model
@pytest.mark.parametrize("path", ["/v1/models", "/props", "/slots", "/metrics", "/lora-adapters"])
async def test_its_listener_tells_nothing_without_the_key(engine: LlamaCppEngine, path: str) -> None:
    async with httpx.AsyncClient(base_url=engine._server.listening_address, trust_env=False) as http:
        for headers in ({}, {"authorization": "Bearer guess"}, {"x-api-key": "guess"}):
            response = await http.get(path, headers=headers)
            assert response.status_code in (401, 404, 501)
            assert "SmolLM2" not in response.text


@pytest.mark.model
@pytest.mark.parametrize("path", ["/completion", "/v1/chat/completions", "/tokenize", "/apply-template"])
async def test_its_listener_writes_nothing_without_the_key(engine: LlamaCppEngine, path: str) -> None:
    body = {"prompt": "Once", "messages": [{"role": "user", "content": "Once"}], "max_tokens": 1}
    async with httpx.AsyncClient(base_url=engine._server.listening_address, trust_env=False) as http:
        assert (await http.post(path, json=body)).status_code == 401


@pytest.mark.model
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:8000"])
async def test_its_listener_lets_no_page_read_it(engine: LlamaCppEngine, origin: str) -> None:
    headers = {"origin": origin, "access-control-request-method": "POST"}
    async with httpx.AsyncClient(base_url=engine._server.listening_address, trust_env=False) as http:
        for response in (
            await http.options("/v1/chat/completions", headers=headers),
            await http.get("/health", headers=headers),
            await http.get("/v1/models", headers=headers),
        ):
            assert response.headers.get("access-control-allow-origin", "") not in ("*", origin)
            assert response.headers.get("access-control-allow-credentials", "false") == "false"


@pytest.mark.model
async def test_its_listener_is_on_loopback_and_nowhere_else(engine: LlamaCppEngine) -> None:
    address = httpx.URL(engine._server.listening_address)
    listening = {
        each.laddr.ip
        for each in psutil.Process().net_connections(kind="inet")
        if each.status == psutil.CONN_LISTEN and each.laddr.port == address.port
    }
    assert listening == {"127.0.0.1"}


def handler_of(number: signal.Signals) -> int:
    """The address of the function that the system calls for a signal, native ones included."""
    action = (ctypes.c_void_p * 32)()
    assert ctypes.CDLL(None).sigaction(number, None, ctypes.byref(action)) == 0
    return action[0] or 0


@pytest.mark.model
async def test_ctrl_c_is_still_pythons_after_loading_and_writing(demo_model_path: Path) -> None:
    signals = (signal.SIGINT, signal.SIGTERM)
    kept = {number: signal.signal(number, lambda *_: None) for number in signals}
    try:
        before = [(handler_of(number), signal.getsignal(number)) for number in signals]
        engine = await LlamaCppEngine.load(demo_model_path, threads=1, window=512)
        assert [(handler_of(number), signal.getsignal(number)) for number in signals] == before
        await told(engine, max_tokens=1)
        await engine.aclose()
        assert [(handler_of(number), signal.getsignal(number)) for number in signals] == before
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@pytest.mark.parametrize(
    ("physical", "logical", "threads"),
    [(8, 16, 7), (2, 2, 1), (1, 2, 1), (None, 4, 3), (None, None, 1)],
)
def test_a_core_is_left_free(
    monkeypatch: pytest.MonkeyPatch, physical: int | None, logical: int | None, threads: int
) -> None:
    counts = {True: logical, False: physical}
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: counts[logical])
    assert default_threads() == threads
