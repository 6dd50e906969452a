"""An Ollama model, beside what ``test_engine_contract.py`` promises: what is asked, and each failure."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing
from typing import Any

import anyio
import pytest

from storaiteller.engines.base import GenerationOptions
from storaiteller.engines.ollama import OllamaServer
from storaiteller.engines.ollama_chat import estimate_tokens
from storaiteller.engines.ollama_engine import OllamaEngine
from storaiteller.engines.ollama_wire import Patience
from storaiteller.errors import (
    EngineError,
    EngineUnavailableError,
    GenerationFailedError,
    ModelMissingError,
    PromptTooLongError,
    WordsUnsupportedError,
)
from storaiteller.story import Chunk, Message, SamplingOptions, Usage
from tests.fake_ollama import (
    STORY,
    Cut,
    FakeOllama,
    Gate,
    Reply,
    Request,
    Silence,
    Step,
    done,
    error,
    json_lines,
    thought_of,
    word,
)
from tests.serving import GUARD

ASK = (Message("user", "Write a story."),)


@pytest.fixture
async def engine(server: OllamaServer) -> AsyncIterator[OllamaEngine]:
    engine = OllamaEngine(server, "llama3.2")
    yield engine
    await engine.aclose()


async def chunks_of(
    engine: OllamaEngine, messages: Iterable[Message] = ASK, max_tokens: int = 100
) -> list[Chunk]:
    with anyio.fail_after(GUARD):
        async with aclosing(engine.stream(tuple(messages), GenerationOptions(max_tokens))) as stream:
            return [chunk async for chunk in stream]


async def text_of(engine: OllamaEngine, messages: Iterable[Message] = ASK) -> str:
    return "".join(chunk.text for chunk in await chunks_of(engine, messages))


async def text_until_it_fails(engine: OllamaEngine) -> tuple[str, Exception]:
    text = ""
    with anyio.fail_after(GUARD):
        try:
            async with aclosing(engine.stream(ASK, GenerationOptions(100))) as stream:
                async for chunk in stream:
                    text += chunk.text
        except Exception as failure:
            return text, failure
    pytest.fail("the stream did not fail")


async def wait_for(event: Any) -> None:
    with anyio.fail_after(GUARD):
        await event.wait()


def chat_options(fake: FakeOllama) -> list[dict[str, Any]]:
    return [request.body["options"] for request in fake.asked("/api/chat")]


# What the model is asked


async def test_every_setting_reaches_the_model(fake: FakeOllama, engine: OllamaEngine) -> None:
    wanted = GenerationOptions(77, SamplingOptions(0.5, 0.6, 7, 0.1, 1.2), seed=3)
    messages = (Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", "It "))
    async with aclosing(engine.stream(messages, wanted)) as stream:
        assert [chunk async for chunk in stream]
    assert fake.asked("/api/chat")[0].body == {
        "model": "llama3.2",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "It "},
        ],
        "options": {
            "temperature": 0.5,
            "top_p": 0.6,
            "top_k": 7,
            "min_p": 0.1,
            "repeat_penalty": 1.2,
            "num_predict": 77,
            "num_ctx": 4_096,
            "seed": 3,
        },
        "stream": True,
        "think": False,
        "truncate": False,
        "shift": False,
        "keep_alive": "30m",
    }


async def test_without_a_seed_none_is_sent(fake: FakeOllama, engine: OllamaEngine) -> None:
    await chunks_of(engine)
    assert "seed" not in chat_options(fake)[0]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 8), ("abc", 9), ("abcd", 10), ("é", 10), ("🦊", 12), ("月", 11), ("a月", 12), ("\ud83d", 9)],
)
def test_the_estimate_of_tokens_is_on_the_high_side(text: str, tokens: int) -> None:
    assert estimate_tokens([Message("user", text)]) == tokens
    assert estimate_tokens([Message("user", text)] * 2) == 2 * tokens


@pytest.mark.parametrize(
    ("prompt_tokens", "max_tokens", "num_ctx"),
    [
        (8, 4_088, 4_096),
        (8, 4_089, 8_192),
        (5_000, 100, 8_192),
        (9_000, 1_000, 16_384),
        (19_000, 1_000, 20_000),
        (19_900, 5_000, 20_000),
    ],
)
async def test_the_window_asked_for_is_the_next_step_within_the_models_own(
    fake: FakeOllama, engine: OllamaEngine, prompt_tokens: int, max_tokens: int, num_ctx: int
) -> None:
    fake.models["llama3.2:latest"].context_length = 20_000
    await chunks_of(engine, [Message("user", "abc" * (prompt_tokens - 8))], max_tokens)
    assert chat_options(fake)[0]["num_ctx"] == num_ctx


async def test_the_window_never_shrinks_so_that_ollama_need_not_load_anew(
    fake: FakeOllama, engine: OllamaEngine
) -> None:
    for size in (10, 6_000, 10):
        await chunks_of(engine, [Message("user", "abc" * size)])
    assert [options["num_ctx"] for options in chat_options(fake)] == [4_096, 8_192, 8_192]
    assert len(fake.asked("/api/show")) == 1


async def test_a_prompt_over_the_apps_own_limit_is_refused_before_ollama_is_asked(
    fake: FakeOllama, server: OllamaServer
) -> None:
    engine = OllamaEngine(server, "llama3.2", window_limit=8_192)
    with pytest.raises(PromptTooLongError) as refusal:
        await chunks_of(engine, [Message("user", "abc" * 8_121)])
    assert (refusal.value.prompt_tokens, refusal.value.window) == (8_129, 8_192)
    assert not fake.asked("/api/chat")
    assert await text_of(engine, [Message("user", "abc" * 8_120)])
    await engine.aclose()


def counting(tokens: int) -> Callable[[dict[str, Any]], Reply]:
    """A server that counts ``tokens`` in any prompt, and refuses it as Ollama 0.34 does."""

    def script(body: dict[str, Any]) -> Reply:
        window = body["options"]["num_ctx"]
        if tokens <= window:
            return Reply([word("Once"), done()])
        message = f"request ({tokens} tokens) exceeds the available context size ({window} tokens)"
        return error(json.dumps({"error": {"code": 400, "message": message}}), 400)

    return script


async def test_a_prompt_that_ollama_counts_longer_gets_a_larger_window(
    fake: FakeOllama, engine: OllamaEngine
) -> None:
    fake.chat_script = counting(9_000)
    assert await text_of(engine) == "Once"
    assert [options["num_ctx"] for options in chat_options(fake)] == [4_096, 16_384]


async def test_a_prompt_that_ollama_counts_too_long_is_refused_with_its_count(
    fake: FakeOllama, engine: OllamaEngine
) -> None:
    fake.models["llama3.2:latest"].context_length = 8_192
    fake.chat_script = counting(9_000)
    with pytest.raises(PromptTooLongError) as refusal:
        await chunks_of(engine)
    assert (refusal.value.prompt_tokens, refusal.value.window) == (9_000, 8_192)


async def test_a_refusal_without_a_count_tries_each_step_and_ends(
    fake: FakeOllama, engine: OllamaEngine
) -> None:
    fake.models["llama3.2:latest"].context_length = 10_000
    fake.chat_script = error("the prompt is longer than the context length currently available", 400)
    with pytest.raises(PromptTooLongError) as refusal:
        await chunks_of(engine)
    assert (refusal.value.prompt_tokens, refusal.value.window) == (10_001, 10_000)
    assert [options["num_ctx"] for options in chat_options(fake)] == [4_096, 8_192, 10_000]


# What comes back


UNICODE = "🦊 👩‍👩‍👧 e\u0301 שלום \u0085 \u2028 \u200b 月\r\n"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64])
async def test_any_text_survives_any_cut(fake: FakeOllama, engine: OllamaEngine, size: int) -> None:
    data = json_lines(*map(word, UNICODE), done())
    fake.chat_script = Reply([data[at : at + size] for at in range(0, len(data), size)])
    assert await text_of(engine) == UNICODE


async def test_a_last_line_without_its_newline_counts(fake: FakeOllama, engine: OllamaEngine) -> None:
    fake.chat_script = Reply([json_lines(word("Once"), done()).rstrip(), b""])
    assert await text_of(engine) == "Once"


async def test_text_in_the_last_line_is_kept(fake: FakeOllama, engine: OllamaEngine) -> None:
    fake.chat_script = Reply([{**done(), "message": {"role": "assistant", "content": "End."}}])
    assert [chunk.text for chunk in await chunks_of(engine)] == ["End.", ""]


async def test_what_a_model_thinks_is_no_part_of_the_story(fake: FakeOllama, engine: OllamaEngine) -> None:
    fake.chat_script = Reply([word("", thinking="A fox?"), word("Once", thinking="Yes."), done()])
    assert await text_of(engine) == "Once"


@pytest.mark.parametrize(
    ("last", "reason", "usage"),
    [
        (done("stop", prompt=26, written=4), "stop", Usage(26, 0, 4)),
        (done("length", prompt=26, written=9), "length", Usage(26, 0, 9)),
        (done("stop", prompt=None, written=4), "stop", Usage(0, 0, 4)),
        ({**word(""), "done": True}, "stop", Usage(0, 0, 0)),
        ({**done(), "eval_count": "many", "prompt_eval_count": -1}, "stop", Usage(0, 0, 0)),
    ],
)
async def test_the_end_tells_reason_and_usage(
    fake: FakeOllama, engine: OllamaEngine, last: dict[str, Any], reason: str, usage: Usage
) -> None:
    fake.chat_script = Reply([word("Once"), last])
    assert (await chunks_of(engine))[-1] == Chunk(finish_reason=reason, usage=usage)  # type: ignore[arg-type]


async def test_lone_surrogates_neither_go_out_nor_come_in(fake: FakeOllama, engine: OllamaEngine) -> None:
    fake.chat_script = Reply([rb'{"message": {"content": "a\ud83db"}}' + b"\n", done()])
    assert await text_of(engine, [Message("user", "c\ud83dd")]) == "a?b"
    assert fake.asked("/api/chat")[0].body["messages"][0]["content"] == "c?d"


# Leaving


async def left_early(request: Request) -> bool:
    await wait_for(request.left)
    return not request.answered.is_set()


async def test_closing_the_stream_hangs_up_at_once(fake: FakeOllama, engine: OllamaEngine) -> None:
    fake.chat_script = Reply([word("Once"), Silence()])
    async with aclosing(engine.stream(ASK, GenerationOptions(100))) as stream:
        assert (await anext(stream)).text == "Once"
    assert await left_early(fake.requests[-1])


@pytest.mark.parametrize("said", [[], [word("Once")]], ids=["while it reads", "while it writes"])
async def test_cancelling_the_reader_hangs_up_at_once(
    fake: FakeOllama, engine: OllamaEngine, said: list[Step]
) -> None:
    gate = Gate()
    fake.chat_script = Reply([*said, gate])
    async with anyio.create_task_group() as readers:
        readers.start_soon(chunks_of, engine)
        await wait_for(gate.reached)
        readers.cancel_scope.cancel()
    assert await left_early(fake.requests[-1])


# Failures


@pytest.mark.parametrize(
    ("reply", "family", "words"),
    [
        pytest.param(error("model 'x' not found", 404), ModelMissingError, "ollama pull", id="404"),
        pytest.param(error("out of memory", 500), GenerationFailedError, "out of memory", id="500"),
        pytest.param(error("server busy", 503), GenerationFailedError, "server busy", id="503"),
        pytest.param(Reply([b"Bad\n gateway"], 502), GenerationFailedError, "Bad gateway", id="502"),
        pytest.param(Reply([b"\xff"], 500), GenerationFailedError, "reports", id="garbled 500"),
        pytest.param(Reply([b"[]"], 500), GenerationFailedError, "speak like", id="odd 500"),
        pytest.param(Reply([], 500), GenerationFailedError, "without a word", id="silent 500"),
        pytest.param(
            Reply([{"error": "llama runner died"}]),
            GenerationFailedError,
            "llama runner died",
            id="an error line at once",
        ),
        pytest.param(Reply([b"<html>\n"]), GenerationFailedError, "speak like", id="no JSON"),
        pytest.param(Reply([b"\xff\n"]), GenerationFailedError, "speak like", id="no UTF-8"),
        pytest.param(Reply([b"3\n"]), GenerationFailedError, "speak like", id="no object"),
        pytest.param(Reply([b"[]\n"]), GenerationFailedError, "speak like", id="a list"),
        pytest.param(Reply([b'{"a": 1}\n']), GenerationFailedError, "speak like", id="other JSON"),
        pytest.param(
            Reply([*[b"x" * 65_536] * 17, Silence()]),
            GenerationFailedError,
            "speak like",
            id="an endless line",
        ),
        pytest.param(Reply([b"hello\r\n"], raw=True), EngineUnavailableError, "", id="no HTTP"),
        pytest.param(Reply([]), EngineUnavailableError, "without a word", id="empty"),
        pytest.param(Reply([b"\n\n"]), EngineUnavailableError, "without a word", id="blank lines"),
        pytest.param(Reply([], raw=True), EngineUnavailableError, "hung up", id="nothing"),
        pytest.param(Reply([Cut()]), EngineUnavailableError, "hung up", id="cut at once"),
    ],
)
async def test_a_story_that_cannot_begin_says_why(
    fake: FakeOllama, engine: OllamaEngine, reply: Reply, family: type[EngineError], words: str
) -> None:
    fake.chat_script = reply
    text, failure = await text_until_it_fails(engine)
    assert text == ""
    assert type(failure) is family
    assert words in str(failure)
    fake.chat_script = Reply([word("Again"), done()])
    assert await text_of(engine) == "Again"


@pytest.mark.parametrize(
    ("rest", "family", "words"),
    [
        pytest.param(
            [{"error": "out of memory"}], GenerationFailedError, "out of memory", id="an error line"
        ),
        pytest.param(
            [{"error": "request exceeds the available context size"}],
            GenerationFailedError,
            "context size",
            id="an error line about the window",
        ),
        pytest.param([], EngineUnavailableError, "is kept", id="a close without done"),
        pytest.param([Cut()], EngineUnavailableError, "is kept", id="a cut"),
        pytest.param([b'{"message": ', Cut()], EngineUnavailableError, "is kept", id="half a line"),
        pytest.param([b'{"message": '], GenerationFailedError, "speak like", id="half, then closed"),
        pytest.param([b"<html>\n"], GenerationFailedError, "speak like", id="garbage"),
    ],
)
async def test_a_story_cut_short_keeps_what_was_written_and_says_why(
    fake: FakeOllama,
    engine: OllamaEngine,
    rest: list[Step],
    family: type[EngineError],
    words: str,
) -> None:
    fake.chat_script = Reply([word("Once"), word(" upon"), *rest])
    text, failure = await text_until_it_fails(engine)
    assert text == "Once upon"
    assert type(failure) is family
    assert words in str(failure)
    assert len(fake.asked("/api/chat")) == 1


@pytest.mark.parametrize("raw", [True, False], ids=["nothing", "only a header"])
async def test_the_first_word_is_not_waited_for_without_end(fake: FakeOllama, raw: bool) -> None:
    fake.chat_script = Reply([Silence()], raw=raw)
    server = OllamaServer(fake.url, patience=Patience(first_word=0.05))
    engine = OllamaEngine(server, "llama3.2")
    text, failure = await text_until_it_fails(engine)
    assert text == ""
    assert type(failure) is EngineUnavailableError
    assert "too long" in str(failure)
    await wait_for(fake.requests[-1].left)
    await engine.aclose()
    await server.aclose()


async def test_the_next_word_is_not_waited_for_without_end(fake: FakeOllama) -> None:
    fake.chat_script = Reply([word("Once"), Silence()])
    server = OllamaServer(fake.url, patience=Patience(next_word=0.05))
    engine = OllamaEngine(server, "llama3.2")
    text, failure = await text_until_it_fails(engine)
    assert text == "Once"
    assert type(failure) is EngineUnavailableError
    assert "too long" in str(failure)
    await engine.aclose()
    await server.aclose()


async def test_a_model_that_went_away_after_the_first_look_is_missing(
    fake: FakeOllama, engine: OllamaEngine
) -> None:
    assert await text_of(engine)
    fake.models.clear()
    with pytest.raises(ModelMissingError, match="ollama pull"):
        await chunks_of(engine)


async def test_an_engine_put_away_says_so(engine: OllamaEngine) -> None:
    await engine.aclose()
    with pytest.raises(EngineUnavailableError, match="put away"):
        await chunks_of(engine)


async def test_nobody_there_says_how_to_start_ollama(fake: FakeOllama, engine: OllamaEngine) -> None:
    await fake.stop()
    with pytest.raises(EngineUnavailableError, match="ollama serve"):
        await chunks_of(engine)


async def test_ollama_goes_away_in_mid_story_and_writing_goes_on_when_it_is_back(
    fake: FakeOllama, engine: OllamaEngine
) -> None:
    gate = Gate()
    fake.chat_script = Reply([word("Once"), gate])
    text = ""
    stream = engine.stream(ASK, GenerationOptions(100))
    async with aclosing(stream):
        text += (await anext(stream)).text
        await wait_for(gate.reached)
        await fake.stop()
        with pytest.raises(EngineUnavailableError, match="What was written is kept"):
            await anext(stream)
    with pytest.raises(EngineUnavailableError):
        await chunks_of(engine)
    await fake.start()
    fake.chat_script = Reply([word(" upon a time."), done()])
    text += await text_of(engine, [*ASK, Message("assistant", text)])
    assert text == "Once upon a time."


async def test_a_redirect_is_not_followed(fake: FakeOllama, engine: OllamaEngine) -> None:
    head = b"HTTP/1.1 307 Elsewhere\r\nLocation: /api/elsewhere\r\nContent-Length: 0\r\n\r\n"
    fake.chat_script = Reply([head], raw=True)
    _, failure = await text_until_it_fails(engine)
    assert isinstance(failure, GenerationFailedError)
    assert not fake.asked("/api/elsewhere")


async def test_the_fake_tells_its_story_within_num_predict(engine: OllamaEngine) -> None:
    assert await text_of(engine) == "".join(STORY)
    assert (await chunks_of(engine, max_tokens=3))[-1].finish_reason == "length"


# The words it thought of


async def thoughts(engine: OllamaEngine) -> list[Chunk]:
    with anyio.fail_after(GUARD):
        return [chunk async for chunk in engine.next_tokens(ASK, 25)]


async def test_thoughts_are_asked_for_as_they_are(fake: FakeOllama, engine: OllamaEngine) -> None:
    """Some of its runners tell probabilities after sampling; more than twenty it refuses."""
    told = [(" sea", -1.5), (" lan", -0.5)]
    fake.chat_script = Reply([word(" sea") | {"logprobs": [thought_of(told)]}, done("length", written=1)])

    thought, last = await thoughts(engine)

    assert thought.candidates is not None
    assert [each.text for each in thought.candidates] == [" lan", " sea"]
    assert thought.candidates[0].probability == pytest.approx(0.6065, abs=1e-3)
    assert last.usage == Usage(26, 0, 1)
    [asked] = fake.asked("/api/chat")
    assert (asked.body["logprobs"], asked.body["top_logprobs"]) == (True, 20)
    options = asked.body["options"]
    assert {key: options[key] for key in ("temperature", "top_p", "top_k", "min_p", "repeat_penalty")} == {
        "temperature": 1,
        "top_p": 1,
        "top_k": 0,
        "min_p": 0,
        "repeat_penalty": 1,
    }
    assert options["num_predict"] == 1


async def test_a_part_of_a_letter_is_no_thought_that_could_be_shown(
    fake: FakeOllama, engine: OllamaEngine
) -> None:
    half = {"token": "", "logprob": -0.1, "bytes": [240, 159]}
    fake.chat_script = Reply([word("") | {"logprobs": [{**half, "top_logprobs": [half]}]}, done()])

    candidates = (await thoughts(engine))[0].candidates
    assert candidates is not None
    assert [each.text for each in candidates] == ["\ufffd"]


@pytest.mark.parametrize("said", [{}, {"logprobs": []}, {"logprobs": None}, {"logprobs": ["?"]}])
async def test_an_ollama_that_does_not_tell_its_thoughts_is_said_to_be_too_old(
    fake: FakeOllama, engine: OllamaEngine, said: dict[str, Any]
) -> None:
    fake.version = "0.12.10"
    fake.chat_script = Reply([word(" sea") | said, done("length", written=1) | said])

    with pytest.raises(WordsUnsupportedError, match=r"0\.12\.11 or newer"):
        await thoughts(engine)


@pytest.mark.parametrize("ends", [1, 2, 5])
async def test_where_the_story_might_end_it_is_asked_again(
    fake: FakeOllama, engine: OllamaEngine, ends: int
) -> None:
    sea = word(" sea") | {"logprobs": [thought_of([(" sea", -1.0)])]}
    replies = iter([*([[]] * ends), [sea]])
    fake.chat_script = lambda _: Reply([*next(replies), done(written=1)])

    *told, last = await thoughts(engine)

    [thought] = told
    assert thought.candidates is not None
    assert [each.text for each in thought.candidates] == ([" sea"] if ends < 3 else [])
    assert last.finish_reason == "stop"
