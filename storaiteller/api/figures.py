"""What one request comes to in figures, as its ``done`` tells them."""

from __future__ import annotations

import time

from storaiteller.api.protocol import Done, TokenUsage
from storaiteller.story import Chunk, Progress, Usage


class Figures:
    """Of a request that begins now: ``read`` is how much of the prompt was, ``last`` its last chunk.

    What the engine does not tell is counted here: a piece of text for a token, seconds since the first word.
    """

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._first_word = 0.0
        self._pieces = 0
        self.read: Progress | None = None
        self.last: Chunk | None = None

    def count_piece(self) -> None:
        """The model wrote another piece of text."""
        self._pieces += 1

    def note_word(self) -> None:
        """Something of the model's was told; only the first time counts."""
        self._first_word = self._first_word or time.perf_counter()

    def done(self, request_id: str, words: int) -> Done:
        """The end of the request, now; ``words`` are those that were told."""
        last = self.last or Chunk(finish_reason="cancelled")
        elapsed = time.perf_counter() - self._first_word if self._first_word else 0.0
        read = self.read or Progress("reading", 0, 0)
        usage = last.usage or Usage(read.total, read.cached, self._pieces, elapsed)
        waited = self._first_word - self._begun if self._first_word else 0.0
        return Done(
            id=request_id,
            finish_reason=last.finish_reason or "cancelled",
            words=words,
            usage=TokenUsage(
                prompt=usage.prompt_tokens, cached=usage.cached_tokens, completion=usage.completion_tokens
            ),
            tokens_per_second=round(usage.completion_tokens / usage.seconds, 1) if usage.seconds else 0.0,
            time_to_first_token_ms=round(1000 * waited, 2),
        )
