"""Whether the order of the words matters to a model: if not, it has read no stories, whatever it has learned.

Random words can be learned too, a little: which of them there are. That makes a model less surprised by
more of them, and no perplexity tells it from a taste. But the same words in another order are then as good.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from finetune.exam.perplexity import Text
from finetune.stories.examples import Example

STORIES = 6
"""As many are read again with their words in another order; each says much."""


def in_another_order(
    examples: Sequence[Example], tokens: Callable[[str], list[int]], seed: int
) -> list[Text]:
    """The first ``STORIES`` examples with their words shuffled, as ``tokens`` makes tokens of them."""
    return [
        Text(tuple(example.prompt_tokens), tuple(tokens(shuffled(example.story, f"{seed}/{number}"))))
        for number, example in enumerate(examples[:STORIES])
    ]


def shuffled(story: str, seed: str) -> str:
    """The same words in another order, with single spaces."""
    words = story.split()
    random.Random(seed).shuffle(words)  # noqa: S311
    return " ".join(words)
