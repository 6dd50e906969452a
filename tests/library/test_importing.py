"""What an import promises when the library itself fails: what was added is told, and what was not."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from storaiteller.library.archive_values import Refused
from storaiteller.library.errors import LibraryFullError
from storaiteller.library.importing import import_files
from storaiteller.library.library import Library
from storaiteller.library.values import Story


class FillingLibrary(Library):
    """Has room for so many stories."""

    room = 0

    def create(self, **values: Any) -> Story:
        if not self.room:
            raise LibraryFullError("There is no room left.")
        self.room -= 1
        return super().create(**values)


@pytest.fixture
def filling(tmp_path: Path) -> Iterator[FillingLibrary]:
    library = FillingLibrary(f"sqlite:///{tmp_path / 'library.db'}")
    yield library
    library.close()


def files() -> list[tuple[str, BinaryIO]]:
    return [(f"{name}.txt", io.BytesIO(name.encode())) for name in ("One", "Two", "Three")]


def test_a_disk_that_fills_up_leaves_what_was_added_and_names_the_rest(filling: FillingLibrary) -> None:
    filling.room = 1
    imported = import_files(filling, files())
    assert [story.title for story in imported.taken] == ["One"]
    assert imported.refused == [
        Refused("Two.txt", "There is no room left."), Refused("Three.txt", "There is no room left."),
    ]  # fmt: skip
    assert [story.title for story in filling.page().stories] == ["One"]
    filling.room = 2
    again = import_files(filling, files())
    assert ([story.title for story in again.taken], again.known) == (["Two", "Three"], 1)


def test_a_library_that_takes_nothing_says_so_at_once(filling: FillingLibrary) -> None:
    with pytest.raises(LibraryFullError):
        import_files(filling, files())
