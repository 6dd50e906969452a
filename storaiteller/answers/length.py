"""Keeping a story within its words: what streams in is let out so that it ends at a sentence end.

Pure and incremental. Text far from the limit goes straight through; near it, sentences are held until
they are whole, because a word once shown is never taken away again.
"""

from __future__ import annotations

import re
import string

from storaiteller.story import WORD, count_words

LONGEST_SENTENCE = 60
"""Words. A sentence that begins nearer than this to the limit is held back until it has ended."""

LONGEST_RUN = 4_500
"""Characters without a space: a text that has more of them is no story any more, and ends."""

_CLOSERS = "\"'”’»)\\]*_"
_END = re.compile(
    rf"(?<![.!?…])[.!?…]++[{_CLOSERS}]*+(?:\s+(?=[^\sa-z])|[^\S\n]*\n\s*(?=\S))"
    r"|(?<![。！？])[。！？]++[」』”’）]*+\s*(?=\S)"
)  # possessive, so that a model stuck on "!!!!" costs no more than another
_ENDED = re.compile(rf"[.!?…。！？][{_CLOSERS}」』）]*\s*$")
_ABBREVIATION = re.compile(r"(?:^|[\s(“\"'‘])(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Mme|Mlle|vs|[A-Z])\.\s+$")
_CLAUSE = re.compile(r"[,;:–—](?=\s)|\s[–—-](?=\s)|\n")
_DANGLING = re.compile(
    r"\s+(?:an?|the|of|to|in|on|at|by|with|and|or|but|for|from|into|as|than|that|which|who|whose|"
    r"is|was|were|are|be|been|had|has|have|her|his|its|their|our|your|my|this|these|those|own|very)$",
    re.IGNORECASE,
)
_CJK_END = re.compile(r"[\u3040-\u9fff]$")
_LOOSE_END = string.whitespace + "\u00a0\u2003\u3000,;:–—-"


def ends_sentence(text: str) -> bool:
    """Whether ``text``, trailing space aside, ends as a sentence does."""
    return _ENDED.search(text) is not None


def sentence_end(text: str, start: int = 0) -> int | None:
    """Offset of the second sentence in ``text``; None while it cannot be known that one has begun."""
    for match in _END.finditer(text, start):
        if text[: match.start()].strip() and not _ABBREVIATION.search(text[: match.end()][-14:]):
            return match.end()
    return None


class SentenceKeeper:
    """Lets text through up to ``max_words`` words, and ends it at a sentence end.

    ``feed`` and ``finish`` return what may be shown now; once ``full`` is true the rest is to be
    thrown away. What they return, joined, has at most ``max_words`` words and no space at its end.
    """

    def __init__(self, max_words: int, *, enough: int | None = None) -> None:
        """``enough``: the first sentence end with at least so many words before it ends the text."""
        self.full = False
        self._max_words = max_words
        self._enough = max_words if enough is None else enough
        self._words_before = 0  # in the sentences already let out
        self._sentence = ""  # the one being written
        self._settled = self._settled_words = 0  # characters and words of it that cannot change
        self._shown = 0  # characters of it already let out
        self._loose = ""  # space and commas held back until something follows them

    def feed(self, text: str) -> str:
        """Take the next piece of the stream; return what may be shown."""
        if self.full:
            return ""
        self._sentence += text
        released = ""
        while not self.full and (end := sentence_end(self._sentence, self._settled)) is not None:
            released += self._end_sentence(end)
        self._settle()
        if not self.full:
            released += self._show_unfinished()
        self.full = self.full or len(self._sentence) - self._settled > LONGEST_RUN
        return self._without_loose_end(released)

    def finish(self, *, cut_off: bool = False) -> str:
        """The stream has ended: return the rest. ``cut_off`` if the model did not end by itself."""
        if self.full:
            return ""
        if self._words_with(self._sentence) > self._max_words:
            return self._without_loose_end(self._overrun())
        held = not self._shown and self._words_before > 0
        if cut_off and held and not ends_sentence(self._sentence):
            return ""
        return (self._loose + self._sentence[self._shown :]).rstrip()

    def _words_with(self, sentence: str) -> int:
        return self._words_before + self._settled_words + count_words(sentence[self._settled :])

    def _settle(self) -> None:
        """All before the last run of the sentence stays as it is, and is not looked at again.

        Looking at the whole of it for each token cost a millisecond a token in a text without stops.
        """
        runs = self._sentence.rstrip()
        at = max(runs.rfind(" "), runs.rfind("\n")) + 1
        if at > self._settled:
            self._settled_words += count_words(self._sentence[self._settled : at])
            self._settled = at

    def _end_sentence(self, end: int) -> str:
        words = self._words_before + count_words(self._sentence[:end])
        if words > self._max_words:
            return self._overrun()
        released = self._sentence[self._shown : end]
        self._words_before, self._sentence, self._shown = words, self._sentence[end:], 0
        self._settled = self._settled_words = 0
        self.full = words >= self._enough
        return released

    def _show_unfinished(self) -> str:
        if self._words_with(self._sentence) > self._max_words:
            return self._overrun()
        if self._words_before + LONGEST_SENTENCE > self._max_words:
            return ""
        released = self._sentence[self._shown :]
        self._shown = len(self._sentence)
        return released

    def _overrun(self) -> str:
        """The sentence does not fit: drop it, or close it early if it is on the page already."""
        self.full = True
        if self._words_before and not self._shown:
            return ""
        on_page = self._shown - len(self._loose)
        self._loose = ""
        return _close_early(self._sentence, on_page, self._max_words - self._words_before)

    def _without_loose_end(self, released: str) -> str:
        text = self._loose + released
        at = len(text.rstrip(_LOOSE_END))
        self._loose = text[at:]
        return text[:at]


def _close_early(sentence: str, shown: int, room: int) -> str:
    """What follows the first ``shown`` characters so that at most ``room`` words make a sentence.

    It ends with the last clause that fits, if that is not too short, and gets a full stop.
    """
    limit = max([match.end() for match in WORD.finditer(sentence)][room - 1], shown)
    clauses = (match.start() for match in _CLAUSE.finditer(sentence[: limit + 1]))
    cut = max((at for at in clauses if at >= max(shown, limit // 2)), default=limit)
    whole = sentence[:cut].rstrip(_LOOSE_END)
    while (dangling := _DANGLING.search(whole)) and dangling.start() >= max(shown, 1):
        whole = whole[: dangling.start()].rstrip(_LOOSE_END)
    if not ends_sentence(whole):
        whole += ("。" if _CJK_END.search(whole) else ".") + _open_quote(whole)
    return whole[shown:]


def _open_quote(text: str) -> str:
    if text.count("“") > text.count("”"):
        return "”"
    return '"' if text.count('"') % 2 else ""
