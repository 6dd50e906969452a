"""The preference ledger: what the writer chose, and what they did not, each pair a row of one CSV file.

A trainer reads the last row of each ``PairId`` and leaves out those whose ``Standing`` is 0. A pair whose
``Chosen`` is empty says only that its story is not for the writer: methods that need both sides (DPO and its
kin) leave it out; those that learn from single answers (KTO) use it as an undesired one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from storaiteller.errors import UnknownPairError, UnknownStoryError
from storaiteller.ledger import Ledger, Words
from storaiteller.ledger_csv import digest_of
from storaiteller.ledger_index import Codec, Entry
from storaiteller.preferences_csv import (
    COLUMNS,
    COUNTS,
    STRUCK_OUT,
    Kind,
    PairNote,
    PairRow,
    Preference,
    decode,
    encode,
    pair_id,
    standing_row,
    verdict_id,
)

__all__ = [
    "COUNTS",
    "STRUCK_OUT",
    "Kind",
    "PairPage",
    "PairRow",
    "Preference",
    "PreferenceLedger",
    "pair_id",
    "verdict_id",
]

GoodFor = Callable[[str], Sequence[str]]
"""The good stories for a prompt, the newest first."""


class PairPage(NamedTuple):
    """Some of the pairs, the newest first; how many there are, and how many of them count."""

    rows: list[PairRow]
    total: int
    counting: int


class PreferenceLedger(Ledger[PairRow, PairNote]):
    """The pairs at ``path``; see ``Ledger`` for what it promises."""

    def __init__(self, path: Path, *, lock_timeout: float = 10.0) -> None:
        words = Words("choices", "choice", "Your stories are safe.")
        super().__init__(path, _CODEC, words, lock_timeout=lock_timeout)

    def keep(self, pairs: Sequence[Preference]) -> int:
        """Write down the pairs of a choice, all or none; returns how many were new or have changed.

        The same pair again is nothing new. A choice that is told again, with a reason now, keeps its time and
        its standing; a new choice counts, even if the same was struck out before. Of two texts of one story
        one pair counts at most, that of the later choice: made the other way round before, that is struck
        out; made the same way before on a prompt that shows more or less of the story, it is that pair.
        """
        with self._held("The choice could not be saved") as file:
            return self._keep(file, {pair.pair_id: pair for pair in pairs}.values())

    def reject(self, verdict: Preference, good_for: GoodFor) -> bool:
        """Write down that a story is not for the writer; ``chosen`` is found here. False if it was known."""
        with self._held("It could not be saved that this story is not for you") as file:
            known = self._index.get(verdict.pair_id)
            current = self._row_at(file, known).chosen if known else ""
            chosen = _chosen_for(replace(verdict, chosen=current), good_for)
            return self._keep(file, [replace(verdict, chosen=chosen)]) > 0

    def is_struck_out(self, pair: Preference) -> bool:
        """Whether this very choice was struck out since it was made."""
        with self._held("The choices could not be read"):
            known = self._index.get(pair.pair_id)
            return bool(
                known and known.note.standing == STRUCK_OUT and known.note.choice_id == pair.choice_id
            )

    def find(self, pair_id: str) -> PairRow:
        """The last row of a pair; ``UnknownPairError`` if there is none."""
        with self._held("The choices could not be read") as file:
            return self._row_at(file, self._known(pair_id))

    def stand(self, pair_id: str, standing: int) -> PairRow:
        """Let a pair count, or strike it out; ``UnknownPairError`` if there is none.

        If it counts, no other of the same two texts of its story does.
        """
        with self._held("The choice could not be changed") as file:
            row = self._row_at(file, self._known(pair_id))
            if row.standing != standing:
                others = self._undone(file, row) if standing == COUNTS else []
                row = replace(row, standing=standing)
                self._append(file, [*others, row])
            return row

    def strike_verdict(self, story_id: str) -> bool:
        """*Not for me* holds no longer; False if it did not. ``UnknownStoryError`` if it was never said."""
        if not self.has_verdict(story_id):
            raise UnknownStoryError("Nothing was said of this story, so there is nothing to undo.")
        held = self.find(verdict_id(story_id)).standing == COUNTS
        self.stand(verdict_id(story_id), STRUCK_OUT)
        return held

    def has_verdict(self, story_id: str) -> bool:
        """Whether *Not for me* was ever said of a story."""
        with self._held("The choices could not be read"):
            return verdict_id(story_id) in self._index

    def mend(self, good_for: GoodFor, prompts: Collection[str] | None = None) -> int:
        """Let each verdict (on one of these prompts) have a chosen story that is good now, or none.

        Returns how many changed. It holds for those struck out too, so that they can be put back.
        """
        wanted = None if prompts is None else {digest_of(prompt) for prompt in prompts}
        with self._held("The choices could not be brought up to date") as file:
            changed = []
            for entry in list(self._index.values()):
                if entry.note.is_verdict and (wanted is None or entry.note.prompt in wanted):
                    row = self._row_at(file, entry)
                    chosen = _chosen_for(row, good_for)
                    if chosen != row.chosen:
                        changed.append(replace(row, chosen=chosen))
            self._append(file, changed)
            return len(changed)

    def page(self, offset: int, limit: int) -> PairPage:
        """The pairs from ``offset`` on, the newest first, whether they count or not."""
        with self._held("The choices could not be read") as file:
            notes = {name: entry.note for name, entry in self._index.items()}
            newest = sorted(notes, key=lambda name: (notes[name].created_at, name), reverse=True)
            rows = [self._row_at(file, self._index[name]) for name in newest[offset : offset + limit]]
            counting = sum(note.standing == COUNTS and not note.is_waiting for note in notes.values())
            return PairPage(rows, len(notes), counting)

    def _keep(self, file: FileIO, pairs: Collection[Preference]) -> int:
        known = self._by_sides({sides for pair in pairs for sides in (pair.sides, pair.opposite)})
        rows = [row for pair in pairs for row in self._rows_for(file, pair, known)]
        self._append(file, rows)
        return len(rows)

    def _undone(self, file: FileIO, row: PairRow) -> list[PairRow]:
        """What counts of the same two texts, either way round, struck out."""
        found = () if row.is_verdict else self._by_sides({row.sides, row.opposite}).values()
        return [self._struck_out(file, entry) for each in found for entry in _counting(each)]

    def _by_sides(self, wanted: Collection[bytes]) -> dict[bytes, list[Entry[PairNote]]]:
        """The entries of choices on these sides, the oldest first; verdicts have rules of their own."""
        found: dict[bytes, list[Entry[PairNote]]] = {sides: [] for sides in wanted}
        for entry in self._index.values():
            if entry.note.sides in found and not entry.note.is_verdict:
                found[entry.note.sides].append(entry)
        return found

    def _rows_for(
        self, file: FileIO, pair: Preference, known: dict[bytes, list[Entry[PairNote]]]
    ) -> list[PairRow]:
        """The rows to write for a pair: itself, unless it is known, and those that it strikes out."""
        if pair.is_verdict:
            return _one(self._row_for(pair))
        same = known[pair.sides]
        if again := [entry for entry in same if entry.note.choice_id == pair.choice_id]:
            return _one(self._row_for(_told_again(self._row_at(file, again[-1]), pair)))
        undone = [self._struck_out(file, entry) for entry in _counting(known[pair.opposite])]
        there = _counting(same) or same
        if there and self._index.get(pair.pair_id) not in there:
            pair = _told_again(self._row_at(file, there[-1]), pair)
        return [*undone, *_one(self._row_for(pair))]

    def _struck_out(self, file: FileIO, entry: Entry[PairNote]) -> PairRow:
        return replace(self._row_at(file, entry), standing=STRUCK_OUT)

    def _row_for(self, pair: Preference) -> PairRow | None:
        """The row to write for a pair, or None when the ledger says the same already."""
        entry = self._index.get(pair.pair_id)
        if entry is None:
            return standing_row(pair, COUNTS)
        known = entry.note
        is_same_choice = known.choice_id == pair.choice_id
        if known.digest == pair.digest() and (is_same_choice or known.standing == COUNTS):
            return None
        return (
            standing_row(pair, known.standing, known.created_at)
            if is_same_choice
            else standing_row(pair, COUNTS)
        )

    def _known(self, pair_id: str) -> Entry[PairNote]:
        entry = self._index.get(pair_id)
        if entry is None:
            raise UnknownPairError(
                "This choice is not known here. Load the page again to see those that are."
            )
        return entry


def _counting(entries: Sequence[Entry[PairNote]]) -> list[Entry[PairNote]]:
    return [entry for entry in entries if entry.note.standing == COUNTS]


def _told_again(row: PairRow, pair: Preference) -> PairRow:
    """A pair that is there, as the choice of ``pair``, with its reason if it has one."""
    return replace(row, choice_id=pair.choice_id, reason=pair.reason or row.reason)


def _one(row: PairRow | None) -> list[PairRow]:
    return [] if row is None else [row]


def _chosen_for(verdict: Preference, good_for: GoodFor) -> str:
    """A good story with the verdict's prompt: the one it has, if that is still good, else the newest."""
    good = [story for story in good_for(verdict.prompt) if story != verdict.rejected]
    return verdict.chosen if verdict.chosen in good else next(iter(good), "")


_CODEC = Codec(
    columns=COLUMNS,
    encode=encode,
    decode=decode,
    id_of=lambda row: row.pair_id,
    note_of=PairNote.of,
)
