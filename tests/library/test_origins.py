"""What the library promises of who wrote what: it is kept with the text that it is of, and with no other."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, func, select

from storaiteller.errors import InvalidRequestError
from storaiteller.library import origins
from storaiteller.library.errors import ConflictError
from storaiteller.library.library import Library
from storaiteller.library.schema import contents
from storaiteller.library.values import Origins

ID = "a" * 32
TEXT = "Once 🌙."
MODEL: Origins = ((7, "model"),)
MIXED: Origins = ((4, "model"), (2, "writer"), (1, "edited"))


def test_origins_come_back_with_the_story_and_every_version(library: Library) -> None:
    story = library.create(id=ID, text=TEXT, origins=MIXED, reason="generation")
    assert (story.origins, library.get(ID).origins, library.version(ID, 1).origins) == (MIXED,) * 3
    changed = library.save(ID, 1, text="Twice.", origins=((6, "writer"),))
    assert (changed.origins, library.version(ID, 1).origins) == (((6, "writer"),), MIXED)
    assert library.restore(ID, 1, 2).origins == MIXED
    assert [library.version(ID, number).origins for number in (2, 3)] == [((6, "writer"),), MIXED]


def test_another_text_without_origins_has_none_that_are_known(library: Library) -> None:
    library.create(id=ID, text=TEXT, origins=MODEL)
    assert library.save(ID, 1, title="The moon").origins == MODEL
    assert library.save(ID, 2, text=TEXT).origins == MODEL
    assert library.save(ID, 2, text="Twice.").origins is None
    assert library.get(ID).origins is None


def test_other_origins_of_the_same_text_are_a_change_and_the_same_ones_are_none(library: Library) -> None:
    library.create(id=ID, text=TEXT)
    assert library.save(ID, 1, origins=MODEL).revision == 2
    assert library.save(ID, 2, text=TEXT, origins=MIXED).revision == 3
    assert library.save(ID, 3, origins=MIXED).revision == 3
    with pytest.raises(ConflictError):
        library.save(ID, 2, origins=MODEL)


def test_origins_alone_take_no_story_out_of_the_trash(library: Library) -> None:
    library.create(id=ID, text=TEXT)
    library.trash(ID)
    assert library.save(ID, 1, origins=MODEL).trashed_at is not None


def test_a_story_sent_twice_has_the_same_origins_or_is_another(library: Library) -> None:
    first = library.create(id=ID, text=TEXT, origins=MODEL)
    assert library.create(id=ID, text=TEXT, origins=MODEL) == first
    with pytest.raises(ConflictError):
        library.create(id=ID, text=TEXT, origins=MIXED)


def test_the_same_text_with_other_origins_is_the_same_version(library: Library) -> None:
    """It takes over what is known last; what is not known takes nothing away."""
    library.create(id=ID, text=TEXT, origins=MODEL, reason="generation")
    library.save(ID, 1, origins=MIXED)
    assert library.keep_version(ID, "pause").number == 1
    assert library.version(ID, 1).origins == MIXED
    library.save(ID, 2, text="Twice.")
    library.save(ID, 3, text=TEXT)
    assert library.keep_version(ID, "pause").number == 1
    assert library.version(ID, 1).origins == MIXED


def test_a_version_of_the_same_text_that_does_not_know_takes_nothing_away(library: Library) -> None:
    library.create(id=ID, text=TEXT, reason="generation", settings={"genre": "Fantasy"})
    library.save(ID, 1, origins=MODEL, settings={"genre": "Horror"})
    restored = library.restore(ID, 1, 2)
    assert (restored.settings, restored.origins) == ({"genre": "Fantasy"}, MODEL)


def test_origins_are_kept_once_and_go_with_the_last_version_that_has_them(library: Library, url: str) -> None:
    def kept() -> int:
        engine = create_engine(url)
        with engine.connect() as connection:
            count: int = connection.execute(select(func.count()).select_from(contents)).scalar_one()
        engine.dispose()
        return count

    for name in "ab":
        library.create(id=name * 32, text=TEXT, origins=MODEL, reason="generation")
    assert kept() == 2
    library.save("a" * 32, 1, origins=MIXED)
    library.keep_version("a" * 32, "pause")
    assert kept() == 3
    library.trash("b" * 32)
    library.empty_trash()
    assert kept() == 2
    assert library.version("a" * 32, 1).origins == MIXED


def test_lists_never_read_them(library: Library, url: str) -> None:
    library.create(id=ID, text=TEXT, origins=MODEL, reason="generation")
    asked: list[str] = []

    def look(connection: Any, cursor: Any, statement: str, *rest: object) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", look)
    try:
        library.page()
        library.page(query="once")
        library.versions(ID)
        library.tags()
    finally:
        event.remove(Engine, "before_cursor_execute", look)
    assert len(asked) >= 4
    assert not [statement for statement in asked if "origins" in statement]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "tell of 0 characters"),
        ([[6, "model"]], "tell of 6 characters (code points), and the text has 7"),
        ([[8, "model"]], "tell of 8 characters"),
        ([[3, "model"], [4, "model"]], "two runs of the same side by side"),
        ([[7, "machine"]], "one of model, edited, writer"),
        ([[0, "writer"], [7, "model"]], "a length from 1"),
        ([[-1, "writer"], [8, "model"]], "a length from 1"),
        ([[7.0, "model"]], "a length from 1"),
        ([[True, "writer"], [6, "model"]], "a length from 1"),
        ([["7", "model"]], "a length from 1"),
        ([[7]], "runs such as"),
        ([7], "runs such as"),
        ([[7, ["model"]]], "one of model"),
        ("model", "a list of runs"),
        ([[1, "model"], [1, "writer"]] * 100_001, "have 200,002 runs, and may have 200,000"),
    ],
)
def test_what_are_no_origins_of_the_text_are_refused(given: Any, said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        origins.checked(given, TEXT)
    assert said in caught.value.message
    assert caught.value.field == "origins"


def test_nothing_is_saved_with_wrong_origins(library: Library) -> None:
    story = library.create(id=ID, text=TEXT, origins=MODEL)
    with pytest.raises(InvalidRequestError):
        library.save(ID, 1, text="Twice.", title="Changed", origins=MODEL)
    with pytest.raises(InvalidRequestError):
        library.save(ID, 1, origins=((1, "model"),))
    assert library.get(ID) == story
    assert library.save(ID, 1, text="", origins=()).origins == ()
