"""Fitting a rewritten passage between the text before and after it. Pure and incremental.

The model is asked for the middle only; what it says of either side all the same is cut here, and the
seams get the space that the old passage had.
"""

from __future__ import annotations

import re
import string
from typing import Protocol

from storaiteller.bounds import lengths
from storaiteller.length import LONGEST_SENTENCE, SentenceKeeper, ends_sentence, sentence_end
from storaiteller.story import PLAIN, UNSPACED, WORD, Action, Passage, Wish, count_words

ROOM = 8
"""Words that may follow an opening in a part of a sentence, however long the opening is."""

SHORTEST_ECHO = 12
"""Characters. Agreement with a neighbour that is shorter than this is taken for chance."""

LONGEST_ECHO = 2_000
"""Characters before the passage in which an echo may begin, besides the very beginning."""

MARKER = 18
"""Characters of the text after the passage, up to the next word's end, that betray that the model
has reached it."""

_OPENERS = ("here", "sure", "certainly", "of course", "okay", "the new", "the rewritten")
_TALKERS = (
    "the story ", "this story ", "this passage ", "the passage ", "this is a ", "this is the ", "i'm ",
    "i am ", "i will ", "you have ", "your ", "please ", "to write ", "to rewrite ",
)  # fmt: skip
_TALK = re.compile(
    r"\b(?:the|this|your|a) (?:new |rewritten |revised |entire )?(?:story|passage|draft|version|text)"
    r"\b.{0,40}\b(?:(?:ends?|begins?|continues?) (?:by|with)|could continue|can be|has been|written)\b"
    r"|\b(?:new|rewritten|revised) (?:passage|version)\b|\bextra comment|\benjoyed my\b|\bnext draft\b"
    r"|\byou have written\b|\bin a \w+ (?:register|manner)\b",
    re.IGNORECASE,
)
"""How a small model speaks of its task instead of doing it, as seen in its answers."""

_PREAMBLE = re.compile(
    r"[^\n]{0,160}?:\s*\n+\s*|[^\n]{0,80}?\b(?:new|rewritten|revised) passage[^\n:]{0,60}:\s*",
    re.IGNORECASE,
)
_LOOSE_END = string.whitespace + "\u00a0\u3000.!?…。！？,;:–—-"


class SpliceFilter:
    """Turns what the model streams into the passage to put between ``before`` and ``after``.

    What ``feed`` and ``finish`` return may be shown; joined it is the whole passage, with ``lead`` and
    ``trail`` around it where there is any. Once ``full`` the rest is to be thrown away.
    """

    def __init__(
        self,
        start: _Start,
        end: EndWatcher,
        length: SentenceKeeper | FragmentKeeper,
        *,
        lead: str = "",
        trail: str = "",
    ) -> None:
        self._start, self._end, self._length = start, end, length
        self._lead, self._trail = lead, trail
        self._begun = False

    @property
    def full(self) -> bool:
        return self._end.full or self._length.full

    def feed(self, text: str) -> str:
        """Take the next piece of the stream; return what may be shown."""
        if self.full:
            return ""
        return self._show(self._length.feed(self._end.feed(self._start.feed(text))))

    def finish(self, *, cut_off: bool = False) -> str:
        """The stream has ended, or is ``full``: return the rest of the passage.

        ``cut_off`` if the model was stopped, and not by what it reached.
        """
        rest = self._end.feed(self._start.finish()) + self._end.finish()
        shown = self._show(self._length.feed(rest) + self._length.finish(cut_off=cut_off or self._end.full))
        return shown + self._trail if self._begun else ""

    def _show(self, text: str) -> str:
        if not text:
            return ""
        lead = "" if self._begun else self._lead
        self._begun = True
        return lead + text


class PassageFilter(SpliceFilter):
    """The passage that replaces an old one, with the leading and trailing space of that.

    Where the wish has an opening, what comes after it: the opening itself is not said again, but it
    counts among the words.
    """

    def __init__(self, passage: Passage, wish: Wish = PLAIN) -> None:
        core = passage.selected.strip()
        at = passage.selected.index(core)
        lead, trail = passage.selected[:at], passage.selected[at + len(core) :]
        may_part = wish.action in (Action.DIALOGUE, Action.LONGER) and not is_fragment(core, passage.after)
        super().__init__(
            OpeningSeam(wish.opening) if wish.opening else StartTrimmer(passage.before),
            EndWatcher(
                passage.after, one_paragraph="\n" not in core and not may_part, begun=bool(wish.opening)
            ),
            _keeper(core, passage.after, wish),
            lead="" if wish.opening else lead,
            trail=trail,
        )


def _keeper(core: str, after: str, wish: Wish) -> SentenceKeeper | FragmentKeeper:
    enough, most = lengths(core, wish)
    said = count_words(wish.opening)
    if is_fragment(core, after):
        plain = not wish.instruction and wish.action is Action.REWRITE
        most = min(most, 2 * enough + 2) if plain else most
        return FragmentKeeper(max(most - said, ROOM), one_sentence=sentence_end(core) is None)
    if not said:
        return SentenceKeeper(most, enough=enough)
    return SentenceKeeper(max(most - said, LONGEST_SENTENCE), enough=max(1, enough - said))


def is_fragment(core: str, after: str) -> bool:
    """Whether the passage stops inside a sentence that goes on after it, on the same line."""
    following = after.lstrip(" \t")
    return bool(following) and following[0] not in "\r\n" and not ends_sentence(core)


class _Start(Protocol):
    def feed(self, text: str) -> str: ...
    def finish(self) -> str: ...


class OpeningSeam:
    """The space between an opening and what the model writes after it."""

    def __init__(self, opening: str) -> None:
        self._after_space = opening != opening.rstrip()
        unspaced = UNSPACED.match(opening[-1:])
        self._after_sentence = not self._after_space and not unspaced and ends_sentence(opening)
        self._begun = False

    def feed(self, text: str) -> str:
        if self._begun:
            return text
        text = text.lstrip() if self._after_space else text
        if text and self._after_sentence and not text[0].isspace():
            text = f" {text}"
        self._begun = bool(text)
        return text

    def finish(self) -> str:
        return ""


class StartTrimmer:
    """Holds the beginning back until it is clear that it is the passage.

    What it repeats of the end of ``before`` is cut, and a first sentence about the task is as well.
    """

    def __init__(self, before: str) -> None:
        before = before.rstrip()
        reach = max(0, len(before) - LONGEST_ECHO)
        starts = [0, *(match.start() for match in WORD.finditer(before, reach))]
        tails = (before[at:] for at in starts)
        self._tails = [tail for tail in tails if len(tail) >= SHORTEST_ECHO]
        self._openers = _TALKERS if before else _OPENERS + _TALKERS
        self._held: str | None = ""

    def feed(self, text: str) -> str:
        if self._held is None:
            return text
        self._held = (self._held + text).lstrip()
        return "" if self._undecided(self._held) else self.finish()

    def finish(self) -> str:
        held, self._held = self._held or "", None
        if held.lower().startswith(_OPENERS) and _PREAMBLE.match(held):
            return _PREAMBLE.sub("", held, count=1)
        if held.lower().startswith(_TALKERS):
            end = sentence_end(held) or len(held)
            return held[end:] if _TALK.search(held[:end]) else held
        echo = max((len(tail) for tail in self._tails if held.startswith(tail)), default=0)
        return held[echo:].lstrip()

    def _undecided(self, held: str) -> bool:
        if not held:
            return True
        opening = held.lower()
        if opening.startswith(_TALKERS):
            return sentence_end(held) is None and len(held) < 300
        if opening.startswith(self._openers):
            return len(held) < 160 and "\n" not in held.rstrip()
        if any(opener.startswith(opening) for opener in self._openers):
            return True
        return any(tail.startswith(held) for tail in self._tails)


class EndWatcher:
    """Ends the passage where the model goes on to ``after``, or to a paragraph nobody asked for."""

    def __init__(self, after: str, *, one_paragraph: bool, begun: bool = False) -> None:
        self.full = False
        self._marker = _marker(after)
        # Too short to be sure of in mid-stream: cut only where the model ends with it.
        self._last_words = after.strip() if not self._marker else ""
        self._one_paragraph = one_paragraph
        self._held = ""
        self._anything = begun

    def feed(self, text: str) -> str:
        if self.full:
            return ""
        self._held += text
        sure = len(self._held) - self._possible_beginning(self._marker or self._last_words)
        return self._release(sure)

    def finish(self) -> str:
        if self._last_words and self._held.strip() == self._last_words:
            self._held = ""
        return self._release(len(self._held))

    def _release(self, sure: int) -> str:
        """Let out the first ``sure`` characters, or those before the end that is found in them."""
        ends = []
        if self._marker and (at := self._held.find(self._marker)) >= 0:
            ends.append(at)
        if self._one_paragraph:
            text_begins = 0 if self._anything else len(self._held) - len(self._held.lstrip())
            if (at := self._held.find("\n", text_begins, sure)) >= 0:
                ends.append(at)
        released, self._held = self._held[: min([sure, *ends])], self._held[sure:]
        if ends:
            self.full, self._held = True, ""
        self._anything = self._anything or bool(released.strip())
        return released

    def _possible_beginning(self, following: str) -> int:
        """Characters at the end of what is held that may be the beginning of ``following``.

        The space before it counts in: whether it stays depends on what comes.
        """
        held = self._held.rstrip() if self._held.strip() == following else self._held
        longest = min(len(following), len(held))
        found = next((n for n in range(longest, 0, -1) if following.startswith(held[-n:])), 0)
        return found + len(self._held) - len(held)


def _marker(after: str) -> str:
    """What betrays the text after: its beginning, up to a word's end; nothing if that is too short."""
    text = after.strip()
    if len(text) <= MARKER:
        sure = len(text) >= SHORTEST_ECHO or (" " in text and ends_sentence(text))
        return text if sure else ""
    word_ends = text.find(" ", MARKER)
    return text[: word_ends + 1 if 0 < word_ends < 3 * MARKER else MARKER]


class FragmentKeeper:
    """Keeps a part of a sentence a part: no full stop at its end, and no sentence too many."""

    def __init__(self, max_words: int, *, one_sentence: bool) -> None:
        self.full = False
        self._max_words = max_words
        self._one_sentence = one_sentence
        self._text = ""
        self._shown = 0

    def feed(self, text: str) -> str:
        if self.full:
            return ""
        self._text += text
        ends = [match.end() for match in WORD.finditer(self._text)]
        if len(ends) > self._max_words:
            self._text, self.full = self._text[: ends[self._max_words - 1]], True
        if self._one_sentence and (end := sentence_end(self._text)) is not None:
            self._text, self.full = self._text[:end], True
        at = max(self._shown, len(self._text.rstrip(_LOOSE_END)))
        released, self._shown = self._text[self._shown : at], at
        return released

    def finish(self, *, cut_off: bool = False) -> str:
        """Nothing is left: loose punctuation at the end belongs to what comes after."""
        return ""


class ContinuationFilter:
    """A ``SentenceKeeper`` for what follows ``text``, with the right space between the two."""

    def __init__(self, text: str, max_words: int) -> None:
        self._keeper = SentenceKeeper(max_words)
        self._seam = OpeningSeam(text)

    @property
    def full(self) -> bool:
        return self._keeper.full

    def feed(self, text: str) -> str:
        """Take the next piece of the stream; return what may be shown."""
        return self._keeper.feed(self._seam.feed(text))

    def finish(self, *, cut_off: bool = False) -> str:
        """The stream has ended: return the rest."""
        return self._keeper.finish(cut_off=cut_off)
