"""The feedback ledger: every story the writer called good, each a durable row of one CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from storaiteller import durable
from storaiteller.errors import UnknownStoryError
from storaiteller.feedback_csv import (
    COLUMNS,
    FIRST_COLUMNS,
    GOOD,
    HEADER,
    TAKEN_BACK,
    GoodStory,
    LedgerRow,
    decode_first_ledger,
    decode_row,
    encode,
    encode_row,
    rated,
)
from storaiteller.ledger import Ledger, SetAside, UnfitError, Words
from storaiteller.ledger_csv import columns_of, digest_of
from storaiteller.ledger_index import Codec

__all__ = ["GOOD", "TAKEN_BACK", "FeedbackLedger", "GoodStory", "LedgerRow", "SetAside"]


class _Note(NamedTuple):
    rating: int
    digest: bytes
    prompt: bytes


class FeedbackLedger(Ledger[LedgerRow, _Note]):
    """The good stories at ``path``; see ``Ledger`` for what it promises."""

    def __init__(self, path: Path, *, lock_timeout: float = 10.0) -> None:
        words = Words("good stories", "story", "The text is still in the editor.")
        super().__init__(path, _CODEC, words, lock_timeout=lock_timeout)

    def save(self, story: GoodStory) -> bool:
        """Rate ``story`` good. False when it was already, unchanged: the ledger keeps its one row.

        On return the row is on the disk.
        """
        with self._held("The story could not be saved") as file:
            known = self._index.get(story.story_id)
            if known and known.note.rating == GOOD and known.note.digest == story.digest():
                return False
            self._append(file, [rated(story, GOOD)])
            return True

    def take_back(self, story_id: str) -> bool:
        """Rate a saved story not good after all. False when that was done already."""
        with self._held("The story could not be taken back") as file:
            known = self._index.get(story_id)
            if known is None:
                raise UnknownStoryError("This story was never saved, so there is nothing to undo.")
            if known.note.rating == TAKEN_BACK:
                return False
            self._append(file, [rated(self._row_at(file, known), TAKEN_BACK)])
            return True

    def find(self, story_id: str) -> LedgerRow | None:
        """The last row of a story, or None when it was never saved."""
        with self._held("The good stories could not be read") as file:
            known = self._index.get(story_id)
            return known and self._row_at(file, known)

    def good_for(self, prompt: str) -> list[str]:
        """The texts that are good stories for just this prompt, the newest first."""
        with self._held("The good stories could not be read") as file:
            digest = digest_of(prompt)
            asked = [each for each in self._index.values() if each.note.prompt == digest]
            return [self._row_at(file, each).story for each in reversed(asked) if each.note.rating == GOOD]

    def _take_over(self, first_line: bytes) -> bool:
        if columns_of(first_line) != FIRST_COLUMNS:
            return False
        old = self.path.read_bytes()
        try:
            stories, lost = decode_first_ledger(old)
        except ValueError as error:
            why = "comes from the first StorAIteller but is not UTF-8"
            raise UnfitError(why, "Save it anew as UTF-8, or move it elsewhere,") from error
        beside = self._beside("first", old)
        durable.replace(self.path, HEADER + b"".join(encode_row(story, GOOD) for story in stories))
        self._report(
            beside,
            f"{len(stories):,} stories of the first StorAIteller were taken over, and {lost:,} of "
            f"its rows were not understood. Its own file is kept as {beside.name}.",
        )
        return True


_CODEC: Codec[LedgerRow, _Note] = Codec(
    columns=COLUMNS,
    encode=encode,
    decode=decode_row,
    id_of=lambda row: row.story_id,
    note_of=lambda row: _Note(row.rating, row.digest(), digest_of(row.prompt)),
)
