"""Whether the server says what the trainer trained: the next token of both, at the same places.

An adapter that was converted wrongly, a template rendered otherwise, a scale that is off: each of them
shows here, and in no figure of the training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from finetune.exam.perplexity import Choice, Text
from storaiteller.engines.llama_probe import LlamaProbe

POSITIONS = 320
"""Places asked about, if the stories have so many; each is two questions of one token."""

NEAR_TIE = 0.1
"""Nats between the trainer's first and second choice: odds of 1.1 to 1, which rounding may tip.

The server computes with activations of 8 bits where the trainer has 32. Measured with the demo model at
320 places of stories it was tuned on (and without an adapter, where it is less sure of itself): the very
same token at 97.5 % (92.2 %), the same but for near ties at 100 % (95.3 %). With an adapter that the server
ignored it would be 78.4 % and 81.6 %, with one at half its strength 87.8 % and 90.6 %.
"""


@dataclass(frozen=True, slots=True)
class Parity:
    """Shares of the places.

    ``agreement``: with the adapter on, the server's token is the trainer's first choice, or its second at
    a near tie; ``exact`` counts the first choice alone. ``differs_from_base``: the server with the adapter
    says another token than without.
    """

    agreement: float
    exact: float
    differs_from_base: float
    positions: int


def compare(
    probe: LlamaProbe,
    texts: Sequence[Text],
    choices: Sequence[Sequence[Choice]],
    *,
    tuned: Sequence[float],
    base: Sequence[float],
    positions: int = POSITIONS,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Parity:
    """Ask the server, teacher-forced, along the beginnings of the texts, about ``positions`` places in all.

    ``choices``: the trainer's, with the adapter on, one a token of each text's story. ``tuned`` and
    ``base`` are the strengths of the probe's adapters. ``report`` is told how many questions of how many
    have been answered. Raises ``GenerationFailedError``; ``ValueError`` when there is no place to ask about.
    """
    counts = _spread([len(text.story) for text in texts], positions)
    total = sum(counts)
    if not total:
        raise ValueError("there is no token to compare")
    exact = near = differs = asked = 0

    def said(text: Text, count: int, scales: Sequence[float]) -> list[int]:
        nonlocal asked
        tokens = []
        for at in range(count):
            tokens.append(probe.next_token([*text.prompt, *text.story[:at]], scales))
            asked += 1
            report(asked, 2 * total)
        return tokens

    for text, expected, count in zip(texts, choices, counts, strict=True):
        # All of one strength, then all of the other: what was read at one is no use to the other.
        with_adapter, without = said(text, count, tuned), said(text, count, base)
        for ours, plain, choice in zip(with_adapter, without, expected, strict=False):
            exact += ours == choice.first
            near += ours == choice.first or (ours == choice.second and choice.margin < NEAR_TIE)
            differs += ours != plain
    return Parity(near / total, exact / total, differs / total, total)


def _spread(lengths: Sequence[int], positions: int) -> list[int]:
    """How many places of each text: as even as their lengths allow, ``positions`` in all if that many are."""
    counts = [0] * len(lengths)
    shortest_first = sorted(range(len(lengths)), key=lambda at: lengths[at])
    left = positions
    for done, at in enumerate(shortest_first):
        counts[at] = min(lengths[at], -(-left // (len(lengths) - done)))
        left -= counts[at]
    return counts
