"""Rows of a ledger as bytes: fields to CSV and back, and where one row ends. Pure, no I/O.

Every field is quoted (RFC 4180), for two reasons. A lone carriage return survives only in quotes,
in Python's reader as in pandas'. And a quote or a newline byte is never part of a longer UTF-8
sequence, so rows can be told apart, and half a row recognised, without parsing or decoding them.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator

# csv stops at 131,072 characters a field, and a story may have a million. The limit belongs to the
# whole process, so it is only ever raised. (A C long: this is the most that every platform takes.)
csv.field_size_limit(2**31 - 1)

_ROW_BEGINS = re.compile(rb'"[^",\r\n]')


def header_of(columns: Iterable[str]) -> bytes:
    """The first line of a ledger."""
    return (",".join(columns) + "\n").encode()


def encode_fields(fields: Iterable[str]) -> bytes:
    """One row. ``UnicodeEncodeError`` for a lone surrogate."""
    return (",".join('"' + field.replace('"', '""') + '"' for field in fields) + "\n").encode()


def digest_of(text: str) -> bytes:
    """What an index keeps of a text, to know it again."""
    return hashlib.sha256(text.encode()).digest()


def decode_fields(raw: bytes, number: int) -> tuple[str, ...]:
    """The fields of one whole row; ``ValueError`` when they are not ``number``, or no text."""
    try:
        fields = next(csv.reader([raw.decode()], strict=True))
    except csv.Error as error:
        raise ValueError(error) from error
    if len(fields) != number:
        raise ValueError(f"it has {len(fields)} fields, and not {number}")
    return tuple(fields)


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


def is_row_begun(tail: bytes, columns: int) -> bool:
    """Whether ``tail`` may be what a crash left of one of our rows, and not somebody's handiwork.

    A power cut can leave NULs: the file had grown, but what was to fill it never arrived.
    """
    begun = rb'(?:"(?:[^"]++|"")*+",){0,%d}(?:"(?:[^"]++|"")*+"?)?' % (columns - 1)
    return re.fullmatch(begun, tail.rstrip(b"\0")) is not None


def columns_of(first_line: bytes) -> tuple[str, ...]:
    """The column names, with or without quotes, a byte order mark, or a carriage return."""
    names = first_line.decode("utf-8-sig", "replace").replace('"', "").strip()
    return tuple(names.split(","))


def is_rearranged(first_line: bytes, columns: Iterable[str]) -> bool:
    """Whether a spreadsheet may have made it of these columns: moved, with others, or parted otherwise."""
    return set(columns) <= set(re.split("[,;\t]", ",".join(columns_of(first_line))))
