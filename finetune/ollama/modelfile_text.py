"""Reading Ollama's Modelfiles, as Ollama itself reads them.

There is no way to escape anything in one: a value in three quotation marks ends at the next three that
end a line, and what cannot be seen is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from finetune.errors import RegisterError

MARKS = '"""'

Command = tuple[str, str]
"""An instruction and its value: ``("from", "llama3.2")``; a parameter goes by its own name."""

_INSTRUCTIONS = frozenset(
    {
        "adapter",
        "draft",
        "from",
        "license",
        "message",
        "parameter",
        "parser",
        "renderer",
        "requires",
        "system",
        "template",
    }
)


def parse(text: str) -> list[Command]:
    """The instructions of a Modelfile, in its order. Raises ``RegisterError`` where Ollama would."""
    found = []
    lines = iter(re.split(r"(?<=[\r\n])", text))
    for line in lines:
        rest = line.lstrip(" \t\r\n")
        if not rest or rest.startswith("#"):
            continue
        name, rest = _word(rest)
        if name.lower() not in _INSTRUCTIONS:
            raise RegisterError(f"A Modelfile knows no instruction {name!r}.")
        if name.lower() == "parameter":
            name, rest = _word(rest)
        found.append((name.lower(), _value(rest, lines)))
    return found


def printable(text: str) -> str:
    """What is left of a text: Ollama drops what cannot be seen, no-break spaces included."""
    return "".join(sign for sign in text if sign.isprintable() or sign in "\t\r\n")


def _word(text: str) -> tuple[str, str]:
    word = re.match(r"(\w+)[ \t]", text)
    if word is None:
        raise RegisterError(f"A Modelfile has an instruction without a value: {text.strip()!r}.")
    return word[1], text[word.end() :]


def _value(begun: str, lines: Iterator[str]) -> str:
    """A value, however many lines it takes: until its quotation marks are closed at the end of a line."""
    told = printable(begun)
    while (value := _unquoted(told.strip())) is None:
        line = next(lines, None)
        if line is None:
            raise RegisterError("A Modelfile ends in the middle of a quoted text.")
        told += printable(line)
    return value


def _unquoted(text: str) -> str | None:
    """None while its end is missing."""
    for marks in (MARKS, '"'):
        if text.startswith(marks):
            whole = len(text) >= 2 * len(marks) and text.endswith(marks)
            return text[len(marks) : -len(marks)] if whole else None
    return text
