"""What the writer says of whole stories, *Good story* or *Not for me*: one word a story, in two ledgers.

The later word holds; whoever says one has both ledgers for it meanwhile, the pairs' before the good
stories'. What is no longer true is taken back before the new word is written down, so that a
crash in between leaves a story without a word, never with both. Every method may be tried again after a
``LedgerError`` and then does what is missing.
"""

from __future__ import annotations

from storaiteller.feedback import GOOD, FeedbackLedger, GoodStory
from storaiteller.preferences import COUNTS, STRUCK_OUT, PairRow, Preference, PreferenceLedger


class Verdicts:
    """The good stories and the pairs, kept so that they agree.

    A story that is not for the writer is paired with a good one of the same prompt, the newest, as soon as
    there is one. When that is good no longer, another takes its place, or none.
    """

    def __init__(self, good: FeedbackLedger, pairs: PreferenceLedger) -> None:
        self._good = good
        self._pairs = pairs

    def open(self) -> None:
        """Open the pairs, and make up for what other programs said of stories meanwhile."""
        self._pairs.open()
        self._pairs.mend(self._good.good_for)

    def good(self, story: GoodStory) -> bool:
        """The story is good. False when it was already, unchanged."""
        with self._pairs.turn():
            before = self._good.find(story.story_id)
            if self._pairs.has_verdict(story.story_id):
                self._pairs.strike_verdict(story.story_id)
            is_new = self._good.save(story)
            self._mend(story.prompt, before.prompt if before else story.prompt)
            return is_new

    def take_back_good(self, story_id: str) -> bool:
        """The story is good no longer; False if it was not. ``UnknownStoryError`` if it was never saved."""
        with self._pairs.turn():
            was_good = self._good.take_back(story_id)
            row = self._good.find(story_id)
            if row:
                self._mend(row.prompt)
            return was_good

    def not_for_me(self, verdict: Preference) -> bool:
        """The story is not for the writer. False when that was known.

        A reason that comes late, when the writer has taken their word back since, changes nothing else.
        """
        with self._pairs.turn():
            if not self._pairs.is_struck_out(verdict):
                self._unsay_good(verdict.story_id)
            return self._pairs.reject(verdict, self._good.good_for)

    def take_back_not_for_me(self, story_id: str) -> bool:
        """*Not for me* holds no longer; False if it did not. ``UnknownStoryError`` if it was never said."""
        return self._pairs.strike_verdict(story_id)

    def strike_out(self, pair_id: str) -> PairRow:
        """The pair counts no longer."""
        return self._pairs.stand(pair_id, STRUCK_OUT)

    def put_back(self, pair_id: str) -> PairRow:
        """The pair counts again; if it is a verdict, its story is not a good one."""
        with self._pairs.turn():
            pair = self._pairs.find(pair_id)
            if pair.is_verdict:
                self._unsay_good(pair.story_id)
            return self._pairs.stand(pair_id, COUNTS)

    def _unsay_good(self, story_id: str) -> None:
        row = self._good.find(story_id)
        if row and row.rating == GOOD:
            self.take_back_good(story_id)

    def _mend(self, *prompts: str) -> None:
        self._pairs.mend(self._good.good_for, frozenset(prompts))
