"""The rows of the feedback ledger: story values to CSV bytes and back. Pure, no I/O."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from datetime import UTC, datetime

from storaiteller.ledger_csv import decode_fields, encode_fields, header_of

COLUMNS = (
    "Prompt",
    "Story",
    "StoryId",
    "Rating",
    "Settings",
    "Model",
    "PromptVersion",
    "CreatedAt",
)
HEADER = header_of(COLUMNS)
FIRST_COLUMNS = ("Prompt", "Story")
"""What the ledger of the first StorAIteller had."""

GOOD, TAKEN_BACK = 1, 0


@dataclass(frozen=True, slots=True)
class GoodStory:
    """A story worth keeping, and where it came from.

    The ledger reads none of it: ``settings_json`` is whatever JSON the caller wants back.
    """

    prompt: str
    story: str
    story_id: str
    settings_json: str
    model: str
    prompt_version: str

    def digest(self) -> bytes:
        """The same for two stories exactly when every field is; rating and time do not count."""
        fields = (self.prompt, self.story, self.settings_json, self.model, self.prompt_version)
        return hashlib.sha256(encode_fields((self.story_id, *fields))).digest()


@dataclass(frozen=True, slots=True)
class LedgerRow(GoodStory):
    """A story as it stands in the ledger: ``rating`` GOOD or TAKEN_BACK, the time in ISO 8601."""

    rating: int
    created_at: str


def rated(story: GoodStory, rating: int) -> LedgerRow:
    """``story`` as it is rated now."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return LedgerRow(
        story.prompt,
        story.story,
        story.story_id,
        story.settings_json,
        story.model,
        story.prompt_version,
        rating,
        now,
    )


def encode_row(story: GoodStory, rating: int) -> bytes:
    """The row that rates ``story`` now. ``UnicodeEncodeError`` for a lone surrogate."""
    return encode(rated(story, rating))


def encode(row: LedgerRow) -> bytes:
    """A row as it stands. ``UnicodeEncodeError`` for a lone surrogate."""
    return encode_fields(
        (
            row.prompt,
            row.story,
            row.story_id,
            str(row.rating),
            row.settings_json,
            row.model,
            row.prompt_version,
            row.created_at,
        )
    )


def decode_row(raw: bytes) -> LedgerRow:
    """One whole row; ``ValueError`` when it is not one of ours."""
    fields = decode_fields(raw, len(COLUMNS))
    prompt, story, story_id, rating, settings, model, version, created_at = fields
    if rating not in ("0", "1"):
        raise ValueError("its rating is neither 0 nor 1")
    return LedgerRow(prompt, story, story_id, settings, model, version, int(rating), created_at)


def decode_first_ledger(raw: bytes) -> tuple[list[GoodStory], int]:
    """The stories of a two-column ledger, each once, and how many rows could not be understood.

    The first StorAIteller's file has no ids: they are made from the content, so that converting the
    same file twice gives the same stories. ``ValueError`` when it is not UTF-8.
    """
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))[1:]
    pairs = [(row[0], row[1]) for row in rows if len(row) == 2 and row[1].strip()]
    stories = [
        GoodStory(prompt, story, _first_id(prompt, story), "{}", "unknown", "unknown")
        for prompt, story in dict.fromkeys(pairs)
    ]
    return stories, sum(map(bool, rows)) - len(pairs)


def _first_id(prompt: str, story: str) -> str:
    return "first-" + hashlib.sha256(encode_fields((prompt, story))).hexdigest()[:16]
