"""Whether a text keeps what its settings asked for: the names, the keywords, the length. Pure.

In the manner of the checks of Zhou et al., "Instruction-Following Evaluation for Large Language Models"
(2023): only what a program can verify, so that no judge's taste comes in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from finetune.exam.measures import words
from storaiteller.story import StorySettings, count_words

LEAST_LENGTH = 0.25
"""The settings say how many words at most; a text with less than this share of them is no story yet."""

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_ENDINGS = frozenset(("", "s", "es", "d", "ed", "n", "en", "ing", "er", "ers", "ly", "y"))
_ENDINGS_FOR_E = frozenset(("ing", "y"))  # bake: baking
_ENDINGS_FOR_Y = frozenset(("ies", "ied", "ier", "ily"))  # city: cities
_ENDINGS_DOUBLED = frozenset(("ed", "ing", "er", "ers", "y"))  # run: running


@dataclass(frozen=True, slots=True)
class Kept:
    """Shares from 0 to 1. ``names`` and ``keywords`` are None where the settings ask for none."""

    names: float | None
    keywords: float | None
    length: float

    @property
    def all(self) -> float:
        """The mean of what was asked for."""
        asked = [share for share in (self.names, self.keywords, self.length) if share is not None]
        return sum(asked) / len(asked)


def kept(text: str, settings: StorySettings, *, ended: bool) -> Kept:
    """``ended``: the model ended the text by itself. One that had to be cut off has not kept its length."""
    told = words(text)
    length = count_words(text)
    fits = LEAST_LENGTH * settings.max_words <= length <= settings.max_words
    return Kept(
        names=_share([_named(name, told) for name in settings.characters]),
        keywords=_share([_occurs(keyword, told, _is_form_of) for keyword in settings.keywords]),
        length=float(ended and fits),
    )


def _share(found: Sequence[bool]) -> float | None:
    return sum(found) / len(found) if found else None


def _named(name: str, told: Sequence[str]) -> bool:
    """The whole name, or its first or last word: Captain Rust may be called Rust."""
    parts = words(name)
    shorter = [part for part in (*parts[:1], *parts[-1:]) if len(part) > 2]
    return any(_occurs(each, told, _is_name) for each in (name, *shorter))


def _occurs(wanted: str, told: Sequence[str], same: Callable[[str, str], bool]) -> bool:
    if _CJK.search(wanted):  # no spaces, so no word boundaries either
        return "".join(words(wanted)) in "".join(told)
    parts = words(wanted)
    return bool(parts) and any(
        all(same(word, part) for word, part in zip(told[at:], parts, strict=False))
        for at in range(len(told) - len(parts) + 1)
    )


def _is_name(word: str, name: str) -> bool:
    return word in (name, f"{name}s", f"{name}'s")


def _is_form_of(word: str, wanted: str) -> bool:
    """Simple inflection, in English: plural, possessive, past, -ing, -er, -ly; either may be the plural."""
    word = word.removesuffix("'s")
    return any(word in _forms(stem) for stem in (wanted, wanted.removesuffix("s")))


@cache
def _forms(stem: str) -> frozenset[str]:
    if len(stem) < 3:
        return frozenset((stem, f"{stem}s"))
    forms = {stem + ending for ending in _ENDINGS} | {stem + stem[-1] + end for end in _ENDINGS_DOUBLED}
    if stem.endswith("e"):
        forms |= {stem[:-1] + ending for ending in _ENDINGS_FOR_E}
    if stem.endswith("y"):
        forms |= {stem[:-1] + ending for ending in _ENDINGS_FOR_Y}
    return frozenset(forms)
