"""The takes of one passage, as two windows have them, in one list. Pure.

No take that is there is lost through a record that does not know of it: takes go with their whole passage.
``web/src/takes/takes-merge.js`` has the same rules; ``tests/take_examples.json`` holds both to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from storaiteller.library.values import Passage, Take

_WHOLE = ("stop", "length")


def merged(there: Sequence[Take], given: Sequence[Take]) -> tuple[Take, ...]:
    """Every take of both, each once: those that are there, in their order, then those that are new; whoever
    gives them all says in which order.

    Of a take that both have, the words count that came to their end, else the longer ones, else those given.
    A decision counts until another is given for the take; a take that is given as accepted is the only one.
    """
    known = {take.id: take for take in there}
    ours = {take.id: _of_both(known.get(take.id, take), take) for take in given}
    together = ours if known.keys() <= ours.keys() else known | ours
    accepted = {take.id for take in given if take.outcome == "accepted"}
    return tuple(_after(take, accepted) for take in together.values())


def joined(here: Passage, other: Passage) -> Passage:
    """A passage that is here with what an archive has of it: the takes of both, all else from the later one.

    The later one counts as the one that is given. Done again it changes nothing: those here stay in order.
    """
    older, later = (here, other) if other.updated_at > here.updated_at else (other, here)
    both = {take.id: take for take in merged(older.takes, later.takes)}
    in_order = dict.fromkeys(take.id for take in (*here.takes, *other.takes))
    return replace(later, created_at=here.created_at, takes=tuple(both[name] for name in in_order))


def _of_both(there: Take, given: Take) -> Take:
    words = max(given, there, key=_completeness)  # the first of two that are equal
    return replace(words, outcome=there.outcome if given.outcome == "open" else given.outcome)


def _completeness(take: Take) -> tuple[bool, int, bool]:
    return take.finish in _WHOLE, len(take.text), take.finish is not None


def _after(take: Take, accepted: set[str]) -> Take:
    is_former = bool(accepted) and take.outcome == "accepted" and take.id not in accepted
    return replace(take, outcome="discarded") if is_former else take
