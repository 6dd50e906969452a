"""Which of the ledger's stories are learned from: each once, and in its last wording. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from finetune.stories.likeness import groups, same_text
from storaiteller.feedback import GOOD, LedgerRow
from storaiteller.story import count_words


@dataclass(frozen=True, slots=True)
class Kept:
    """A story to learn from. ``ids``: its own, and those of the copies and drafts that it stands for."""

    row: LedgerRow
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Curated:
    """What is learned from, and how many stories were left out for what reason.

    ``likes`` is every good story of the ledger: those kept, ``unusable`` (no text, or one word),
    ``duplicates`` (the same text under another id) and ``near_duplicates`` together.
    """

    kept: tuple[Kept, ...]
    likes: int
    taken_back: int
    unusable: int
    duplicates: int
    near_duplicates: int


def curate(rows: Iterable[LedgerRow]) -> Curated:
    """Choose among the last rows of all stories, oldest first. Of what is alike the latest is kept."""
    everything = list(rows)
    likes = [row for row in everything if row.rating == GOOD]
    usable = [row for row in likes if is_usable(row.story)]
    copies: dict[str, list[LedgerRow]] = {}
    for row in usable:
        key = same_text(row.story)
        copies[key] = [*copies.pop(key, ()), row]  # so that the order is that of the latest copies
    distinct = list(copies.values())
    kept = [
        Kept(distinct[group[-1]][-1], tuple(row.story_id for number in group for row in distinct[number]))
        for group in groups(list(copies))
    ]
    return Curated(
        kept=tuple(kept),
        likes=len(likes),
        taken_back=len(everything) - len(likes),
        unusable=len(likes) - len(usable),
        duplicates=len(usable) - len(distinct),
        near_duplicates=len(distinct) - len(kept),
    )


def is_usable(story: str) -> bool:
    """Whether there is anything to learn from: two words at least, and text all through."""
    return count_words(story) >= 2 and "\0" not in story
