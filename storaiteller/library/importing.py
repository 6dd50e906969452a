"""Taking files into the library: texts, Markdown, Word documents, and whole archives."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO

from storaiteller.errors import InvalidRequestError
from storaiteller.library.archive_reading import read_archive
from storaiteller.library.archive_values import Adoptable, AdoptableFavourites, Refused
from storaiteller.library.errors import LibraryError, StoryMissingError
from storaiteller.library.library import Library
from storaiteller.library.stories import summary
from storaiteller.library.texts import (
    MAX_FILE_BYTES,
    FileRefusedError,
    Written,
    base_name,
    one_line,
    read_markdown,
    read_text,
)
from storaiteller.library.values import Story, Summary

ALLOWED = "Import .txt, .md or .docx files, or a .zip that StorAIteller exported."


@dataclass(slots=True)
class Imported:
    """What came of an import: stories ``taken``, how many were there already, and what was refused.

    ``favourites`` is how many of those were added.
    """

    taken: list[Summary] = field(default_factory=list)
    known: int = 0
    refused: list[Refused] = field(default_factory=list)
    favourites: int = 0


def import_files(library: Library, files: Iterable[tuple[str, BinaryIO]]) -> Imported:
    """Add the stories in files, each with its name; what is wrong with one does not stop the others.

    Raises ``LibraryError`` when nothing could be added at all; when the library fails later, what was not
    added is told with the reason.
    """
    imported = Imported()
    failure: LibraryError | None = None
    for name, file in files:
        shown = one_line(base_name(name)) or "a file without a name"
        if failure is None:
            try:
                _import_file(library, name, file, imported)
            except InvalidRequestError as error:
                imported.refused.append(Refused(shown, error.message))
            except LibraryError as error:
                if not imported.taken and not imported.known:
                    raise
                failure = error
        if failure is not None:
            imported.refused.append(Refused(shown, failure.message))
    return imported


def _import_file(library: Library, name: str, file: BinaryIO, imported: Imported) -> None:
    ending = PurePosixPath(base_name(name)).suffix.lower()
    if ending == ".zip":
        _import_archive(library, base_name(name), file, imported)
    elif (story := _add(library, _read(name, ending, file))) is None:
        imported.known += 1
    else:
        imported.taken.append(summary(story))


def _read(name: str, ending: str, file: BinaryIO) -> Written:
    if ending == ".docx":
        from storaiteller.library.word_files import read_word  # it takes a tenth of a second

        return read_word(name, file)
    readers = {".txt": read_text, ".md": read_markdown}
    if ending not in readers:
        kind = f"A {ending} file" if ending else "A file without an ending"
        raise FileRefusedError(f"{kind} cannot be imported. {ALLOWED}")
    raw = file.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise FileRefusedError(
            f"This file is longer than {MAX_FILE_BYTES:,} bytes, more than any story. Cut it into parts and "
            "import each."
        )
    return readers[ending](name, raw)


def _add(library: Library, written: Written) -> Story | None:
    """The new story; None if it came out of such a file before and still is as it was then.

    Its id is made of what is in it, so that an import can be done again after an answer that was lost.
    """
    made_of = f"import\n{written.title}\n{written.text}"
    story_id: str | None = hashlib.sha256(made_of.encode()).hexdigest()[:32]
    try:
        there = library.get(story_id or "")
    except StoryMissingError:
        pass
    else:
        if there.trashed_at is None and (there.title, there.text) == (written.title, written.text):
            return None
        story_id = None
    return library.create(id=story_id, title=written.title, text=written.text, reason="import")


def _import_archive(library: Library, name: str, file: BinaryIO, imported: Imported) -> None:
    archive = one_line(name)
    for found in read_archive(file):
        if isinstance(found, Refused):
            imported.refused.append(Refused(f"{found.name} ({archive})", found.why))
            continue
        try:
            if isinstance(found, Adoptable):
                title = one_line(found.story.title) or found.story.id
                why = _adopt(library, found, imported)
            else:
                title = "Favourites"
                why = _adopt_favourites(library, found, imported)
        except InvalidRequestError as error:
            why = error.message
        if why:
            imported.refused.append(Refused(f"{title} ({archive})", why))


def _adopt(library: Library, found: Adoptable, imported: Imported) -> str:
    """Why some of it was left out, if it was."""
    adopted = library.adopt(found.story, found.versions, found.passages)
    if adopted.is_taken:
        imported.taken.append(summary(adopted.story))
    else:
        imported.known += 1
    if not adopted.left_out:
        return ""
    return f"{adopted.left_out:,} of its passages with takes were left out: it has as many as are kept."


def _adopt_favourites(library: Library, found: AdoptableFavourites, imported: Imported) -> str:
    added, left_out = library.favourites.adopt(found.favourites)
    imported.favourites += added
    return f"{left_out:,} of them were left out: there are as many as are kept." if left_out else ""
