"""The notes of a Word document, as Markdown has them: ``[^1]`` in the text, and ``[^1]: …`` at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from docx.oxml.ns import qn
from docx.oxml.parser import parse_xml

_KINDS = ("footnote", "endnote")
_ID = qn("w:id")
_REFERENCES = {qn(f"w:{kind}Reference"): kind for kind in _KINDS}
_P = qn("w:p")


class Notes:
    """The notes of one document, numbered from 1 as they are come upon, whatever their kind."""

    def __init__(self, document: Any) -> None:
        self._notes = dict(_notes_of(document))
        self._numbers: dict[tuple[str, str], int] = {}

    def mark(self, element: Any) -> str:
        """What stands in the text for an element, which is that of a note, or nothing."""
        kind = _REFERENCES.get(element.tag, "")
        note = kind, element.get(_ID) or ""
        if note not in self._notes:
            return ""
        return f"[^{self._numbers.setdefault(note, len(self._numbers) + 1)}]"

    def paragraphs(self, read: Callable[[Any], str]) -> Iterator[str]:
        """The notes that were come upon, in order; ``read`` tells the text of a paragraph."""
        for note, number in list(self._numbers.items()):
            texts = [text for each in self._notes[note].iter(_P) if (text := read(each).strip())]
            yield f"[^{number}]: {texts[0] if texts else ''}".rstrip()
            yield from (f"    {text}" for text in texts[1:])


def _notes_of(document: Any) -> Iterator[tuple[tuple[str, str], Any]]:
    for relation in document.part.rels.values():
        for kind in _KINDS:
            if relation.reltype.endswith(f"/{kind}s") and not relation.is_external:
                for note in parse_xml(relation.target_part.blob).iter(qn(f"w:{kind}")):
                    yield (kind, note.get(_ID) or ""), note
