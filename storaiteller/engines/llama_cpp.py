"""The embedded engine: llama.cpp inside this process, through ``xllamacpp``.

What was measured about it, and why the numbers below are what they are, stands in the README under
"Engines". The native code calls back on threads of its own; everything crosses to the event loop
through one queue a stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any, Self

import anyio
import psutil

from storaiteller.engines.base import Engine, GenerationOptions, Report
from storaiteller.errors import (
    EngineUnavailableError,
    GenerationFailedError,
    ModelMissingError,
    ModelUnusableError,
    PromptTooLongError,
    StoraitellerError,
)
from storaiteller.story import Chunk, FinishReason, Message, Progress, Usage

DEFAULT_WINDOW = 8_192
"""Tokens, prompt and story together: 5,000 words and what is asked, in memory a laptop can spare."""

SLOTS = 2
"""Streams that run at once, each with a window of its own; further ones wait their turn."""

BATCH_TOKENS = 64
"""Prompt tokens read between two looks at the stop flag: half a second of the demo model on one
core, for an eighth less reading speed than llama.cpp's default of 512."""

PROMPT_CACHE_MIB = 256
"""Memory for prefixes of earlier prompts; llama.cpp's own default is 8 GiB."""

_BLOCK = 8 * 1024 * 1024

Event = dict[str, Any]

Scales = Callable[[], Sequence[float]]
"""How strongly each adapter speaks, in the order they were loaded; asked at the start of each stream."""


def default_threads() -> int:
    """All cores but one.

    Every operation waits for its slowest thread, so one busy core would drag all of them down with
    it: to a quarter of the speed, on two cores.
    """
    return max(1, (psutil.cpu_count(logical=False) or psutil.cpu_count() or 1) - 1)


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

    def speaking(self, *scales: float) -> Engine:
        """The same model with its adapters at these strengths; it lives as long as this engine."""
        return _Speaking(self, scales)

    def stream(self, messages: Sequence[Message], options: GenerationOptions) -> AsyncGenerator[Chunk, None]:
        """See ``Engine.stream``. With a seed nothing is reused from the cache, so that the text repeats."""
        return self.stream_at(self._scales(), messages, options)

    async def stream_at(
        self, scales: Sequence[float], messages: Sequence[Message], options: GenerationOptions
    ) -> AsyncGenerator[Chunk, None]:
        """``stream``, with the adapters at these strengths."""
        async with self._slots:
            if self._server is None:
                raise EngineUnavailableError("The model was put away. Please try again.")
            stream = _Stream(self._server, _request(messages, options, scales))
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


class _Speaking:
    """A loaded model with its adapters at strengths of its own. Closing it closes nothing."""

    def __init__(self, engine: LlamaCppEngine, scales: Sequence[float]) -> None:
        self._engine = engine
        self._scales = scales

    def stream(self, messages: Sequence[Message], options: GenerationOptions) -> AsyncGenerator[Chunk, None]:
        return self._engine.stream_at(self._scales, messages, options)

    async def aclose(self) -> None: ...


class _Stream:
    """One request to the native server, run on a worker thread, heard on the event loop."""

    def __init__(self, server: Any, request: Event) -> None:
        self._server = server
        self._request = request
        self._loop = asyncio.get_running_loop()
        self.events: asyncio.Queue[Event | None] = asyncio.Queue()
        self.stop = threading.Event()
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            if not self.stop.is_set():
                self._server.handle_chat_completions(self._request, self._hear)
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
        if usage := event.get("usage"):
            yield Chunk(finish_reason=finish, usage=_usage(usage))
            return
        for choice in event.get("choices", ()):
            if text := choice["delta"].get("content"):
                yield Chunk(text=text)
            if choice["finish_reason"] is not None:
                finish = "length" if choice["finish_reason"] == "length" else "stop"
        if reading := event.get("prompt_progress"):
            yield Chunk(progress=_progress(reading))
        if failure := event.get("error"):
            raise _translate(failure)
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


def server_params(
    path: Path, threads: int | None = None, window: int = DEFAULT_WINDOW, adapters: Sequence[Path] = ()
) -> Any:
    """How we run llama.cpp: quietly, for ourselves alone."""
    import xllamacpp  # 100 MB of native code: only when a model is really loaded

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = window * SLOTS
    params.n_parallel = SLOTS
    params.n_batch = params.n_ubatch = BATCH_TOKENS
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads or default_threads()
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.warmup = False
    params.verbosity = -1
    # xllamacpp always opens a listener on a loopback port of its own. We never use it: its key is
    # forgotten as soon as it is set, and the only origin it names is not one.
    params.api_keys = [secrets.token_urlsafe(32)]
    params.cors_origins = "null.invalid"
    params.cors_credentials = False
    params.ui = params.endpoint_slots = params.endpoint_props = False
    params.endpoint_metrics = True
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter)) for adapter in adapters]
    params.lora_init_without_apply = True
    return params


def serve(params: Any) -> Any:
    """Load what ``params`` say. ``RuntimeError`` if llama.cpp cannot, ``ImportError`` if it cannot run."""
    import xllamacpp

    server = xllamacpp.Server(params)
    # The answer shows that its loop runs: a server destroyed before that waits for the loop for ever.
    server.handle_metrics()
    return server


def _request(messages: Sequence[Message], options: GenerationOptions, scales: Sequence[float]) -> Event:
    sampling = options.sampling
    request: Event = {
        "messages": [{"role": message.role, "content": message.content} for message in messages],
        "max_tokens": options.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "repeat_penalty": sampling.repeat_penalty,
        "chat_template_kwargs": {"enable_thinking": False},
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
        "lora": [{"id": number, "scale": scale} for number, scale in enumerate(scales)],
    }
    if options.seed is not None:
        request |= {"seed": options.seed, "cache_prompt": False}
    return request


def _progress(reading: Event) -> Progress:
    return Progress("reading", reading["processed"], reading["total"], reading["cache"])


def _usage(usage: Event) -> Usage:
    cached = usage.get("prompt_tokens_details", {}).get("cached_tokens", 0)
    return Usage(usage["prompt_tokens"], cached, usage["completion_tokens"])


def _translate(failure: Event) -> StoraitellerError:
    if failure.get("type") == "exceed_context_size_error":
        return PromptTooLongError(failure["n_prompt_tokens"], failure["n_ctx"])
    return GenerationFailedError(f"The model could not go on: {failure.get('message', failure)}.")


def _ended_early(stream: _Stream) -> StoraitellerError:
    if stream.failure is not None:
        return GenerationFailedError(f"The model could not go on: {stream.failure}.")
    return EngineUnavailableError("The model was put away while it was writing. Please try again.")
