"""Which stories are learned from and which are kept for the exam; a story never changes sides. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from finetune.stories.curate import Kept


@dataclass(frozen=True, slots=True)
class Split:
    train: tuple[Kept, ...]
    held_out: tuple[Kept, ...]


def split(stories: Sequence[Kept], share: float) -> Split:
    """Hold out about ``share`` of the stories.

    A story is held out only if that is so for every draft it stands for: what an earlier version may
    have learned from is never in an exam.
    """
    sides = [all(is_held_out(one, share) for one in story.ids) for story in stories]
    return Split(
        train=tuple(story for story, out in zip(stories, sides, strict=True) if not out),
        held_out=tuple(story for story, out in zip(stories, sides, strict=True) if out),
    )


def is_held_out(story_id: str, share: float) -> bool:
    """The same answer for an id every time, everywhere, whatever other stories there are."""
    digest = hashlib.sha256(story_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64
