"""What is said to Ollama and heard from it, as plain values. No I/O."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from storaiteller.engines.base import GenerationOptions
from storaiteller.story import Candidate, Chunk, Message, SamplingOptions, Usage

_FIRST_STEP = 4_096


def estimate_tokens(messages: Sequence[Message]) -> int:
    """Guess, on the high side, how many tokens Ollama will make of ``messages``.

    A token for every 3 bytes of ASCII (English takes about 4), one for every other byte (byte-level
    tokenizers never need more), and 8 a message for what the chat template puts around it.
    """
    total = 0
    for message in messages:
        ascii_bytes = len(message.content.encode("ascii", "ignore"))
        other_bytes = len(_whole(message.content).encode()) - ascii_bytes
        total += 8 + -(-ascii_bytes // 3) + other_bytes
    return total


def window_step(tokens: int, window: int) -> int:
    """Smallest of 4,096, 8,192, 16,384, … that holds ``tokens``, but no more than ``window``."""
    step = _FIRST_STEP
    while step < tokens:
        step *= 2
    return min(step, window)


def chat_request(
    name: str, messages: Sequence[Message], options: GenerationOptions, num_ctx: int
) -> dict[str, Any]:
    """Build the body of ``POST /api/chat``."""
    sampling = options.sampling
    settings = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "repeat_penalty": sampling.repeat_penalty,
        "num_predict": options.max_tokens,
        "num_ctx": num_ctx,
    }
    return {
        "model": name,
        "messages": [{"role": each.role, "content": _whole(each.content)} for each in messages],
        "options": settings if options.seed is None else {**settings, "seed": options.seed},
        "stream": True,
        "think": False,  # else a thinking model may spend max_tokens before its first word
        "truncate": False,  # refuse a prompt that is too long, rather than cut it
        "shift": False,  # end a story at the window's end, rather than forget its beginning
        "keep_alive": "30m",
    }


MOST_TOKENS_TOLD = 20

AS_IT_IS = SamplingOptions(temperature=1, top_p=1, top_k=0, min_p=0, repeat_penalty=1)
"""Sampling that changes nothing: some of Ollama's runners tell probabilities as they are after it."""


def tokens_request(request: dict[str, Any], count: int) -> dict[str, Any]:
    """The body of a chat that tells which tokens come next (from Ollama 0.12.11 on)."""
    return {**request, "logprobs": True, "top_logprobs": min(count, MOST_TOKENS_TOLD)}


def tells_thoughts(version: str | None) -> bool:
    """Whether an Ollama of this version knows ``logprobs``."""
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", version or "")
    return numbers is not None and tuple(map(int, numbers.groups())) >= (0, 12, 11)


def candidates_of(answer: dict[str, Any]) -> tuple[Candidate, ...]:
    """The tokens that might have stood in place of an answer's first one; none where it does not tell."""
    told = answer.get("logprobs")
    first = told[0] if isinstance(told, list) and told else {}
    top = first.get("top_logprobs") if isinstance(first, dict) else None
    found = [
        Candidate(_text_of_token(each), math.exp(min(each["logprob"], 0.0)))
        for each in (top if isinstance(top, list) else ())
        if isinstance(each, dict) and isinstance(each.get("logprob"), int | float)
    ]
    return tuple(sorted(found, key=lambda each: -each.probability))


def _text_of_token(told: dict[str, Any]) -> str:
    """By its bytes, where they are told: what is a part of a letter has no text."""
    code = told.get("bytes")
    if isinstance(code, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in code) and code:
        return bytes(code).decode(errors="replace")
    return _whole(str(told.get("token", "")))


def last_chunk(answer: dict[str, Any]) -> Chunk:
    """Read the end of a story from the answer that says ``done``."""
    return Chunk(
        finish_reason="length" if answer.get("done_reason") == "length" else "stop",
        usage=Usage(
            prompt_tokens=count(answer, "prompt_eval_count"),  # old servers leave out cached ones
            cached_tokens=0,
            completion_tokens=count(answer, "eval_count"),
        ),
    )


def text_of(answer: dict[str, Any]) -> str:
    """Read the story's next piece, maybe empty. What a model thinks is no part of the story."""
    message = answer.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    return _whole(content) if isinstance(content, str) else ""


def count(answer: dict[str, Any], key: str) -> int:
    """Read a number of tokens or bytes; 0 where there is none."""
    value = answer.get(key)
    return value if isinstance(value, int) and value > 0 else 0


def _whole(text: str) -> str:
    """Put question marks for lone surrogates, which UTF-8 cannot carry."""
    return text.encode(errors="replace").decode()
