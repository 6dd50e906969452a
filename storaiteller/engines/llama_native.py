"""llama.cpp itself, as ``xllamacpp`` offers it: how we start it, what we ask it, what it answers.

What was measured about it, and why the numbers below are what they are, stands in the README under
"Engines".
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from storaiteller.engines.base import GenerationOptions
from storaiteller.errors import GenerationFailedError, PromptTooLongError, StoraitellerError
from storaiteller.story import Candidate, FinishReason, Message, Progress, SamplingOptions, Usage

DEFAULT_WINDOW = 8_192
"""Tokens, prompt and story together: 5,000 words and what is asked, in memory a laptop can spare."""

SLOTS = 2
"""Streams that run at once, each with a window of its own; further ones wait their turn."""

BATCH_TOKENS = 64
"""Prompt tokens read between two looks at the stop flag: half a second of the demo model on one
core, for an eighth less reading speed than llama.cpp's default of 512."""

PROMPT_CACHE_MIB = 256
"""Memory for prefixes of earlier prompts; llama.cpp's own default is 8 GiB."""

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """``handler`` is the method of the native server that takes ``body``."""

    handler: str
    body: dict[str, Any]


def default_threads() -> int:
    """All cores but one.

    Every operation waits for its slowest thread, so one busy core would drag all of them down with
    it: to a quarter of the speed, on two cores.
    """
    return max(1, (psutil.cpu_count(logical=False) or psutil.cpu_count() or 1) - 1)


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


def chat_request(messages: Sequence[Message], options: GenerationOptions, scales: Sequence[float]) -> Request:
    """Ask for an answer to ``messages``, by the model's own chat template."""
    asked = {
        "messages": [{"role": message.role, "content": message.content} for message in messages],
        "chat_template_kwargs": {"enable_thinking": False},
    }
    return Request("handle_chat_completions", asked | _how(options, scales))


def tokens_request(messages: Sequence[Message], count: int, scales: Sequence[float]) -> Request:
    """Ask which tokens come next; ``n_probs`` tells what the model thinks before anything is sampled.

    What is sampled is a full stop, whatever it thinks: of an end, or of a part of a letter, llama.cpp
    would tell nothing.
    """
    greedy = GenerationOptions(1, SamplingOptions(temperature=0, repeat_penalty=1))
    asked = chat_request(messages, greedy, scales)
    return Request(asked.handler, asked.body | {"n_probs": count, "logit_bias": [[".", 1_000]]})


def completion_request(prompt: Sequence[int], options: GenerationOptions, scales: Sequence[float]) -> Request:
    """Ask for what comes after these tokens."""
    return Request("handle_completions", {"prompt": list(prompt)} | _how(options, scales))


def _how(options: GenerationOptions, scales: Sequence[float]) -> dict[str, Any]:
    sampling = options.sampling
    told: dict[str, Any] = {
        "max_tokens": options.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "repeat_penalty": sampling.repeat_penalty,
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
        "lora": [{"id": number, "scale": scale} for number, scale in enumerate(scales)],
    }
    return told if options.seed is None else told | {"seed": options.seed, "cache_prompt": False}


def text_of(event: Event) -> str:
    """The piece of text in an event, of an answer or of a completion; there is one choice at most."""
    return "".join(
        choice.get("text") or choice.get("delta", {}).get("content") or ""
        for choice in event.get("choices", ())
    )


def candidates_of(event: Event) -> tuple[Candidate, ...]:
    """The tokens that might have stood in place of the first one of an event."""
    for choice in event.get("choices", ()):
        for token in (choice.get("logprobs") or {}).get("content") or ():
            return tuple(_candidate(each) for each in token["top_logprobs"])
    return ()


def _candidate(told: Event) -> Candidate:
    """llama.cpp leaves the text of a token empty where it is a part of a letter."""
    text = bytes(told["bytes"]).decode(errors="replace")
    return Candidate(text, math.exp(told["logprob"]))


def finish_of(event: Event) -> FinishReason | None:
    """Why the text ended, in the event that says so."""
    for choice in event.get("choices", ()):
        if choice["finish_reason"] is not None:
            return "length" if choice["finish_reason"] == "length" else "stop"
    return None


def progress_of(reading: Event) -> Progress:
    return Progress("reading", reading["processed"], reading["total"], reading["cache"])


def usage_of(usage: Event) -> Usage:
    cached = usage.get("prompt_tokens_details", {}).get("cached_tokens", 0)
    return Usage(usage["prompt_tokens"], cached, usage["completion_tokens"])


def translated(failure: Event) -> StoraitellerError:
    """What llama.cpp refused, as an error of ours."""
    if failure.get("type") == "exceed_context_size_error":
        return PromptTooLongError(failure["n_prompt_tokens"], failure["n_ctx"])
    return GenerationFailedError(f"The model could not go on: {failure.get('message', failure)}.")
