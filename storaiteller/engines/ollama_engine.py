"""Ollama: a model served by the writer's own Ollama server, as an engine."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from storaiteller.engines.base import GenerationOptions
from storaiteller.engines.ollama import OllamaServer
from storaiteller.engines.ollama_chat import (
    AS_IT_IS,
    candidates_of,
    chat_request,
    estimate_tokens,
    last_chunk,
    tells_thoughts,
    text_of,
    tokens_request,
    window_step,
)
from storaiteller.errors import (
    EngineUnavailableError,
    GenerationFailedError,
    PromptTooLongError,
    WordsUnsupportedError,
)
from storaiteller.story import Chunk, Message

DEFAULT_WINDOW_LIMIT = 32_768
"""Tokens. Many models claim 131,072, whose cache would take more memory than the model."""

_ATTEMPTS = 3
_LEAST_ROOM = 64
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


class OllamaEngine:
    """One model of an ``OllamaServer``, as an ``Engine``, closed before it. ``window_limit`` is in tokens.

    Ollama has no tokenizer to ask, and loads the model anew whenever ``num_ctx`` changes. So the
    prompt is estimated, ``num_ctx`` goes up in a few steps and never down, and where Ollama counts
    more than was estimated the next step is tried. It tells only because ``truncate`` is false;
    before 0.12.6 it did not know that word, and the estimate alone keeps the prompt whole.
    """

    def __init__(self, server: OllamaServer, name: str, window_limit: int = DEFAULT_WINDOW_LIMIT) -> None:
        self._server = server
        self._wire = server.wire()
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
