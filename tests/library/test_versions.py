"""What the library promises of versions: each comes back as it was kept, and every restore can be undone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import create_engine, func, select, update

from storaiteller.errors import InvalidRequestError
from storaiteller.library.errors import ConflictError, LibraryError, VersionMissingError
from storaiteller.library.library import Library
from storaiteller.library.schema import contents
from storaiteller.library.values import Story


def texts_kept(url: str) -> int:
    """How many texts of versions there are in the database."""
    engine = create_engine(url)
    with engine.connect() as connection:
        count: int = connection.execute(select(func.count()).select_from(contents)).scalar_one()
    engine.dispose()
    return count


def timeline(library: Library, story: Story) -> list[tuple[int, str, str]]:
    """Number, reason and text of every version, newest first."""
    listed = library.versions(story.id)
    return [(each.number, each.reason, library.version(story.id, each.number).text) for each in listed]


# --- keeping --------------------------------------------------------------------------------------


def test_versions_are_numbered_from_one_and_listed_newest_first(library: Library) -> None:
    story = library.create(text="One", settings={"genre": "Drama"}, reason="generation")
    for revision, text in enumerate(("Two words", "Three words now"), start=1):
        library.save(story.id, revision, text=text)
        kept = library.keep_version(story.id, "pause")
        assert (kept.number, kept.reason, kept.name, kept.words) == (
            revision + 1,
            "pause",
            None,
            revision + 1,
        )
        assert kept.at >= story.created_at
    assert timeline(library, story) == [
        (3, "pause", "Three words now"),
        (2, "pause", "Two words"),
        (1, "generation", "One"),
    ]
    assert library.version(story.id, 1).settings == {"genre": "Drama"}
    assert library.version(story.id, 1).at == story.created_at


def test_the_same_text_twice_in_a_row_is_one_version(library: Library) -> None:
    story = library.create(text="Once", reason="generation")
    [first] = library.versions(story.id)
    assert library.keep_version(story.id, "pause") == first
    named = library.keep_version(story.id, "named", "  The good one ")
    assert (named.number, named.reason, named.name) == (1, "generation", "The good one")
    assert library.keep_version(story.id, "pause") == named
    assert library.versions(story.id) == [named]


def test_the_same_text_with_other_settings_is_another_version(library: Library) -> None:
    story = library.create(text="Once", settings={"words": 1}, reason="generation")
    library.save(story.id, 1, settings={"words": True})
    assert library.keep_version(story.id, "pause").number == 2
    assert repr(library.version(story.id, 1).settings) == "{'words': 1}"


def test_a_text_that_comes_back_later_is_a_version_again(library: Library) -> None:
    story = library.create(text="A", reason="generation")
    library.save(story.id, 1, text="B")
    library.keep_version(story.id, "pause")
    library.save(story.id, 2, text="A")
    library.keep_version(story.id, "pause")
    assert [text for _, _, text in timeline(library, story)] == ["A", "B", "A"]


def test_a_version_is_named_and_unnamed(library: Library) -> None:
    story = library.create(text="Once", reason="generation")
    assert library.name_version(story.id, 1, "“Best” / so far").name == "“Best” / so far"
    assert library.versions(story.id)[0].name == "“Best” / so far"
    for nothing in (None, "", "   "):
        assert library.name_version(story.id, 1, nothing).name is None


@pytest.mark.parametrize("name", ["x" * 101, "two\nlines", "nul \0", "half \ud83d"], ids=ascii)
def test_a_name_that_cannot_be_one_is_refused(library: Library, name: str) -> None:
    story = library.create(text="Once", reason="generation")
    with pytest.raises(InvalidRequestError) as caught:
        library.name_version(story.id, 1, name)
    assert caught.value.field == "name"
    with pytest.raises(InvalidRequestError):
        library.keep_version(story.id, "named", name)
    assert [each.name for each in library.versions(story.id)] == [None]


@pytest.mark.parametrize("number", [0, -1, 2, 2**31, 2**70])
def test_a_version_that_is_not_there_is_said(library: Library, number: int) -> None:
    story = library.create(text="Once", reason="generation")
    for attempt in (
        lambda: library.version(story.id, number),
        lambda: library.name_version(story.id, number, "x"),
        lambda: library.restore(story.id, number, 1),
    ):
        with pytest.raises(VersionMissingError, match=rf"no version {number}\. There are: 1 to 1"):
            attempt()
    assert len(library.versions(story.id)) == 1
    with pytest.raises(VersionMissingError, match="There are: none yet"):
        library.version(library.create().id, number)


# --- how they are kept ----------------------------------------------------------------------------


def test_going_back_takes_a_story_out_of_the_trash(library: Library) -> None:
    story = library.create(text="Once", reason="generation")
    saved = library.save(story.id, 1, text="Twice")
    library.trash(story.id)
    restored = library.restore(story.id, 1, saved.revision)
    assert (restored.text, restored.trashed_at) == ("Once", None)
    assert library.empty_trash() == 0


def test_a_text_is_kept_once_however_many_versions_have_it(library: Library, url: str) -> None:
    for _ in range(3):
        story = library.create(text="The same", reason="import")
        library.save(story.id, 1, text="Another")
        library.keep_version(story.id, "pause")
    assert texts_kept(url) == 2


def test_deleting_a_story_takes_only_what_no_other_has(library: Library, url: str) -> None:
    gone, left = (
        library.create(text="Shared", reason="import"),
        library.create(text="Shared", reason="import"),
    )
    library.save(gone.id, 1, text="Only here")
    library.keep_version(gone.id, "pause")
    library.trash(gone.id)
    library.delete(gone.id)
    assert texts_kept(url) == 1
    assert library.version(left.id, 1).text == "Shared"


def test_a_text_that_can_not_be_read_any_more_is_damage(library: Library, url: str) -> None:
    story = library.create(text="Once", reason="generation")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(update(contents).values(compressed=b"not at all"))
    engine.dispose()
    with pytest.raises(LibraryError, match="is damaged"):
        library.version(story.id, 1)
    assert library.get(story.id).text == "Once"


# --- restoring ------------------------------------------------------------------------------------


def test_a_restore_keeps_what_was_there_before_and_can_be_undone(library: Library) -> None:
    story = library.create(text="First", title="Title", settings={"a": 1}, tags=["sea"], reason="generation")
    present = library.save(story.id, 1, text="Second", settings={"b": 2})
    restored = library.restore(story.id, 1, present.revision)
    assert (restored.text, restored.settings, restored.revision) == ("First", {"a": 1}, 3)
    assert (restored.title, restored.tags, restored.words) == ("Title", ("sea",), 1)
    assert restored == library.get(story.id)
    assert timeline(library, story) == [
        (3, "restore", "First"),
        (2, "before_restore", "Second"),
        (1, "generation", "First"),
    ]
    back = library.restore(story.id, 2, restored.revision)
    assert (back.text, back.settings, back.revision) == ("Second", {"b": 2}, 4)
    assert timeline(library, story)[0] == (4, "restore", "Second")


def test_a_restore_finds_what_is_there_by_its_words(library: Library) -> None:
    story = library.create(text="moon", reason="generation")
    library.save(story.id, 1, text="sun")
    library.restore(story.id, 1, 2)
    assert library.page(query="moon").total == 1
    assert library.page(query="sun").total == 0


def test_a_version_without_settings_is_restored_without(library: Library) -> None:
    story = library.create(text="First", reason="generation")
    library.save(story.id, 1, settings={"b": 2})
    assert library.restore(story.id, 1, 2).settings is None


def test_restoring_what_is_there_changes_nothing(library: Library) -> None:
    story = library.create(text="First", reason="generation")
    before = library.versions(story.id)
    assert library.restore(story.id, 1, 1) == story
    assert library.versions(story.id) == before


def test_a_present_that_is_a_version_already_is_not_kept_twice(library: Library) -> None:
    story = library.create(text="First", reason="generation")
    library.save(story.id, 1, text="Second")
    library.keep_version(story.id, "pause")
    library.restore(story.id, 1, 2)
    assert [reason for _, reason, _ in timeline(library, story)] == ["restore", "pause", "generation"]


def test_a_restore_on_an_older_revision_changes_nothing(library: Library) -> None:
    story = library.create(text="First", reason="generation")
    present = library.save(story.id, 1, text="Second")
    with pytest.raises(ConflictError) as caught:
        library.restore(story.id, 1, 1)
    assert caught.value.current == present == library.get(story.id)
    assert len(library.versions(story.id)) == 1


def test_of_two_restores_at_once_one_wins(library: Library) -> None:
    story = library.create(text="First", reason="generation")
    library.save(story.id, 1, text="Second")
    start = Barrier(2)

    def restore(_: int) -> bool:
        start.wait()
        try:
            return library.restore(story.id, 1, 2).revision == 3
        except ConflictError:
            return False

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(restore, range(2))) == [False, True]
    assert [reason for _, reason, _ in timeline(library, story)] == [
        "restore",
        "before_restore",
        "generation",
    ]
