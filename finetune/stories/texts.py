"""The writer's own texts in files of other programs: CSV, chat lines, folders of text. Read as a stream.

Readers yield what they find in the order of the file, refused texts in their places; ``where`` is for the
writer: "line 12", or a file's name.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.errors import ImportRefusedError
from storaiteller.story import MAX_TEXT_CHARACTERS, count_words

TEXT_KINDS = frozenset({".txt", ".md"})
LONGEST_LINE = 16 * MAX_TEXT_CHARACTERS
"""Bytes: the longest story as JSON, every letter of it escaped, with some room."""

EMPTY = "empty"
ONE_WORD = "of one word"
HOLDS_NUL = "not text: they hold NUL characters"
NOT_UTF8 = "not UTF-8 text"
TOO_LONG = f"longer than {MAX_TEXT_CHARACTERS:,} characters"
BROKEN_ROW = "not a whole row with a prompt and a story"
NOT_A_CHAT = "not a chat with an answer"
OTHER_KIND = "neither .txt nor .md"
OUTSIDE = "links that lead out of the folder"
UNREADABLE = "not readable"

Hear = Callable[[float, float], None]
"""Told how much has been read, of how much: bytes of a file, or files of a folder."""


@dataclass(frozen=True, slots=True)
class Found:
    where: str
    prompt: str
    story: str


@dataclass(frozen=True, slots=True)
class Refused:
    where: str
    reason: str


def read_csv(path: Path, hear: Hear) -> Iterator[Found | Refused]:
    """Rows with a Prompt and a Story, told apart by commas, semicolons or tabs, whichever the header has.

    Raises ``ImportRefusedError`` when the first line does not name both columns.
    """
    lines = _text_lines(path, hear)
    delimiter, prompt_at, story_at = _columns(path, next(lines, ""))
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        where = f"line {rows.line_num + 2}"
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield Refused(where, BROKEN_ROW)
            continue
        if len(row) > max(prompt_at, story_at):
            yield _checked(where, row[prompt_at], row[story_at])
        elif row:
            yield Refused(where, BROKEN_ROW)


def read_chats(path: Path, hear: Hear) -> Iterator[Found | Refused]:
    """A JSON object a line: of its ``messages`` the last answer, and what was asked for before it."""
    for number, line in enumerate(_byte_lines(path, hear), start=1):
        where = f"line {number}"
        if len(line) > LONGEST_LINE:
            yield Refused(where, TOO_LONG)
        elif line.strip():
            try:
                prompt, story = _chat(json.loads(line.decode("utf-8-sig")))
            except UnicodeDecodeError:
                yield Refused(where, NOT_UTF8)
            except (ValueError, TypeError, KeyError, RecursionError):
                yield Refused(where, NOT_A_CHAT)
            else:
                yield _checked(where, prompt, story)


def read_folder(folder: Path, hear: Hear) -> Iterator[Found | Refused]:
    """A story a file, those in folders inside too; hidden ones and links to elsewhere are left alone."""
    root = folder.resolve()
    files = list(_files(root))
    for number, path in enumerate(files, start=1):
        hear(number, len(files))
        where = str(path.relative_to(root))
        if not Path(os.path.realpath(path)).is_relative_to(root):
            yield Refused(where, OUTSIDE)
        elif path.suffix.lower() not in TEXT_KINDS:
            yield Refused(where, OTHER_KIND)
        else:
            yield _read_text(path, where)


def _read_text(path: Path, where: str) -> Found | Refused:
    longest = 4 * MAX_TEXT_CHARACTERS + 3  # bytes, with a byte order mark
    if not path.is_file():  # a pipe would keep us waiting
        return Refused(where, UNREADABLE)
    try:
        with path.open("rb") as file:
            raw = file.read(longest + 1)
    except OSError:
        return Refused(where, UNREADABLE)
    if len(raw) > longest:
        return Refused(where, TOO_LONG)
    return _checked(where, "", raw.decode("utf-8-sig", "surrogateescape"))


def _files(root: Path) -> Iterator[Path]:
    """All that is not hidden, in a settled order; links to folders as well, which are not followed."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links = [name for name in folders if Path(folder, name).is_symlink()]
        yield from (Path(folder, name) for name in sorted([*files, *links]) if not name.startswith("."))


def _checked(where: str, prompt: str, story: str) -> Found | Refused:
    """The text without white space around it and with one kind of line end, if it is a story at all."""
    found = Found(where, _tidy(prompt), _tidy(story))
    reason = _trouble(found.prompt + found.story) or _too_short(found.story)
    if max(len(found.prompt), len(found.story)) > MAX_TEXT_CHARACTERS:
        reason = TOO_LONG
    return Refused(where, reason) if reason else found


def _tidy(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _trouble(text: str) -> str | None:
    try:
        text.encode()
    except UnicodeEncodeError:  # bytes that were let through, or half of a pair in JSON
        return NOT_UTF8
    return HOLDS_NUL if "\0" in text else None


def _too_short(story: str) -> str | None:
    words = count_words(story)
    return None if words > 1 else (EMPTY, ONE_WORD)[words]


def _columns(path: Path, header: str) -> tuple[str, int, int]:
    for delimiter in ",;\t":
        try:
            names = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])]
            return delimiter, names.index("prompt"), names.index("story")
        except (csv.Error, ValueError):
            continue
    raise ImportRefusedError(
        f"The first line of {path.name} does not name the columns Prompt and Story. Add such a line, and "
        "save the file as CSV in UTF-8."
    )


def _chat(told: Any) -> tuple[str, str]:
    """Prompt and story. ``ValueError``, ``TypeError`` or ``KeyError`` when it is not a chat."""
    messages = told["messages"]
    answers = [number for number, message in enumerate(messages) if message["role"] == "assistant"]
    if not answers:
        raise ValueError("nobody answers")
    asked = {message["role"]: message for message in messages[: answers[-1]]}
    question = asked.get("user") or asked.get("system")
    return _content(question) if question else "", _content(messages[answers[-1]])


def _content(message: Any) -> str:
    content = message["content"]
    if isinstance(content, list) and all(part["type"] == "text" for part in content):
        content = "".join(part["text"] for part in content)
    if not isinstance(content, str):
        raise TypeError("only text can be learned from")
    return content


def _text_lines(path: Path, hear: Hear) -> Iterator[str]:
    """Lines as text; bytes that are not UTF-8 come through as lone surrogates."""
    for number, line in enumerate(_byte_lines(path, hear)):
        if len(line) > LONGEST_LINE:
            raise ImportRefusedError(
                f"Line {number + 1:,} of {path.name} is longer than any story. Is this really a CSV file?"
            )
        yield line.decode("utf-8-sig" if number == 0 else "utf-8", "surrogateescape")


def _byte_lines(path: Path, hear: Hear) -> Iterator[bytes]:
    """Lines with their ends; of one that is too long only the beginning, a byte more than is allowed."""
    total = path.stat().st_size
    with path.open("rb") as file:
        while line := file.readline(LONGEST_LINE + 1):
            rest = line
            while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
                rest = file.readline(LONGEST_LINE + 1)
            hear(file.tell(), total)
            yield line
