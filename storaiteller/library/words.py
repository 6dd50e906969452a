"""The words that a story is found by, and the passage where they stand. Pure.

Words are compared without case, accents and other marks. Han and kana characters, which are written
without spaces, go in by twos. This is done here and not in the databases, whose own ways of telling words
apart differ, so that a search finds the same in all of them.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice, takewhile
from typing import NamedTuple

EXCERPT = 200
"""Characters of an excerpt or a passage."""

_LONGEST_WORD = 64
_MOST_BYTES = 900_000
"""Of all words of one story together: PostgreSQL takes no more than a megabyte."""
_MOST_TERMS = 32
_MOST_PLACES = 200
_LEAD = 60
"""Characters shown before the first word that was found."""

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_KANA_MARKS = "\u3099\u309a"
"""They make another letter, where an accent makes the same one sound differently."""
_RUN = re.compile(rf"[{_CJK}]+|[^{_CJK}]+")
_BETWEEN = "[\u00ad\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u200b-\u200d]*"
"""Marks that may stand within a word without making it another."""


class Term(NamedTuple):
    """A word of a query, as it is found among those of a story."""

    word: str
    begins: bool
    """Whether words that only begin with it are meant too."""


def fold(text: str) -> str:
    """``text`` without case, accents and other marks: equal where words count as equal."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFC", "".join(filter(_is_kept, parts)))


def index_words(*texts: str) -> list[str]:
    """Every word that the texts can be found by, once, as they come."""
    tokens = dict.fromkeys(token for text in texts for token in text.split())
    words = dict.fromkeys(word for token in tokens for run in _runs(token) for word in _pairs(run))
    room = _MOST_BYTES

    def fits(word: str) -> bool:
        nonlocal room
        room -= len(word.encode()) + 8
        return room >= 0

    return list(takewhile(fits, words))


def terms_of(query: str) -> list[Term]:
    """What a story has to have, all of it, to be found; empty if there is no word in the query."""
    runs = list(islice((run for token in query.split() for run in _runs(token)), _MOST_TERMS))
    found = dict.fromkeys(term for run in runs for term in _asked(run))
    terms = list(islice(found, _MOST_TERMS))
    return [*terms[:-1], Term(terms[-1].word, True)] if terms else []


def excerpt(text: str) -> str:
    """How the text begins, on one line."""
    return " ".join(text.split(None, EXCERPT)[:EXCERPT])[:EXCERPT]


def passage(text: str, terms: Sequence[Term]) -> str:
    """Where most of the terms stand together, on one line; how the text begins if none is in it."""
    at = _best(_places(text, terms), len(terms))
    return excerpt(text) if at is None else _around(text, at)


def _is_kept(character: str) -> bool:
    if character in _KANA_MARKS:
        return True
    invisible = unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f"
    return not (invisible or unicodedata.combining(character))


def _is_letter(character: str) -> bool:
    """Vowel signs of Indic scripts are marks, and belong to the word."""
    return character.isalnum() or unicodedata.category(character) in ("Mn", "Mc")


def _runs(token: str) -> Iterator[str]:
    """The words in what stands between two spaces, folded; each all Han and kana, or without any."""
    letters = "".join(character if _is_letter(character) else " " for character in fold(token))
    for word in letters.split():
        yield from _RUN.findall(word)


def _is_cjk(run: str) -> bool:
    return re.match(f"[{_CJK}]", run) is not None


def _pairs(run: str) -> Iterator[str]:
    if _is_cjk(run):
        yield from (run[at : at + 2] for at in range(len(run)))  # the last alone: it may be asked for alone
    else:
        yield run[:_LONGEST_WORD]


def _asked(run: str) -> Iterator[Term]:
    if _is_cjk(run):
        single = len(run) == 1  # it stands first in a pair, or alone at the end of a run
        yield from (Term(run[at : at + 2], single) for at in range(max(len(run) - 1, 1)))
    else:
        yield Term(run[:_LONGEST_WORD], False)


def _places(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """Where in the text which of the terms are, the first of them."""
    if not terms:
        return []
    expression = re.compile("|".join(f"({_expression(term)})" for term in terms))
    enough = _MOST_PLACES if len(terms) > 1 else 1  # of one word, the first place is as good as any
    found = islice(expression.finditer(_flat(text)), enough)
    return [(match.start(), match.lastindex or 0) for match in found]


def _best(places: list[tuple[int, int]], terms: int) -> int | None:
    """Where the passage begins that has most of the terms, the first of such; None if there is no place."""
    best, most = None, 0
    for start, (at, _) in enumerate(places):
        end = bisect_left(places, (at + EXCERPT - _LEAD, 0))
        if (together := len({term for _, term in places[start:end]})) > most:
            best, most = at, together
        if most == terms:
            break
    return best


def _expression(term: Term) -> str:
    letters = _BETWEEN.join(map(re.escape, term.word))
    if _is_cjk(term.word):
        return letters
    return rf"(?<![^\W_]){letters}" + ("" if term.begins else rf"(?!{_BETWEEN}[^\W_])")


def _flat(text: str) -> str:
    """``text`` folded as far as every character keeps its place."""
    if text.isascii():
        return text.lower()
    folded = {character: fold(character) for character in set(text)}
    return text.translate({ord(one): other for one, other in folded.items() if len(other) == 1})


def _around(text: str, at: int) -> str:
    start = max(0, at - _LEAD)
    if start and (space := re.search(r"\s", text[start:at])):
        start += space.end()
    end = start + EXCERPT
    if end < len(text) and (cut := re.search(r"\s\S*$", text[at + 1 : end])):
        end = at + 1 + cut.start()
    shown = " ".join(text[start:end].split())
    return ("… " if text[:start].strip() else "") + shown + (" …" if text[end:].strip() else "")
