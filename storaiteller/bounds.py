"""How long a passage is to become, by what is wished of it. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from storaiteller.story import Action, Wish, count_words

PARAGRAPH = 60
"""Words of a passage that is put in, unless the writer says more."""

MOST_INSERTED = 1_000
"""Words of a passage that is put in, whatever the writer says."""

_SHORTER = re.compile(r"\b(short|brief|concise|tighten|trim|cut)", re.IGNORECASE)
_LONGER = re.compile(r"\b(long|expand|extend|detail|more|elaborat|add)", re.IGNORECASE)
_COUNTED = re.compile(
    r"\b(\d{1,6}|a|an|one|two|three|four|five)\s+(words?|sentences?|paragraphs?)\b", re.IGNORECASE
)
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
_WORDS_IN = {"w": 1, "s": 15, "p": PARAGRAPH}


class Bounds(NamedTuple):
    """``enough``: the first sentence end with so many words ends the passage. Never more than ``most``."""

    enough: int
    most: int


def words_wished(words: int, action: Action) -> int:
    """How many words the model is asked for in place of ``words``."""
    factor = {Action.SHORTER: 0.5, Action.LONGER: 1.6}.get(action, 1)
    return max(1, round(factor * words))


def lengths(selected: str, wish: Wish) -> Bounds:
    """How long the passage may become that replaces ``selected``."""
    words = count_words(selected)
    if wish.action is Action.PROOFREAD:
        return Bounds(words + words // 4 + 10, words + words // 4 + 10)
    if wish.action is Action.SHORTER:
        return Bounds(max(1, words * 2 // 5), max(1, words * 2 // 3))
    if wish.action is Action.LONGER:
        return Bounds(max(words + 1, words * 8 // 5), 2 * words + 20)
    if _SHORTER.search(wish.instruction):
        return Bounds(max(1, words // 2), words + words // 2 + 4)
    if _LONGER.search(wish.instruction):
        return Bounds(2 * words, 3 * words + 40)
    return Bounds(words + words // 5, words + words // 2 + 10)


def insertion_words(instruction: str) -> Bounds:
    """How long a passage becomes that is put in: about a paragraph, or what ``instruction`` says."""
    if counted := _COUNTED.search(instruction):
        number, unit = counted[1].lower(), counted[2][0].lower()
        words = (_NUMBERS.get(number) or int(number)) * _WORDS_IN[unit]
    elif _SHORTER.search(instruction):
        words = PARAGRAPH // 3
    else:
        words = 2 * PARAGRAPH if _LONGER.search(instruction) else PARAGRAPH
    words = min(max(words, 5), MOST_INSERTED)
    return Bounds(words, words + words // 2 + 10)
