"""What can be measured of texts without a model: how varied they are, and how much of them is copied.

Pure functions over plain texts. Words are compared without case and punctuation; a character of a
language written without spaces is a word of its own, as on the page.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from storaiteller.story import WORD

DISTINCT_WORDS = 100
"""Words at the beginning of each text that ``distinct`` looks at: a longer text repeats itself more, so
models that write at different lengths are compared on as many words each."""

COPIED_GRAM = 8
"""Words in a row that hardly ever agree by chance."""

REFRAIN_STORIES = 3
"""What stands in so many of the writer's stories is a manner of theirs, which is meant to be learned."""

_DASHES = re.compile(r"[–—…]+|--+|\.{2,}")
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")

Gram = tuple[str, ...]


def words(text: str) -> list[str]:
    """The words of a text, folded, without the punctuation around them."""
    parted = _DASHES.sub(" ", text.replace("’", "'").casefold())
    bare = (_EDGES.sub("", match[0]) for match in WORD.finditer(parted))
    return [word for word in bare if word]


def distinct(texts: Iterable[str], n: int) -> float:
    """Different n-grams as a share of all, over all texts together; 1 is most varied, 0 if there are none.

    Distinct-n of Li et al., "A Diversity-Promoting Objective Function for Neural Conversation Models"
    (NAACL 2016), taken over the first ``DISTINCT_WORDS`` words of each text.
    """
    grams = [gram for text in texts for gram in _grams(words(text)[:DISTINCT_WORDS], n)]
    return len(set(grams)) / len(grams) if grams else 0.0


def repeated_4grams(texts: Sequence[str]) -> float:
    """The share of a text's runs of four words that stood in it before; the mean over the texts.

    seq-rep-4 of Welleck et al., "Neural Text Generation with Unlikelihood Training" (ICLR 2020).
    """
    return _mean([_repeated(words(text), 4) for text in texts])


def self_bleu(texts: Sequence[str]) -> float:
    """How alike the texts are, 0 to 1: BLEU-4 of each against all the others, averaged; 0 for a single text.

    Zhu et al., "Texygen" (SIGIR 2018). Without a hit, 0.1 is counted instead of 0: method 1 of Chen and
    Cherry, "A Systematic Comparison of Smoothing Techniques for Sentence-Level BLEU" (WMT 2014).
    """
    told = [words(text) for text in texts]
    if len(told) < 2:
        return 0.0
    precisions = [_precisions(told, n) for n in (1, 2, 3, 4)]
    return _mean([_bleu(told, at, [each[at] for each in precisions]) for at in range(len(told))])


@dataclass(frozen=True, slots=True)
class Copied:
    """``share``: 8-grams of the texts that stand in the stories; ``longest``: the longest run, in words.

    A run lies in one text and one story, and is 0 when there is none of eight words or more.
    """

    share: float
    longest: int


def copied(texts: Sequence[str], stories: Sequence[str]) -> Copied:
    """How much of ``texts`` was written down from ``stories`` rather than made up.

    After McCoy et al., "How Much Do Language Models Copy From Their Training Data?" (TACL 2023). What
    stands in ``REFRAIN_STORIES`` or more of the stories is no copy: an opening line, a refrain.
    """
    told = [list(_grams(words(text), COPIED_GRAM)) for text in texts]
    found = _places(stories, {gram for grams in told for gram in grams})
    total = sum(map(len, told))
    hits = sum(1 for grams in told for gram in grams if gram in found)
    longest = max((_longest_run(grams, found) for grams in told), default=0)
    return Copied(hits / total if total else 0.0, longest)


def _places(stories: Sequence[str], wanted: set[Gram]) -> dict[Gram, set[tuple[int, int]]]:
    """Where in the stories the wanted grams stand (story, word), but for refrains."""
    found: dict[Gram, set[tuple[int, int]]] = {}
    for number, story in enumerate(stories):
        for at, gram in enumerate(_grams(words(story), COPIED_GRAM)):
            if gram in wanted:
                found.setdefault(gram, set()).add((number, at))
    return {
        gram: places
        for gram, places in found.items()
        if len({number for number, _ in places}) < REFRAIN_STORIES
    }


def _longest_run(grams: Sequence[Gram], found: dict[Gram, set[tuple[int, int]]]) -> int:
    longest = 0
    running: dict[tuple[int, int], int] = {}
    for gram in grams:
        places = found.get(gram, ())
        running = {(number, at): running.get((number, at - 1), COPIED_GRAM - 1) + 1 for number, at in places}
        longest = max(longest, *running.values(), 0)
    return longest


def _repeated(told: Sequence[str], n: int) -> float:
    grams = list(_grams(told, n))
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def _precisions(told: Sequence[Sequence[str]], n: int) -> list[float]:
    """For each text, the share of its n-grams that the others have too, each as often as one of them does."""
    counts = [Counter(_grams(text, n)) for text in told]
    most: dict[Gram, tuple[int, int, int]] = {}  # the most often in a text, which one, and in another
    for at, counter in enumerate(counts):
        for gram, count in counter.items():
            best, owner, second = most.get(gram, (0, -1, 0))
            most[gram] = (count, at, best) if count > best else (best, owner, max(second, count))
    shares = []
    for at, counter in enumerate(counts):
        hits = 0
        for gram, count in counter.items():
            best, owner, second = most[gram]
            hits += min(count, second if owner == at else best)
        total = counter.total()
        shares.append((hits or 0.1) / total if total else 0.0)
    return shares


def _bleu(told: Sequence[Sequence[str]], at: int, precisions: Sequence[float]) -> float:
    if not all(precisions):
        return 0.0  # too short to have n-grams
    length = len(told[at])
    others = [len(text) for number, text in enumerate(told) if number != at]
    nearest = min(others, key=lambda other: (abs(other - length), other))
    brevity = min(1.0, math.exp(1 - nearest / length))
    return brevity * math.exp(_mean([math.log(precision) for precision in precisions]))


def _grams(told: Sequence[str], n: int) -> Iterator[Gram]:
    return (tuple(told[at : at + n]) for at in range(len(told) - n + 1))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
