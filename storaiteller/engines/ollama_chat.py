"""What is said to Ollama and heard from it, as plain values. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from storaiteller.engines.base import GenerationOptions
from storaiteller.story import Chunk, Message, Usage

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
