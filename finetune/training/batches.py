"""Which examples are learned from together: no padding, and no story sees another.

Examples stand one after the other in a row, each with positions that begin at zero again; from those
Transformers makes a mask that keeps them apart (its "packed sequences").
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finetune.stories.examples import Example

if TYPE_CHECKING:
    import torch

IGNORED = -100
"""The label of a token that is not learned, as PyTorch's cross entropy has it."""

STEPS, LEAST_BATCH, MOST_BATCH = 40, 256, 8_192

Row = list[Example]
Batch = list[Row]


@dataclass(frozen=True, slots=True)
class Tensors:
    """A row for the model, each of shape (1, tokens); ``learned`` is how many tokens have a label."""

    input_ids: torch.Tensor
    position_ids: torch.Tensor
    labels: torch.Tensor
    learned: int

    def inputs(self) -> dict[str, Any]:
        return {"input_ids": self.input_ids, "position_ids": self.position_ids, "labels": self.labels}


def shuffled(examples: Sequence[Example], seed: int, epoch: int) -> list[Example]:
    """The order of one epoch: the same for the same seed, so that a run can be resumed at its start."""
    order = list(examples)
    random.Random(f"{seed}/{epoch}").shuffle(order)  # noqa: S311
    return order


def usual_batch(examples: Sequence[Example]) -> int:
    """Tokens of a batch with which an epoch has about ``STEPS`` steps: one story, where there are few.

    With ten steps an epoch, three epochs taught the demo model hardly anything that could be seen.
    """
    return max(LEAST_BATCH, min(MOST_BATCH, sum(map(len, examples)) // STEPS))


def batches(examples: Sequence[Example], batch_tokens: int, row_tokens: int) -> list[Batch]:
    """Batches of at most ``batch_tokens``, in rows of at most ``row_tokens``; a longer example is alone."""
    return [rows(batch, row_tokens) for batch in _filled(examples, batch_tokens)]


def rows(examples: Sequence[Example], row_tokens: int) -> list[Row]:
    """As few rows as first-fit-decreasing finds: its waste is none, for rows are not padded."""
    found: list[Row] = []
    for example in sorted(examples, key=len, reverse=True):
        for row in found:
            if sum(map(len, row)) + len(example) <= row_tokens:
                row.append(example)
                break
        else:
            found.append([example])
    return found


def tensors(row: Row, device: Any = "cpu") -> Tensors:
    import torch

    tokens: list[int] = []
    positions: list[int] = []
    labels: list[int] = []
    for example in row:
        tokens += example.prompt_tokens + example.story_tokens
        positions += range(len(example))
        labels += [IGNORED] * len(example.prompt_tokens) + example.story_tokens
    learned = sum(len(example.story_tokens) for example in row)
    ids, places, targets = (torch.tensor([values], device=device) for values in (tokens, positions, labels))
    return Tensors(ids, places, targets, learned)


def _filled(examples: Sequence[Example], most: int) -> list[list[Example]]:
    batch: list[Example] = []
    done = []
    for example in examples:
        if batch and sum(map(len, batch)) + len(example) > most:
            done.append(batch)
            batch = []
        batch.append(example)
    return [*done, batch] if batch else done
