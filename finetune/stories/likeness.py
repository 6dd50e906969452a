"""Which texts are the same story told twice: runs of words they share, against all they have. Pure.

Exact, and still quick for ten thousand stories: two texts that are alike must share one of their rarest
runs, so only those are looked up, in an index from runs to the texts that hold them.
"""

from __future__ import annotations

import math
import string
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from fractions import Fraction

from storaiteller.story import WORD

RUN = 3
"""Words in a run."""

ALIKE = Fraction(3, 5)
"""Runs in both texts, as a share of the runs in either (Jaccard), from which on they are near duplicates.

A story with one word in twelve exchanged, evenly, stays above it; two stories of one strict style share a
tenth or so."""

_MARKS = string.punctuation + "“”‘’«»„…–—¡¿。、！？「」『』（）"


def same_text(text: str) -> str:
    """What two copies of a text have in common: one way to write each letter, one space between words."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def groups(texts: Sequence[str], alike: Fraction = ALIKE) -> list[list[int]]:
    """Indices of texts, in order, those that are alike together.

    Drafts of drafts belong together too: the groups are the same whatever order the texts come in.
    """
    runs = _runs(texts)
    common = Counter(run for text in runs for run in text)
    family = _Families(len(texts))
    index: dict[int, dict[int, list[int]]] = defaultdict(dict)
    for one in sorted(range(len(texts)), key=lambda number: len(runs[number])):
        rarest = sorted(runs[one], key=lambda run: (common[run], run))
        tried = {one}
        for run in _beginning(rarest, common, alike):
            for head, others in index[run].items():
                for other in () if family.same(head, one) else others:
                    if other not in tried and _are_alike(runs[one], runs[other], alike):
                        family.join(one, other)
                        break  # the others in this list are of the same family
                    tried.add(other)
        # Those still to come have as many runs or more, so that they must share more of this one's.
        for run in _beginning(rarest, common, 2 * alike / (1 + alike)):
            index[run].setdefault(family.head(one), []).append(one)
    return family.members()


def _beginning(rarest: list[int], common: Counter[int], share: Fraction) -> list[int]:
    """The rarest runs of a text: who has ``share`` of all its runs must have one of them.

    Those that no other text has are left out.
    """
    enough = len(rarest) - math.ceil(share * len(rarest)) + 1
    return [run for run in rarest[:enough] if common[run] > 1]


def _are_alike(one: frozenset[int], other: frozenset[int], alike: Fraction) -> bool:
    shared = len(one & other)
    return shared * alike.denominator >= (len(one) + len(other) - shared) * alike.numerator


def _runs(texts: Sequence[str]) -> list[frozenset[int]]:
    """Each text's runs of words as numbers; a text too short for one is padded, so that it has one."""
    numbers: dict[str, int] = {}
    told = [[numbers.setdefault(word, len(numbers) + 1) for word in _words(text)] for text in texts]
    many = len(numbers) + 1
    runs = []
    for words in told:
        words += [0] * (RUN - len(words))
        places = range(len(words) - RUN + 1)
        runs.append(frozenset((words[at] * many + words[at + 1]) * many + words[at + 2] for at in places))
    return runs


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFC", text).casefold()
    return [word.strip(_MARKS) or word for word in WORD.findall(plain)]


class _Families:
    """Numbers that are joined, directly or through others."""

    def __init__(self, count: int) -> None:
        self._next = list(range(count))

    def head(self, one: int) -> int:
        while self._next[one] != one:
            self._next[one] = self._next[self._next[one]]
            one = self._next[one]
        return one

    def same(self, one: int, other: int) -> bool:
        return self.head(one) == self.head(other)

    def join(self, one: int, to: int) -> None:
        self._next[self.head(one)] = self.head(to)

    def members(self) -> list[list[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for one in range(len(self._next)):
            found[self.head(one)].append(one)
        return list(found.values())
