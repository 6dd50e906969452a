"""Taking a story over from an archive, in the transaction that is handed in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from storaiteller.library import stories, takes, timeline
from storaiteller.library.values import Adopted, Passage, Story, VersionText


def adopt(
    connection: Connection, given: Story, versions: Sequence[VersionText], passages: Sequence[Passage]
) -> Adopted:
    """Add what is not there of a story that was checked, and all that belongs to it."""
    while (found := stories.look_up(connection, given.id)) and found[1].text != given.text:
        other = hashlib.sha256(f"{given.id}\n{given.text}".encode()).hexdigest()[:32]
        given = replace(given, id=other)
    key, before = found or (stories.add(connection, given), given)
    back = before.trashed_at is not None and given.trashed_at is None
    if back:
        stories.set_trashed(connection, key, None)
    told = before.origins is None and given.origins is not None
    if told:
        stories.set_origins(connection, key, given.origins)
    without = bool(versions) and timeline.last_number(connection, key) == 0
    if without:
        timeline.add_all(connection, key, versions)
    added, left_out = takes.adopt(connection, key, passages)
    is_taken = found is None or back or told or without or added > 0
    return Adopted(stories.find(connection, given.id)[1], is_taken, left_out)
