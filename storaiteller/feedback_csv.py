"""The ledger's rows: story values to CSV bytes and back. Pure, no I/O.

Every field is quoted (RFC 4180), for two reasons. A lone carriage return survives only in quotes,
in Python's reader as in pandas'. And a quote or a newline byte is never part of a longer UTF-8
sequence, so rows can be told apart, and half a row recognised, without parsing or decoding them.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

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
HEADER = (",".join(COLUMNS) + "\n").encode()
FIRST_COLUMNS = ("Prompt", "Story")
"""What the ledger of the first StorAIteller had."""

GOOD, TAKEN_BACK = 1, 0

# csv stops at 131,072 characters a field, and a story may have a million. The limit belongs to the
# whole process, so it is only ever raised. (A C long: this is the most that every platform takes.)
csv.field_size_limit(2**31 - 1)

_ROW_BEGINS = re.compile(rb'"[^",\r\n]')
_ROW_BEGUN = re.compile(rb'(?:"(?:[^"]++|"")*+",){0,7}(?:"(?:[^"]++|"")*+"?)?')


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
        return hashlib.sha256(_encode((self.story_id, *fields))).digest()


@dataclass(frozen=True, slots=True)
class LedgerRow(GoodStory):
    """A story as it stands in the ledger: ``rating`` GOOD or TAKEN_BACK, the time in ISO 8601."""

    rating: int
    created_at: str


def encode_row(story: GoodStory, rating: int) -> bytes:
    """The row that rates ``story`` now. ``UnicodeEncodeError`` for a lone surrogate."""
    return _encode(
        (
            story.prompt,
            story.story,
            story.story_id,
            str(rating),
            story.settings_json,
            story.model,
            story.prompt_version,
            datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
    )


def decode_row(raw: bytes) -> LedgerRow:
    """One whole row; ``ValueError`` when it is not one of ours."""
    try:
        fields = next(csv.reader([raw.decode()], strict=True))
    except csv.Error as error:
        raise ValueError(error) from error
    prompt, story, story_id, rating, settings, model, version, created_at = fields
    if rating not in ("0", "1"):
        raise ValueError("its rating is neither 0 nor 1")
    return LedgerRow(prompt, story, story_id, settings, model, version, int(rating), created_at)


def whole_rows(lines: Iterable[bytes]) -> Iterator[bytes]:
    r"""Join the lines of a file (ending in ``\n``) into rows; an unfinished last row is left out.

    A newline ends a row when an even number of quotes stands before it: RFC 4180 doubles a quote
    inside a field, so only an open field leaves the count odd. For the same reason no line inside a
    field begins like a row: where one does, a quote is missing in the row before, which ends there
    so that it costs no other.
    """
    row: list[bytes] = []
    quotes = 0
    for line in lines:
        if row and _ROW_BEGINS.match(line):
            yield b"".join(row)
            row = []
            quotes = 0
        row.append(line)
        quotes += line.count(b'"')
        if quotes % 2 == 0 and line.endswith(b"\n"):
            yield b"".join(row)
            row = []


def is_row_begun(tail: bytes) -> bool:
    """Whether ``tail`` may be what a crash left of one of our rows, and not somebody's handiwork.

    A power cut can leave NULs: the file had grown, but what was to fill it never arrived.
    """
    return _ROW_BEGUN.fullmatch(tail.rstrip(b"\0")) is not None


def columns_of(first_line: bytes) -> tuple[str, ...]:
    """The column names, with or without quotes, a byte order mark, or a carriage return."""
    names = first_line.decode("utf-8-sig", "replace").replace('"', "").strip()
    return tuple(names.split(","))


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
    return "first-" + hashlib.sha256(_encode((prompt, story))).hexdigest()[:16]


def _encode(fields: Iterable[str]) -> bytes:
    return (",".join('"' + field.replace('"', '""') + '"' for field in fields) + "\n").encode()
