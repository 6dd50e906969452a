"""Texts to measure with, the same in every run."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import cycle, islice
from typing import Literal

from storaiteller.story import count_words

_WHO = ("Ada", "Bo", "the keeper", "an old fox", "the ferryman", "her sister", "the baker")
_DID = ("followed", "remembered", "painted", "carried", "lost", "found", "counted", "sang to")
_WHAT = ("the moon", "a silver key", "the last boat", "every lantern", "the tide", "a broken clock")
_WHERE = ("by the harbour", "under the bridge", "in the long grass", "at the edge of town", "before dawn")


def story(words: int, seed: int) -> str:
    """About ``words`` words of plain English that no other ``seed`` begins with."""
    choose = random.Random(seed).choice
    sentences: list[str] = []
    total = 0
    while total < words:
        who = choose(_WHO)
        sentence = f"{who[0].upper()}{who[1:]} {choose(_DID)} {choose(_WHAT)} {choose(_WHERE)}."
        sentences.append(sentence)
        total += count_words(sentence)
    paragraphs = [" ".join(sentences[at : at + 6]) for at in range(0, len(sentences), 6)]
    return "\n\n".join(paragraphs)


def letters(count: int) -> list[str]:
    """One-letter tokens: 100,000 make 4,000 words, in sentences of 200 characters."""
    word = ("themoonrose" * 3)[:24] + " "
    sentence = f"{word * 8}"[:-2].capitalize() + ". "
    return [*islice(cycle(sentence), count - 2), "e", "."]


def words(count: int) -> list[str]:
    """One-word tokens, in sentences of twelve words."""
    sentence = ["The ", *["moon ", "rose "] * 5, "again. "]
    return list(islice(cycle(sentence), count))


def sentences(count: int) -> list[str]:
    """Sentences of one word and 4,096 characters, to fill every buffer on the way."""
    return ["M" + "oon" * 1_364 + "a. "] * count


def one_sentence(count: int) -> list[str]:
    """One-word tokens, and never a full stop."""
    return list(islice(cycle(["moon ", "rose "]), count))


Kind = Literal["letters", "words", "sentences", "one sentence"]
SCRIPTS: dict[Kind, Callable[[int], list[str]]] = {
    "letters": letters,
    "words": words,
    "sentences": sentences,
    "one sentence": one_sentence,
}
