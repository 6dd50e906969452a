"""Ollama: models served by the writer's own Ollama server, on this machine or on another."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from storaiteller.engines.base import GenerationOptions, PullProgress
from storaiteller.engines.ollama_chat import (
    AS_IT_IS,
    candidates_of,
    chat_request,
    count,
    estimate_tokens,
    last_chunk,
    tells_thoughts,
    text_of,
    tokens_request,
    window_step,
)
from storaiteller.engines.ollama_wire import Patience, Wire, server_address
from storaiteller.errors import (
    EngineError,
    EngineUnavailableError,
    GenerationFailedError,
    ModelMissingError,
    PromptTooLongError,
    WordsUnsupportedError,
)
from storaiteller.story import Chunk, Message

if TYPE_CHECKING:
    from ollama import ShowResponse

DEFAULT_WINDOW_LIMIT = 32_768
"""Tokens. Many models claim 131,072, whose cache would take more memory than the model."""

_ATTEMPTS = 3
_LEAST_ROOM = 64
_UNKNOWN_WINDOW = 4_096
_TOO_LONG = re.compile(r"exceeds the (?:available )?context|longer than the context")
_COUNTED = re.compile(r"request \((\d+) tokens\)")
_NO_WORDS = (
    "This Ollama does not tell which words the model thought of. Version 0.12.11 or newer can: update it, "
    "or choose a model without Ollama."
)
_STORY_CUT_OFF = (
    "Ollama went away in the middle of the story. What was written is kept; "
    "go on when Ollama is running again."
)


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model Ollama has, under the name a writer types: ``llama3.2`` for ``llama3.2:latest``."""

    name: str
    size_bytes: int


class OllamaServer:
    """One Ollama server. ``host`` is spelled as in ``OLLAMA_HOST``; empty means the usual place.

    Every method but ``version`` raises ``EngineError`` and nothing else.
    """

    def __init__(self, host: str = "", *, patience: Patience | None = None) -> None:
        self.url = server_address(host)
        self._patience = patience or Patience()
        self._wire = Wire(self.url, self._patience)

    async def version(self) -> str | None:
        """Ask who is there; ``None`` when nothing answers at once, or when it is no Ollama."""
        patience = self._patience.connect * 2
        with suppress(EngineError), self._wire.in_our_words(), anyio.fail_after(patience):
            answer = await self._wire.client._client.get("/api/version")
            version = answer.raise_for_status().json()["version"]
            return version if version and isinstance(version, str) else None
        return None

    async def installed(self) -> list[InstalledModel]:
        """List the models it has, but for cloud models: those would send the story away."""
        with self._wire.in_our_words(), anyio.fail_after(self._patience.answer):
            found = (await self._wire.client.list()).models
        return [
            InstalledModel(model.model.removesuffix(":latest"), int(model.size or 0))
            for model in found
            if model.model and not model.model.endswith((":cloud", "-cloud"))
        ]

    async def window(self, name: str) -> int:
        """Tokens the model was made for, prompt and answer together."""
        for key, value in ((await self._show(name)).modelinfo or {}).items():
            if key.endswith(".context_length") and isinstance(value, int) and value > 0:
                return value
        return _UNKNOWN_WINDOW

    async def modelfile(self, name: str) -> str:
        """The model's Modelfile; its ``FROM`` line is where the server sees the weights."""
        return (await self._show(name)).modelfile or ""

    async def pull(self, name: str) -> AsyncGenerator[PullProgress, None]:
        """Fetch a model; closing the generator stops it, and the next pull goes on from there."""
        cut_off = f"Ollama went away before {name} was complete. Get it again: what came is kept."
        # Slow: between the last byte and "success" a large file is checked without a word.
        answers = self._wire.answers("/api/pull", {"model": name}, cut_off, slow=True)
        done: dict[str, int] = {}
        size: dict[str, int] = {}
        try:
            async with aclosing(answers):
                async for answer in answers:
                    if layer := str(answer.get("digest") or ""):
                        done[layer], size[layer] = (
                            count(answer, "completed"),
                            count(answer, "total"),
                        )
                    status = str(answer.get("status", ""))
                    yield PullProgress(status, sum(done.values()), sum(size.values()))
                    if status == "success":
                        return
        except GenerationFailedError as error:
            if "file does not exist" not in error.message:
                raise
            missing = f"Ollama's library has no model called {name}. Check the name."
            raise ModelMissingError(missing) from error
        raise EngineUnavailableError(cut_off)

    def engine(self, name: str, window_limit: int = DEFAULT_WINDOW_LIMIT) -> OllamaEngine:
        """Make an engine for one model, to be closed by the caller before this server."""
        return OllamaEngine(self, Wire(self.url, self._patience), name, window_limit)

    async def aclose(self) -> None:
        """Give back the connections. Engines have their own."""
        await self._wire.aclose()

    async def _show(self, name: str) -> ShowResponse:
        with self._wire.in_our_words(name), anyio.fail_after(self._patience.answer):
            return await self._wire.client.show(name)


class OllamaEngine:
    """One model of an ``OllamaServer``, as an ``Engine``. ``window_limit`` is in tokens.

    Ollama has no tokenizer to ask, and loads the model anew whenever ``num_ctx`` changes. So the
    prompt is estimated, ``num_ctx`` goes up in a few steps and never down, and where Ollama counts
    more than was estimated the next step is tried. It tells only because ``truncate`` is false;
    before 0.12.6 it did not know that word, and the estimate alone keeps the prompt whole.
    """

    def __init__(
        self, server: OllamaServer, wire: Wire, name: str, window_limit: int = DEFAULT_WINDOW_LIMIT
    ) -> None:
        self._server = server
        self._wire = wire
        self._name = name
        self._window_limit = window_limit
        self._window = 0
        self._num_ctx = 0
        self._closed = False

    async def stream(
        self, messages: Sequence[Message], options: GenerationOptions
    ) -> AsyncGenerator[Chunk, None]:
        """See ``Engine.stream``."""
        async with aclosing(self._stream(messages, options)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def next_tokens(self, messages: Sequence[Message], count: int) -> AsyncGenerator[Chunk, None]:
        """See ``Engine.next_tokens``.

        Ollama tells with the token that it has chosen, and nothing where it has chosen to end: then it
        is asked again.
        """
        end, told = Chunk(finish_reason="stop"), False
        for _ in range(_ATTEMPTS):
            async with aclosing(
                self._stream(messages, GenerationOptions(1, AS_IT_IS), tokens=count)
            ) as chunks:
                async for chunk in chunks:
                    if chunk.candidates is not None:
                        yield chunk
                        told = True
                    elif chunk.finish_reason is not None:
                        end = chunk
            if told:
                break
            if not tells_thoughts(await self._server.version()):
                raise WordsUnsupportedError(_NO_WORDS)
        else:
            yield Chunk(candidates=())
        yield end

    async def _stream(
        self, messages: Sequence[Message], options: GenerationOptions, *, tokens: int = 0
    ) -> AsyncGenerator[Chunk, None]:
        self._check_open()
        self._window = self._window or await self._server.window(self._name)
        window = min(self._window, self._window_limit)
        needed = estimate_tokens(messages)
        begun = False
        while True:
            if needed + min(options.max_tokens, _LEAST_ROOM) > window:
                raise PromptTooLongError(needed, window)
            num_ctx = max(self._num_ctx, window_step(needed + options.max_tokens, window))
            self._num_ctx = num_ctx
            try:
                async with aclosing(self._attempt(messages, options, num_ctx, tokens)) as chunks:
                    async for chunk in chunks:
                        begun = True
                        yield chunk
                return
            except GenerationFailedError as error:
                if begun or not _TOO_LONG.search(error.message):
                    raise
                counted = _COUNTED.search(error.message)
                needed = max(int(counted[1]) if counted else 0, num_ctx + 1)

    async def _attempt(
        self, messages: Sequence[Message], options: GenerationOptions, num_ctx: int, tokens: int
    ) -> AsyncGenerator[Chunk, None]:
        request = chat_request(self._name, messages, options, num_ctx)
        if tokens:
            request = tokens_request(request, tokens)
        told = False
        async with aclosing(self._wire.answers("/api/chat", request, _STORY_CUT_OFF)) as answers:
            async for answer in answers:
                self._check_open()
                if text := text_of(answer):
                    yield Chunk(text=text)
                if tokens and not told and (found := candidates_of(answer)):
                    told = True
                    yield Chunk(candidates=found)
                if answer.get("done"):
                    yield last_chunk(answer)
                    return
        raise EngineUnavailableError(_STORY_CUT_OFF)

    async def aclose(self) -> None:
        """See ``Engine.aclose``. In Ollama the model stays loaded until its ``keep_alive`` ends."""
        self._closed = True
        await self._wire.aclose()

    def _check_open(self) -> None:
        if self._closed:
            raise EngineUnavailableError(f"{self._name} was put away. Choose a model again.")
