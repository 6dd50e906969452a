"""Fitting a rewritten passage between the text before and after it. Pure and incremental.

The model is asked for the middle only; what it says of either side all the same is cut here, and the
seams get the space that the old passage had.
"""

from __future__ import annotations

from typing import Protocol

from storaiteller.answers.beginnings import OpeningSeam, StartTrimmer
from storaiteller.answers.endings import EndWatcher, FragmentKeeper
from storaiteller.answers.length import LONGEST_SENTENCE, SentenceKeeper, ends_sentence, sentence_end
from storaiteller.bounds import lengths
from storaiteller.story import PLAIN, Action, Passage, Wish, count_words

ROOM = 8
"""Words that may follow an opening in a part of a sentence, however long the opening is."""


class Start(Protocol):
    def feed(self, text: str) -> str: ...
    def finish(self) -> str: ...


class SpliceFilter:
    """Turns what the model streams into the passage to put between ``before`` and ``after``.

    What ``feed`` and ``finish`` return may be shown; joined it is the whole passage, with ``lead`` and
    ``trail`` around it where there is any. Once ``full`` the rest is to be thrown away.
    """

    def __init__(
        self,
        start: Start,
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
