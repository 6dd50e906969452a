"""Stories in files of plain text and Markdown: bytes in, title and text out, and the other way round.

The text is what stands in the file, line ends and all. Only what names the story is taken out of it: a
heading at its beginning, or a front matter that holds nothing but the title, if the title has all of it.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

from storaiteller.errors import InvalidRequestError
from storaiteller.library.checks import MAX_TITLE
from storaiteller.library.values import MAX_TEXT_BYTES

MAX_FILE_BYTES = 4 * MAX_TEXT_BYTES + 4
"""A file of text can be as long as this in UTF-32 and still hold such a story."""

_BOMS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OTHER_KINDS = (
    (b"%PDF-", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"PK\x03\x04", "a zip or a Word document"),
    (b"\xd0\xcf\x11\xe0", "an old Word document"),
    (b"{\\rtf", "a document in Rich Text Format"),
    (b"\x1f\x8b", "a compressed file"),
)
_WORDS_TO_SAVE_BY = "Save it as .txt in UTF-8, or as .docx, and import that"
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_FRONT_TITLE = re.compile(r"^title[ \t]*+:[ \t]*+(\S[^\n]*)", re.IGNORECASE | re.MULTILINE)
_HEADING = re.compile(r"^#[ \t]++(\S[^\n]*)", re.MULTILINE)
_FENCE = re.compile(r"^(```|~~~).*?(?:^\1|\Z)", re.DOTALL | re.MULTILINE)


class FileRefusedError(InvalidRequestError):
    """A file holds no story that can be taken over; the sentence says why."""

    code = "file_refused"


@dataclass(frozen=True, slots=True)
class Written:
    """What a file holds: a title of one line, perhaps empty, and the text."""

    title: str
    text: str


def read_text(name: str, raw: bytes) -> Written:
    """The story in a .txt file, titled like the file. Raises ``FileRefusedError``."""
    return Written(title_of_name(name), checked_text(decode(raw)))


def read_markdown(name: str, raw: bytes) -> Written:
    """The story in a .md file, titled by its front matter, its first heading or, without either, its name.

    Raises ``FileRefusedError``.
    """
    text = checked_text(decode(raw))
    title, rest = _take_title(text)
    if not rest.strip():
        return Written(title, text)  # a heading alone is all the story there is
    return Written(title or title_of_name(name), rest)


def write_markdown(title: str, text: str) -> str:
    """The text under its title, as ``read_markdown`` takes it apart again."""
    return f"# {one_line(title)}\n\n{text}" if one_line(title) else text


def decode(raw: bytes) -> str:
    """The text in these bytes: UTF-8, UTF-16 or UTF-32 with a mark, or else Windows-1252.

    Raises ``FileRefusedError`` when it is something else, and when it is too long.
    """
    for begin, kind in _OTHER_KINDS:
        if raw.startswith(begin):
            raise FileRefusedError(f"This is {kind}, whatever its name says. {_WORDS_TO_SAVE_BY}.")
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            return _decode_marked(raw[len(mark) :], encoding)
    try:
        return _without_nul(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return _decode_windows(raw)


def checked_text(text: str) -> str:
    """The text, if it is one that can be kept. Raises ``FileRefusedError``."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_TEXT_BYTES:
        raise FileRefusedError(
            f"This text is {size:,} bytes long, and a story may have {MAX_TEXT_BYTES:,} at most. Cut it into "
            "parts and import each."
        )
    if not text.strip():
        raise FileRefusedError("There is no text in it.")
    return text


def base_name(name: str) -> str:
    """The file's own name, whatever folders a browser or an attacker put before it."""
    return PurePosixPath(PureWindowsPath(name).as_posix()).name


def title_of_name(name: str) -> str:
    """The file's own name without its ending, on one line."""
    return one_line(PurePosixPath(base_name(name)).stem)


def one_line(text: str) -> str:
    """A title on one line: no line ends, no control characters, not too long."""
    return _joined(text)[:MAX_TITLE].rstrip()


def is_too_long(text: str) -> bool:
    """Whether a title of ``one_line`` lacks the end of it."""
    return len(_joined(text)) > MAX_TITLE


def _joined(text: str) -> str:
    plain = "".join(" " if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") else one for one in text)
    return " ".join(plain.split())


def _decode_marked(raw: bytes, encoding: str) -> str:
    try:
        return _without_nul(raw.decode(encoding))
    except UnicodeDecodeError as error:
        named = encoding.upper().removesuffix("-LE").removesuffix("-BE")
        raise FileRefusedError(
            f"It begins like a text in {named} and does not go on as one; it may be damaged. "
            f"{_WORDS_TO_SAVE_BY}."
        ) from error


def _without_nul(text: str) -> str:
    """The text, if it is one: a file of another kind may happen to be valid UTF-8."""
    if "\0" in text or len(_CONTROLS.findall(text)) * 100 > len(text):
        raise FileRefusedError(f"This is not text: it holds control characters. {_WORDS_TO_SAVE_BY}.")
    return text


def _decode_windows(raw: bytes) -> str:
    """What an older program for Windows wrote, if it reads like a text of a Western language."""
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError:
        text = "\0"
    letters = [character for character in text if character.isalpha()]
    foreign = sum(not character.isascii() for character in letters)
    if _CONTROLS.search(text) or foreign * 3 > len(letters):
        raise FileRefusedError(
            "This is not text in UTF-8, nor in any other encoding that can be told for sure. "
            f"{_WORDS_TO_SAVE_BY}."
        )
    return text


def _take_title(text: str) -> tuple[str, str]:
    """The title that a Markdown text gives itself, or nothing, and the text without it."""
    front = _FRONT_MATTER.match(text)
    if front and (named := _FRONT_TITLE.search(front[1])):
        title = _unquoted(named[1].strip())
        is_all = not (front[1][: named.start()] + front[1][named.end() :]).strip() and not is_too_long(title)
        return one_line(title), _from_next_line(text[front.end() :]) if is_all else text
    heading = _HEADING.search(_FENCE.sub(lambda code: " " * len(code[0]), text))
    if heading is None:
        return "", text
    if text[: heading.start()].strip() or is_too_long(heading[1]):
        return one_line(
            heading[1]
        ), text  # it belongs to what stands before it too, or is not all in the title
    return one_line(heading[1]), _from_next_line(text[heading.end() :].removeprefix("\n"))


def _from_next_line(text: str) -> str:
    """Without the one blank line that parts a title from its text; further ones are the text's own."""
    return re.sub(r"\A\r?\n", "", text)


def _unquoted(value: str) -> str:
    quote = value[0]
    if len(value) > 1 and quote in "\"'" and value.endswith(quote):
        inner = value[1:-1]
        return inner.replace("''", "'") if quote == "'" else re.sub(r"\\(.)", r"\1", inner)
    return value
