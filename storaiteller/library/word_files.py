"""Stories in Word documents (.docx): a file in, title and text out, and the other way round.

A paragraph is a block of text between blank lines, a heading a line that begins with ``#``, emphasis stands
between stars. ``word_notes`` knows the notes, and ``word_packages`` sees to it that a document is one.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any, BinaryIO

import docx
from docx.oxml.ns import qn
from docx.text.font import Font

from storaiteller.library.emphasis import Span, marked, spans_of
from storaiteller.library.texts import (
    FileRefusedError,
    Written,
    checked_text,
    is_too_long,
    one_line,
    title_of_name,
)
from storaiteller.library.word_notes import Notes
from storaiteller.library.word_packages import NO_WORD_FILE, bare_copy

_DEEPEST_STYLE = 20
_LONGEST_PROPERTY = 255
_P, _R, _T = qn("w:p"), qn("w:r"), qn("w:t")
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
"""The same again, for older programs."""
_LEFT_OUT = {_FALLBACK, *(qn(name) for name in ("w:del", "w:moveFrom", "w:rt", "w:pPr", "w:sdtPr"))}
_TEXT_BOX = qn("w:txbxContent")
_BREAKS_OF_PAGES = ("page", "column")
_CHARACTERS = {
    qn("w:tab"): "\t",
    qn("w:ptab"): "\t",
    qn("w:cr"): "\n",
    qn("w:noBreakHyphen"): "\u2011",
    qn("w:softHyphen"): "\u00ad",
}
_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HEADING_LINE = re.compile(r"(#{1,6})[ \t]++(\S[^\n]*)\Z")


def read_word(name: str, file: BinaryIO) -> Written:
    """The story in a .docx file, titled by its paragraph in the style Title or, without one, by its name.

    Raises ``FileRefusedError``.
    """
    copy = bare_copy(file)
    try:
        title, paragraphs = _read(docx.Document(copy))
    except Exception as error:  # python-docx lets out whatever it stumbles over in a strange document
        raise FileRefusedError(NO_WORD_FILE) from error
    text = _text_of(paragraphs)
    if not text.strip() and title:
        return Written(title, checked_text(title))
    return Written(title or title_of_name(name), checked_text(text))


def write_word(title: str, text: str) -> bytes:
    """A .docx file with the title and the text, as ``read_word`` reads it again.

    Line ends become Word's, and control characters, which no Word document can hold, are left out.
    """
    document = docx.Document()
    document.core_properties.author = document.core_properties.comments = ""
    title = _NOT_XML.sub("", one_line(title))
    document.core_properties.title = title[:_LONGEST_PROPERTY]
    if title:
        document.add_paragraph(title, style="Title")
    for block in _blocks_of(_plain(text)):
        heading = _HEADING_LINE.match(block)
        paragraph = document.add_paragraph(style=f"Heading {len(heading[1])}" if heading else None)
        for line_number, line in enumerate((heading[2] if heading else block).split("\n")):
            if line_number:
                paragraph.add_run().add_break()
            for span in spans_of(line):
                run = paragraph.add_run(span.text)
                run.bold, run.italic = span.bold or None, span.italic or None
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


# --- reading --------------------------------------------------------------------------------------


def _read(document: Any) -> tuple[str, list[str]]:
    styles = {style.styleId: style for style in document.styles.element.style_lst}
    notes = Notes(document)
    title = ""
    paragraphs: list[str] = []
    for element in document.element.body.iter(_P):
        if any(around.tag in _LEFT_OUT for around in element.iterancestors()):
            continue
        style = _named(styles, element.style)
        if style == "title" and not title and not any(paragraphs):
            line = "".join(span.text for span in _spans(element, styles, notes))
            title = one_line(line)
            paragraphs = [line] if is_too_long(line) else []
        else:
            paragraphs.append(_paragraph(style, marked(_spans(element, styles, notes))))
    paragraphs += notes.paragraphs(lambda element: marked(_spans(element, styles, notes)))
    return title, paragraphs


def _paragraph(style: str, text: str) -> str:
    heading = re.fullmatch(r"heading ([1-9])", style)
    line = " ".join(text.split())
    return f"{'#' * min(int(heading[1]), 6)} {line}" if heading and line else text


def _named(styles: dict[str, Any], style_id: str | None) -> str:
    """The name of a paragraph's style, or of the heading that the style is based on, in Word's own words."""
    names = [(style.name_val or "").lower() for style in _with_bases(styles, style_id)]
    return next((name for name in names if name == "title" or name.startswith("heading ")), "")


def _with_bases(styles: dict[str, Any], style_id: str | None) -> Iterator[Any]:
    """A style and those it is based on. python-docx looks for each among all of them, every time."""
    for _ in range(_DEEPEST_STYLE):  # they may lead in a circle
        if (style := styles.get(style_id or "")) is None:
            return
        yield style
        style_id = style.basedOn_val


def _spans(paragraph: Any, styles: dict[str, Any], notes: Notes) -> Iterator[Span]:
    """The text of a paragraph, as it reads with all changes accepted."""
    for run in paragraph.iter(_R):
        if _belongs(run, paragraph):
            text = "".join(_character(each) or notes.mark(each) for each in run)
            yield Span(text, _is_on("bold", run, styles), _is_on("italic", run, styles))


def _belongs(run: Any, paragraph: Any) -> bool:
    for around in run.iterancestors():
        if around is paragraph:
            return True
        if around.tag in _LEFT_OUT or around.tag == _TEXT_BOX:
            return False
    return False


def _character(element: Any) -> str:
    if element.tag == _T:
        return re.sub(r"[\r\n]+", " ", element.text or "")
    if element.tag == qn("w:br"):
        return "" if element.get(qn("w:type")) in _BREAKS_OF_PAGES else "\n"
    return _CHARACTERS.get(element.tag, "")


def _is_on(what: str, run: Any, styles: dict[str, Any]) -> bool:
    said = (getattr(Font(each), what) for each in chain((run,), _with_bases(styles, run.style)))
    return bool(next((value for value in said if value is not None), False))


# --- text and its paragraphs ----------------------------------------------------------------------


def _text_of(paragraphs: list[str]) -> str:
    """Paragraphs parted by a blank line; each empty one between them is one more."""
    parts: list[str] = []
    blank = 0
    for paragraph in paragraphs:
        if not paragraph:
            blank += 1
            continue
        parts.append("\n" * (blank + (2 if parts else 0)) + paragraph)
        blank = 0
    return "".join(parts) + "\n" * blank


def _blocks_of(text: str) -> list[str]:
    """The paragraphs that ``_text_of`` makes this text of."""
    core = text.strip("\n")
    if not core:
        return [""] * len(text)
    start = text.index(core)
    blocks = [""] * start
    for number, part in enumerate(re.split(r"\n(\n+)", core)):
        blocks += [""] * (len(part) - 1) if number % 2 else [part]
    return blocks + [""] * (len(text) - start - len(core))


def _plain(text: str) -> str:
    lines = re.sub(r"\r\n?|[\v\f\x85\u2028\u2029]", "\n", text)
    return _NOT_XML.sub("", lines)
