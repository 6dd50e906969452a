"""Trying an adapter in the engine that will serve it, before it gets a name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from finetune.errors import TrainingFailedError
from storaiteller.engines.llama_probe import LlamaProbe

Example = tuple[Sequence[int], Sequence[int]]
"""The tokens of a prompt, and those of the story that answers it."""

WINDOW = 4_096
_STRETCH = 16
"""Places asked about before the adapter's strength changes: each change has the prompt read anew."""
_STRETCHES = 4
_EXAMPLES = 4


def try_out(base: Path, adapter: Path, examples: Iterable[Example], *, threads: int | None = None) -> None:
    """See that the base loads with the adapter, answers, and would go on otherwise somewhere in a story.

    Raises ``ModelUnusableError`` if llama.cpp cannot load them together, ``GenerationFailedError`` if it
    does not answer, and ``TrainingFailedError`` if what was learned makes no difference.
    """
    with LlamaProbe(base, adapters=[adapter], window=WINDOW, threads=threads) as probe:
        fitting = ((prompt, story) for prompt, story in examples if len(prompt) + _STRETCH < WINDOW)
        if not any(_differs(probe, prompt, story) for prompt, story in islice(fitting, _EXAMPLES)):
            raise TrainingFailedError(
                "The model writes on exactly as before, so it has learned nothing from these stories, and no "
                "version was made. Keep more good stories, or let it train for more epochs."
            )


def _differs(probe: LlamaProbe, prompt: Sequence[int], story: Sequence[int]) -> bool:
    """Whether any next word in the story's beginning would be another one."""
    text = [*prompt, *story][: WINDOW - 1]
    places = range(len(prompt), min(len(text), len(prompt) + _STRETCH * _STRETCHES) + 1)
    for begin in range(places.start, places.stop, _STRETCH):
        stretch = range(begin, min(begin + _STRETCH, places.stop))
        before, after = (
            [probe.next_token(text[:place], [scale]) for place in stretch] for scale in (0.0, 1.0)
        )
        if before != after:
            return True
    return False
