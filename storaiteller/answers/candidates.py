"""From the tokens a model might write next to the words they begin. Pure.

A token is often only the beginning of a word: which word, the model is asked by letting it go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from storaiteller.story import Candidate

_BEFORE_A_WORD = "\"“‘'([{«¿¡—–-*_/"
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[\"“‘'(«¿¡]*(?:[{_CJK}]|[^\W{_CJK}_]+(?:['’‑-][^\W{_CJK}_]+)*)")
_GOES_ON = re.compile(r"[\w'’‑-]")


def may_begin(token: str, before: str) -> bool:
    """Whether ``token`` begins a word after ``before``, and does not go on with its last one."""
    if not token or "\ufffd" in token or "\n" in token:
        return False  # a space alone is one: some models write digits apart from it
    last = before[-1:]
    return token[0].isspace() or not last or last.isspace() or last in _BEFORE_A_WORD or _is_cjk(last)


def word_in(text: str) -> tuple[str, bool]:
    """The word that ``text`` begins with, and whether it has ended; nothing if there is none."""
    text = text.lstrip()
    found = _WORD.match(text)
    if not found:
        return "", bool(text) and not all(character in _BEFORE_A_WORD for character in text)
    word = found[0]
    following = text[len(word) :]
    return word, _is_cjk(word[-1]) or (bool(following) and not _GOES_ON.match(following))


def merged(words: Iterable[Candidate], most: int) -> tuple[Candidate, ...]:
    """The likeliest ``most`` of ``words``; what came twice is as likely as both."""
    total: dict[str, float] = {}
    for each in words:
        total[each.text] = total.get(each.text, 0.0) + each.probability
    ordered = sorted(total.items(), key=lambda item: -item[1])
    return tuple(Candidate(text, min(probability, 1.0)) for text, probability in ordered[:most])


def _is_cjk(character: str) -> bool:
    return re.match(f"[{_CJK}]", character) is not None
