"""What the library promises of its trash, and of taking everything out and in again."""

from __future__ import annotations

import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from storaiteller.errors import InvalidRequestError
from storaiteller.library import drafts, timeline
from storaiteller.library.errors import LibraryError, NotInTrashError, StoryMissingError
from storaiteller.library.library import Library
from storaiteller.library.values import Adopted, Story, Tag, VersionText

EARLY = datetime(1999, 12, 31, 23, 59, 59, 123456, tzinfo=UTC)


def ids(library: Library, **asked: Any) -> set[str]:
    return {story.id for story in library.page(**asked).stories}


def exported(library: Library) -> list[tuple[Story, list[VersionText]]]:
    return [(story, list(versions)) for story, versions, _ in library.export()]


@pytest.fixture
def other(tmp_path: Path) -> Library:
    """Another library, to take everything to."""
    return Library(f"sqlite:///{tmp_path / 'other.db'}")


# --- the trash ------------------------------------------------------------------------------------


def test_what_is_in_the_trash_is_out_of_the_way_and_whole(library: Library) -> None:
    kept, story = library.create(text="kept"), library.create(text="thrown", tags=["a"], reason="import")
    trashed = library.trash(story.id)
    assert trashed.trashed_at is not None
    assert (trashed.revision, trashed.updated_at) == (story.revision, story.updated_at)
    assert library.get(story.id) == replace(story, trashed_at=trashed.trashed_at)
    assert (ids(library), ids(library, trash=True)) == ({kept.id}, {story.id})
    assert library.page(trash=True).stories == (trashed,)
    assert len(library.versions(story.id)) == 1


def test_what_comes_out_of_the_trash_is_as_it_was(library: Library) -> None:
    story = library.create(text="thrown", tags=["a"])
    library.trash(story.id)
    assert library.untrash(story.id).trashed_at is None
    assert library.get(story.id) == story


def test_throwing_away_twice_is_doing_so_once(library: Library) -> None:
    story = library.create()
    assert library.trash(story.id) == library.trash(story.id)
    assert library.untrash(story.id) == library.untrash(story.id)


def test_only_what_is_in_the_trash_is_deleted(library: Library) -> None:
    story = library.create(text="kept", tags=["sea"], reason="import")
    with pytest.raises(NotInTrashError, match="Move it to the trash first"):
        library.delete(story.id)
    assert library.get(story.id) == story
    library.trash(story.id)
    library.delete(story.id)
    with pytest.raises(StoryMissingError):
        library.get(story.id)
    for trash in (True, False):
        assert ids(library, trash=trash, query="kept") == ids(library, trash=trash) == set()
    assert library.tags() == []


def test_emptying_the_trash_leaves_all_the_rest(library: Library) -> None:
    thrown = [library.create(text=f"thrown {n}", tags=["a", "b"], reason="import") for n in range(3)]
    kept = library.create(text="kept", tags=["b"], reason="import")
    for story in thrown:
        library.trash(story.id)
    assert library.empty_trash() == 3
    assert library.empty_trash() == 0
    assert (ids(library), ids(library, trash=True)) == ({kept.id}, set())
    assert library.tags() == [Tag(name="b", stories=1)]
    assert library.version(kept.id, 1).text == "kept"
    assert library.create(text="new").revision == 1


# --- everything out, and in again -----------------------------------------------------------------


def test_everything_comes_out_oldest_first_and_in_again_as_it_was(library: Library, other: Library) -> None:
    for number in range(3):
        story = library.create(
            text=f"One {number}", title="“T”", settings={"n": number}, model="m", tags=["Sea"]
        )
        library.keep_version(story.id, "named", "First")
        library.save(story.id, 1, text="Two")
        library.keep_version(story.id, "pause")
    library.trash(story.id)
    everything = exported(library)
    assert [story.settings for story, _ in everything] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert [each.text for each in everything[0][1]] == ["One 0", "Two"]
    with closing(other):
        for story, versions in everything:
            assert other.adopt(story, versions) == Adopted(replace(story, revision=1), is_taken=True)
        assert [versions for _, versions in exported(other)] == [versions for _, versions in everything]
        assert ids(other, trash=True) == {everything[2][0].id}


def test_an_export_is_what_was_there_when_it_began(library: Library) -> None:
    first, second = library.create(text="first"), library.create(text="second", reason="import")
    with closing(library.export()) as export:
        assert next(export)[0] == first
        library.save(second.id, 1, text="changed")
        library.create(text="new")
        library.trash(second.id)
        library.delete(second.id)
        [(story, versions)] = [(story, list(versions)) for story, versions, _ in export]
    assert story == second
    assert [each.text for each in versions] == ["second"]


@pytest.mark.slow
def test_an_export_holds_one_version_at_a_time(library: Library) -> None:
    library.adopt(
        archived(), [version(number, text=f"{number}" + " " * 3_900_000) for number in range(1, 17)]
    )
    tracemalloc.start()
    try:
        [count] = [sum(1 for _ in versions) for _, versions, _ in library.export()]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 16
    assert peak < 24 * 2**20


def test_a_version_that_cannot_be_read_is_said_of_an_export(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.create(text="Once", reason="import")
    monkeypatch.setattr(timeline, "_text", lambda row: zlib.decompress(b"damaged"))
    with pytest.raises(LibraryError, match="damaged"), closing(library.export()) as export:
        list(next(export)[1])


def test_an_export_that_is_given_up_holds_nothing(library: Library) -> None:
    library.create(text="first")
    for _ in range(60):
        export = library.export()
        next(export)
        export.close()
    assert library.create(text="second").revision == 1


def archived(**changes: Any) -> Story:
    story = Story(
        id="a" * 32,
        title="Old",
        text="An old story",
        excerpt="lies",
        words=-7,
        created_at=EARLY,
        updated_at=EARLY + timedelta(days=1),
        tags=("Sea",),
        trashed_at=None,
        revision=2**70,
        settings=None,
        model=None,
    )
    return replace(story, **changes)


def version(number: int = 1, **changes: Any) -> VersionText:
    kept = VersionText(
        number=number, at=EARLY, reason="pause", name=None, words=-1, text=f"text {number}", settings=None
    )
    return replace(kept, **changes)


def test_what_an_archive_says_of_a_text_is_counted_anew(library: Library) -> None:
    taken = library.adopt(archived(), [version(7), version(3)]).story
    assert taken == archived(excerpt="An old story", words=3, revision=1)
    assert library.get("a" * 32) == taken
    assert [(each.number, each.words) for each in library.versions("a" * 32)] == [(2, 2), (1, 2)]
    assert library.version("a" * 32, 1).text == "text 3"


def test_what_is_there_already_is_left_as_it_is(library: Library) -> None:
    there = library.create(id="a" * 32, text="An old story", title="Mine", reason="pause")
    assert library.adopt(archived(), [version()]) == Adopted(there, is_taken=False)
    assert library.adopt(archived(trashed_at=EARLY), []) == Adopted(there, is_taken=False)
    assert library.get(there.id) == there
    assert len(library.versions(there.id)) == 1


def test_what_is_there_in_the_trash_comes_out_of_it(library: Library) -> None:
    there = library.create(id="a" * 32, text="An old story", reason="pause")
    trashed = library.trash(there.id).trashed_at
    in_it = Adopted(replace(there, trashed_at=trashed), is_taken=False)
    assert library.adopt(archived(trashed_at=EARLY), [version()]) == in_it
    assert library.adopt(archived(), [version()]) == Adopted(there, is_taken=True)
    assert (ids(library), library.empty_trash()) == ({there.id}, 0)
    assert [each.words for each in library.versions(there.id)] == [3]


def test_what_is_there_without_versions_has_those_of_the_archive(library: Library) -> None:
    there = library.create(id="a" * 32, text="An old story", title="Mine")
    assert library.adopt(archived(), [version(4), version(2)]) == Adopted(there, is_taken=True)
    assert [library.version(there.id, number).text for number in (1, 2)] == ["text 2", "text 4"]
    assert not library.adopt(archived(), [version(4), version(2)]).is_taken
    assert len(library.versions(there.id)) == 2


def test_a_text_that_many_versions_have_is_looked_at_once(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a long one in 2,000 versions, looked at each time, these are 8 GB: minutes."""
    looked_at: list[str] = []

    def noted(look: Callable[..., Any]) -> Callable[..., Any]:
        def note(*given: Any) -> Any:
            looked_at.append(given[-1])
            return look(*given)

        return note

    for module, name in ((drafts, "count_words"), (timeline, "_put_text")):
        monkeypatch.setattr(module, name, noted(getattr(module, name)))
    taken = library.adopt(archived(), [version(number, text="Once upon.") for number in range(9)])
    assert looked_at.count("Once upon.") == 2
    assert {each.words for each in library.versions(taken.story.id)} == {2}


def test_another_story_of_the_same_id_is_taken_beside_it_once(library: Library) -> None:
    there = library.create(id="a" * 32, text="My own")
    taken = library.adopt(archived(), [version()]).story
    assert taken.id != there.id
    assert (taken.text, taken.created_at) == ("An old story", EARLY)
    assert library.adopt(archived(), [version()]) == Adopted(taken, is_taken=False)
    assert ids(library) == {there.id, taken.id}
    mine = library.save(taken.id, 1, text="Changed since")
    third = library.adopt(archived(), [version()]).story
    assert library.get(taken.id) == mine
    assert ids(library) == {there.id, taken.id, third.id}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (EARLY.astimezone(timezone(timedelta(hours=-7))), EARLY),
        (EARLY.replace(tzinfo=None), EARLY),
        (datetime(9999, 12, 31, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)),
    ],
)
def test_a_time_of_an_archive_is_the_same_moment_in_utc(
    library: Library, given: datetime, kept: datetime
) -> None:
    taken = library.adopt(archived(created_at=given, trashed_at=given), [version(at=given)]).story
    assert (taken.created_at, taken.trashed_at) == (kept, kept)
    assert taken.created_at.utcoffset() == timedelta(0)
    assert library.versions(taken.id)[0].at == kept


@pytest.mark.parametrize(
    ("story", "versions"),
    [
        (archived(id="../../x"), []),
        (archived(text="a\0b"), []),
        (archived(title="x" * 301), []),
        (archived(tags=("x" * 51,)), []),
        (archived(created_at=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))), []),
        (archived(), [version(), version(2, text="a\ud800b")]),
        (archived(), [version(reason="whim")]),
        (archived(), [version(name="two\nlines")]),
        (archived(), [version(settings={"a": float("nan")})]),
    ],
)
def test_what_cannot_be_kept_is_not_taken_by_half(
    library: Library, story: Story, versions: list[VersionText]
) -> None:
    with pytest.raises(InvalidRequestError):
        library.adopt(story, versions)
    assert exported(library) == []
