"""The package that a Word document is, let in part by part: only its own XML, unpacked up to a limit.

No picture, no macro, and nothing from elsewhere comes any further.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from storaiteller.library import zips
from storaiteller.library.texts import FileRefusedError

MAX_XML_BYTES = 48 * 1024 * 1024
"""What a document may unpack to, pictures aside, which are not unpacked: several long novels."""

MAX_MARKUP = 3_000_000
"""Tags and attributes in it: each costs memory, however short it is."""

_MAX_DIRECTORY_BYTES = 512 * 1024
_CONTENT_TYPES = "[Content_Types].xml"

NO_WORD_FILE = (
    "This is no Word document, or it is damaged. Open it in a word processor, save it as .docx, and import "
    "that."
)
OLD_WORD_FILE = (
    "This is an old Word document (.doc), or one with a password. Save it as .docx without a password, and "
    "import that."
)
MACROS = (
    "This document has macros in it: programs that could do anything. Save it as .docx without macros, and "
    "import that."
)
TOO_LARGE = (
    f"This document unpacks to more than {MAX_XML_BYTES // 2**20} MB without its pictures, or has more "
    "formatting than any story. Save its text alone, as .txt, and import that."
)
DOCUMENT_TYPE = (
    "This document declares a document type of its own, as no Word document does. Save it as .docx anew."
)


def bare_copy(file: BinaryIO) -> io.BytesIO:
    """The document in ``file`` with its XML alone, not packed. Its other parts are there, and empty.

    Raises ``FileRefusedError``.
    """
    file.seek(0)
    if file.read(4) == b"\xd0\xcf\x11\xe0":
        raise FileRefusedError(OLD_WORD_FILE)
    copy = io.BytesIO()
    try:
        with (
            zips.opened(file, most_directory_bytes=_MAX_DIRECTORY_BYTES) as package,
            ZipFile(copy, "w", ZIP_STORED) as bare,
        ):
            entries = package.infolist()
            _check_names([entry.filename for entry in entries])
            for entry, xml in _xml_of(package, entries):
                bare.writestr(entry.filename, xml)
    except zips.TooLargeError as error:
        raise FileRefusedError(TOO_LARGE) from error
    except zips.UnfitZipError as error:
        raise FileRefusedError(NO_WORD_FILE) from error
    copy.seek(0)
    return copy


def _check_names(names: list[str]) -> None:
    if _CONTENT_TYPES not in names:
        raise FileRefusedError(NO_WORD_FILE)
    if any(name.lower().endswith(("vbaproject.bin", "vbadata.xml")) for name in names):
        raise FileRefusedError(MACROS)


def _xml_of(package: ZipFile, entries: Iterable[ZipInfo]) -> Iterator[tuple[ZipInfo, bytes]]:
    """Each part, empty unless it is XML. Raises ``TooLargeError`` for all of them together."""
    room, markup = MAX_XML_BYTES, 0
    for entry in entries:
        if not entry.filename.lower().endswith((".xml", ".rels")):
            yield entry, b""
            continue
        xml = zips.unpacked(package, entry, room)
        room -= len(xml)
        markup += xml.count(b"<") + xml.count(b"=")
        if markup > MAX_MARKUP:
            raise zips.TooLargeError
        _check_xml(entry.filename, xml)
        yield entry, xml


def _check_xml(name: str, xml: bytes) -> None:
    plain = xml.replace(b"\0", b"")  # it may be UTF-16
    if b"<!DOCTYPE" in plain:
        raise FileRefusedError(DOCUMENT_TYPE)  # where entities come from, and what they swell to
    if name == _CONTENT_TYPES and re.search(rb"macroenabled|vbaproject", plain, re.IGNORECASE):
        raise FileRefusedError(MACROS)
