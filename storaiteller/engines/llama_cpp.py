"""The embedded engine: llama.cpp inside this process, through ``xllamacpp``.

What was measured about it, and why the numbers below are what they are, stands in the README under
"Engines". The native code calls back on threads of its own; everything crosses to the event loop
through one queue a stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any, Self

import anyio

from storaiteller.engines.base import GenerationOptions, Report
from storaiteller.engines.llama_native import (
    DEFAULT_WINDOW,
    SLOTS,
    Event,
    Request,
    candidates_of,
    chat_request,
    completion_request,
    finish_of,
    progress_of,
    serve,
    server_params,
    text_of,
    tokens_request,
    translated,
    usage_of,
)
from storaiteller.errors import (
    EngineUnavailableError,
    GenerationFailedError,
    ModelMissingError,
    ModelUnusableError,
    StoraitellerError,
)
from storaiteller.story import Chunk, FinishReason, Message

_BLOCK = 8 * 1024 * 1024

Scales = Callable[[], Sequence[float]]
"""How strongly each adapter speaks, in the order they were loaded; asked at the start of each stream."""


class LlamaCppEngine:
    """One GGUF model, loaded, with the adapters it may speak through.

    Make it with ``load``; the caller owns it and calls ``aclose``.
    """

    def __init__(self, server: Any, scales: Scales = tuple) -> None:
        self._server = server
        self._scales = scales
        self._running: set[_Stream] = set()
        # Streams wait for a slot here: whoever waits in llama.cpp's own queue cannot leave it.
        self._slots = asyncio.Semaphore(SLOTS)
        self._threads = ThreadPoolExecutor(max_workers=SLOTS, thread_name_prefix="llama")

    @classmethod
    async def load(
        cls,
        path: Path,
        *,
        threads: int | None = None,
        window: int = DEFAULT_WINDOW,
        report: Report = lambda done: None,
        adapters: Sequence[Path] = (),
        scales: Scales = tuple,
    ) -> Self:
        """Load the GGUF file at ``path``, with a window of ``window`` tokens or the model's own if smaller.

        The LoRA files in ``adapters`` are loaded beside it. ``scales`` says how strongly each of them
        speaks, one number an adapter; where it says nothing, the base model alone does.

        ``report`` is told, on another thread, how many bytes of the file have been read.

        Raises ``ModelMissingError`` if there is no such file and ``ModelUnusableError`` if it is not
        a GGUF, is cut short, or is of a kind that this llama.cpp does not know;
        ``EngineUnavailableError`` if the machine lacks a library that llama.cpp needs.
        """
        await asyncio.to_thread(_read_once, path, report)
        try:
            server = await asyncio.to_thread(serve, server_params(path, threads, window, adapters))
        except ImportError as error:
            raise EngineUnavailableError(
                f"llama.cpp cannot run on this machine: {error}. On Debian or Ubuntu, install libgomp1. "
                "Models of an Ollama server can be used all the same."
            ) from error
        except RuntimeError as error:
            beside = "".join(f" with what was learned ({adapter})" for adapter in adapters)
            raise ModelUnusableError(
                f"{path.name} could not be loaded{beside}. The file may be damaged or cut short, too large "
                "for this machine's memory, or of a kind that this version does not know. "
                "Fetch it again, or choose another model."
            ) from error
        return cls(server, scales)

    def stream(self, messages: Sequence[Message], options: GenerationOptions) -> AsyncGenerator[Chunk, None]:
        """See ``Engine.stream``. With a seed nothing is reused from the cache, so that the text repeats."""
        return self._stream(chat_request(messages, options, self._scales()))

    def complete(
        self, prompt: Sequence[int], options: GenerationOptions, scales: Sequence[float] = ()
    ) -> AsyncGenerator[Chunk, None]:
        """``stream`` after the tokens of a prompt, as the chat template rendered it, with the adapters at
        these strengths.
        """
        return self._stream(completion_request(prompt, options, scales))

    async def next_tokens(self, messages: Sequence[Message], count: int) -> AsyncGenerator[Chunk, None]:
        """See ``Engine.next_tokens``."""
        request = tokens_request(messages, count, self._scales())
        async with aclosing(self._stream(request)) as stream:
            async for chunk in stream:
                if not chunk.text:
                    yield chunk

    async def _stream(self, request: Request) -> AsyncGenerator[Chunk, None]:
        async with self._slots:
            if self._server is None:
                raise EngineUnavailableError("The model was put away. Please try again.")
            stream = _Stream(self._server, request)
            self._running.add(stream)
            work = asyncio.get_running_loop().run_in_executor(self._threads, stream.run)
            try:
                async with aclosing(_chunks(stream)) as chunks:
                    async for chunk in chunks:
                        yield chunk
            finally:
                stream.stop.set()
                with anyio.CancelScope(shield=True):
                    await asyncio.wait([work])
                self._running.discard(stream)

    async def aclose(self) -> None:
        last, self._server = [self._server], None
        for stream in self._running:
            stream.stop.set()
        await asyncio.to_thread(self._threads.shutdown)
        # Ending the native server takes a while: its last reference must not go on the event loop.
        await asyncio.to_thread(last.clear)


class _Stream:
    """One request to the native server, run on a worker thread, heard on the event loop."""

    def __init__(self, server: Any, request: Request) -> None:
        self._server = server
        self._request = request
        self._loop = asyncio.get_running_loop()
        self.events: asyncio.Queue[Event | None] = asyncio.Queue()
        self.stop = threading.Event()
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            if not self.stop.is_set():
                getattr(self._server, self._request.handler)(self._request.body, self._hear)
        except Exception as error:  # whatever native code throws is reported on the loop
            self.failure = error
        finally:
            self._server = None
            self._put(None)

    def _hear(self, event: Event) -> bool:
        """Called by the native server for each event; returning True ends the generation."""
        self._put(event)
        return self.stop.is_set()

    def _put(self, event: Event | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self.events.put_nowait, event)


async def _chunks(stream: _Stream) -> AsyncGenerator[Chunk, None]:
    """What the native server tells, in our words. Raises ``EngineError`` and ``PromptTooLongError``."""
    finish: FinishReason = "stop"
    while (event := await stream.events.get()) is not None:
        if text := text_of(event):
            yield Chunk(text=text)
        if found := candidates_of(event):
            yield Chunk(candidates=found)
        finish = finish_of(event) or finish
        if usage := event.get("usage"):
            yield Chunk(finish_reason=finish, usage=usage_of(usage))
            return
        if reading := event.get("prompt_progress"):
            yield Chunk(progress=progress_of(reading))
        if failure := event.get("error"):
            raise translated(failure)
    raise _ended_early(stream)


def _read_once(path: Path, report: Report) -> None:
    """Check the file, and bring it into the system's cache.

    llama.cpp loads without letting anything else in this process run; from the cache that takes a
    moment, from a slow disk it would take the page, and other stories, along with it.
    """
    try:
        with path.open("rb", buffering=0) as file:
            done, block = 0, file.read(_BLOCK)
            if not block.startswith(b"GGUF"):
                raise ModelUnusableError(f"{path.name} is not a GGUF model file.")
            while block:
                done += len(block)
                report(done)
                block = file.read(_BLOCK)
    except OSError as error:
        raise ModelMissingError(f"There is no readable model file at {path}.") from error


def _ended_early(stream: _Stream) -> StoraitellerError:
    if stream.failure is not None:
        return GenerationFailedError(f"The model could not go on: {stream.failure}.")
    return EngineUnavailableError("The model was put away while it was writing. Please try again.")
