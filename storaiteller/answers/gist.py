"""Titles and summaries, taken from what a model says. Pure and incremental."""

from __future__ import annotations

import re

from storaiteller.answers.length import SentenceKeeper, ends_sentence
from storaiteller.story import count_words

MOST_TITLES = 5
LONGEST_TITLE = 12
"""Words. What is longer is a sentence about titles, or about the story."""

MOST_LINES = 12
"""Lines a model may take to find five titles that differ."""

MOST_CHARACTERS = 2_000

SUMMARY_ENOUGH, SUMMARY_MOST = 60, 120
"""Words of a summary: a few sentences."""

_MARKS = re.compile(r"^\s*(?:[-*•#>]+\s+|\(?\d{1,2}[.):]\s*|title\s*\d*\s*:\s*)+", re.IGNORECASE)
_AROUND = " \t\r\"'“”‘’«»*_`#"
_TALK = re.compile(
    r"^(?:here|sure|certainly|of course|please|these|you can|i hope|note|titles?\b.*:)", re.IGNORECASE
)
_OPENER = re.compile(r"\W*(?:here|sure|certainly|of course|okay|(?:an? |the )?summary)\b", re.IGNORECASE)
_PREAMBLE = re.compile(rf"{_OPENER.pattern}[^\n:]{{0,120}}:[\s*]*(?=[^\s*])", re.IGNORECASE)
_LONGEST_OPENER, _LONGEST_PREAMBLE = 16, 160


class TitlesFilter:
    """Up to five titles, one a line, each let out when its line has ended."""

    def __init__(self) -> None:
        self.full = False
        self._line = ""
        self._lines = self._characters = 0
        self._titles: list[str] = []

    def feed(self, text: str) -> str:
        """Take the next piece of the stream; return what may be shown."""
        self._characters += len(text)
        *lines, self._line = (self._line + text).split("\n")
        released = "".join(self._take(line) for line in lines)
        self.full = self.full or self._lines >= MOST_LINES or self._characters > MOST_CHARACTERS
        return released

    def finish(self, *, cut_off: bool = False) -> str:
        """The stream has ended: return the last title, unless it is only the beginning of one."""
        return "" if cut_off else self._take(self._line)

    def _take(self, line: str) -> str:
        title = clean_title(line)
        self._lines += bool(line.strip())
        if self.full or not title or title.casefold() in map(str.casefold, self._titles):
            return ""
        self._titles.append(title)
        self.full = len(self._titles) == MOST_TITLES
        return title if len(self._titles) == 1 else f"\n{title}"


def clean_title(line: str) -> str:
    """The title in a line, without number, quotes or full stop; nothing where there is none."""
    title = _MARKS.sub("", line.strip(_AROUND)).strip(_AROUND)
    title = title.removesuffix(".").strip(_AROUND) if not title.endswith("..") else title
    title = title.rstrip(";,–—").rstrip()
    talk = _TALK.match(title) and (title.endswith(":") or ends_sentence(line) or count_words(title) > 6)
    if talk or title.endswith(":") or not re.search(r"\w", title) or count_words(title) > LONGEST_TITLE:
        return ""
    return " ".join(title.split())


class SummaryFilter:
    """A few sentences in one paragraph."""

    def __init__(self) -> None:
        self._keeper = SentenceKeeper(SUMMARY_MOST, enough=SUMMARY_ENOUGH)
        self._held: str | None = ""
        self._words_of = ""
        self._over = False

    @property
    def full(self) -> bool:
        return self._over or self._keeper.full

    def feed(self, text: str) -> str:
        """Take the next piece of the stream; return what may be shown."""
        if self._held is not None:
            self._held = (self._held + text).lstrip()
            if self._may_be_talk(self._held):
                return ""
            text = self._begin()
        return self._keeper.feed(self._in_one_paragraph(text))

    def finish(self, *, cut_off: bool = False) -> str:
        """The stream has ended: return the rest."""
        rest = self._keeper.feed(self._in_one_paragraph(self._begin())) if self._held is not None else ""
        return rest + self._keeper.finish(cut_off=cut_off)

    def _may_be_talk(self, held: str) -> bool:
        if _OPENER.match(held):
            return len(held) < _LONGEST_PREAMBLE and not _PREAMBLE.match(held)
        return len(held) < _LONGEST_OPENER

    def _begin(self) -> str:
        held, self._held = self._held or "", None
        return _PREAMBLE.sub("", held, count=1)

    def _in_one_paragraph(self, text: str) -> str:
        """Line breaks become spaces; a blank line after some sentences ends it."""
        if self._over:
            return ""
        said = self._words_of + text
        at = said.find("\n\n", max(0, len(self._words_of) - 1))
        if at >= 0 and ends_sentence(said[:at]) and count_words(said[:at]) >= SUMMARY_ENOUGH // 3:
            self._over = True
            text = said[len(self._words_of) : at]
        self._words_of = said
        return re.sub(r"\s*\n\s*", " ", text)
