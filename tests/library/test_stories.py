"""What the library promises of a story: it comes back to the character, and no save is lost unseen."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storaiteller.errors import InvalidRequestError
from storaiteller.library.errors import ConflictError, StoryMissingError
from storaiteller.library.library import Library
from storaiteller.library.values import MAX_TEXT_BYTES, Story, Tag
from storaiteller.story import count_words

TRICKY = ' \ufeffOnce "upon"\na, time\r\nwas\r\x1b 😀 e\u0301 \u05d0\u05d1 \u2028\x85\x0b\\0 %s :a\' \n\n '

storable_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
texts = storable_text | st.text(st.sampled_from("a\"'\r\n\t \\%:\ufeff\u2028\x1a\x7f😀\u0301"))
some_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.floats(-1e300, 1e300) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
with_one_library = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


def unchanged(library: Library, story: Story) -> bool:
    return library.get(story.id) == story


# --- one story ------------------------------------------------------------------------------------


def test_a_new_story_is_all_that_it_was_made_of(library: Library, url: str) -> None:
    made = library.create(
        text=TRICKY,
        title="“A” 'title' / with \\ everything",
        settings={"genre": "Fantasy", "characters": ["Ada", "Bo"], "max_words": 120, "final_twist": False},
        model="embedded/demo",
        tags=["sea", "Moon"],
    )
    assert re.fullmatch("[0-9a-f]{32}", made.id)
    assert made.text == TRICKY
    assert made.words == count_words(TRICKY)
    assert made.excerpt == '\ufeffOnce "upon" a, time was \x1b 😀 e\u0301 \u05d0\u05d1 \\0 %s :a\''
    assert (made.revision, made.trashed_at, made.tags) == (1, None, ("Moon", "sea"))
    assert made.created_at == made.updated_at
    assert made.created_at.utcoffset() == timedelta(0)
    assert datetime.now(UTC) >= made.created_at
    elsewhere = Library(url)
    assert unchanged(elsewhere, made)
    elsewhere.close()


def test_a_story_of_nothing_is_a_story(library: Library) -> None:
    made = library.create()
    assert (made.text, made.title, made.excerpt, made.words) == ("", "", "", 0)
    assert (made.settings, made.model, made.tags) == (None, None, ())
    assert library.versions(made.id) == []
    assert unchanged(library, made)


@with_one_library
@given(texts, texts)
def test_every_text_comes_back_to_the_character(library: Library, first: str, second: str) -> None:
    made = library.create(text=first, reason="import")
    assert library.get(made.id).text == first
    saved = library.save(made.id, 1, text=second)
    assert library.get(made.id).text == saved.text == second
    assert library.version(made.id, 1).text == first


@with_one_library
@given(st.dictionaries(texts, some_json, max_size=4))
def test_settings_come_back_as_they_were(library: Library, given_settings: dict[str, Any]) -> None:
    made = library.create(settings=given_settings)
    assert library.get(made.id).settings == given_settings


@pytest.mark.slow
def test_a_story_of_the_longest_text_is_kept(library: Library) -> None:
    """No two words alike, and none of them ASCII: what an index of words likes least."""
    words = "".join(f" ж{number:x}語" for number in range(MAX_TEXT_BYTES // 6))
    text = words.encode()[:MAX_TEXT_BYTES].decode(errors="ignore")
    made = library.create(text=text)
    assert library.get(made.id).text == text
    assert [found.id for found in library.page(query="ж1").stories] == [made.id]


def test_an_excerpt_is_one_line_of_two_hundred_characters(library: Library) -> None:
    made = library.create(text="\n\n  One \t line \r\n\n" + "and more " * 400)
    assert made.excerpt.startswith("One line and more and more")
    assert len(made.excerpt) == 200
    assert library.create(text="x" * 999).excerpt == "x" * 200


def test_a_client_may_choose_the_id(library: Library) -> None:
    assert library.create(id="a" * 32, text="mine").id == "a" * 32
    assert library.get("a" * 32).text == "mine"


def test_a_story_that_is_sent_twice_is_there_once(library: Library) -> None:
    """The first answer may have been lost on its way."""
    sent: dict[str, Any] = {"id": "b" * 32, "text": "Once", "tags": ["Sea"], "settings": {"a": 1}}
    first = library.create(**sent, reason="generation")
    assert library.create(**sent, reason="generation") == first
    assert library.page().total == 1
    assert len(library.versions(first.id)) == 1


def test_an_id_that_another_story_has_is_refused(library: Library) -> None:
    there = library.create(id="c" * 32, text="there already")
    with pytest.raises(ConflictError) as caught:
        library.create(id="c" * 32, text="another")
    assert caught.value.current == there
    assert unchanged(library, there)


ON_A_STORY: dict[str, Callable[[Library, str], Any]] = {
    "get": Library.get,
    "save": lambda library, missing: library.save(missing, 1, text="x"),
    "versions": Library.versions,
    "version": lambda library, missing: library.version(missing, 1),
    "keep_version": lambda library, missing: library.keep_version(missing, "pause"),
    "name_version": lambda library, missing: library.name_version(missing, 1, "x"),
    "restore": lambda library, missing: library.restore(missing, 1, 1),
    "trash": Library.trash,
    "untrash": Library.untrash,
    "delete": Library.delete,
}


@pytest.mark.parametrize("what", ON_A_STORY)
def test_a_story_that_is_not_there_is_said(library: Library, what: str) -> None:
    library.create(id="f" * 32, reason="import")
    for missing in ("0" * 32, "", "F" * 32, "\0", "\ud800", "../library.db", "0" * 31 + "'"):
        with pytest.raises(StoryMissingError, match="not in the library any more"):
            ON_A_STORY[what](library, missing)
    assert library.page().total == 1


# --- saving ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"text": "Twice upon a time"},
        {"text": ""},
        {"title": "Another"},
        {"settings": {"genre": "Drama"}},
        {"settings": {"max_words": True}},
        {"model": "ollama/llama3.2"},
        {"tags": ("sun",)},
        {"tags": ()},
        {"text": "Both", "title": "of them"},
    ],
    ids=str,
)
def test_a_save_changes_what_is_given_and_nothing_else(library: Library, change: dict[str, Any]) -> None:
    before = library.create(
        text="Once upon a time", title="One", settings={"max_words": 1}, model="demo", tags=["moon"]
    )
    after = library.save(before.id, 1, **change)
    assert {name: getattr(after, name) for name in change} == change
    assert repr(after.settings) == repr(change.get("settings", before.settings))
    assert after.updated_at > before.updated_at
    expected = replace(before, **change, revision=2, updated_at=after.updated_at)
    assert after == replace(expected, words=count_words(after.text), excerpt=after.text)
    assert unchanged(library, after)


def test_a_save_that_changes_nothing_is_none(library: Library) -> None:
    before = library.create(text="Once", title="One", settings={"a": [1]}, model="demo", tags=["Moon", "sea"])
    assert library.save(before.id, 1) == before
    same: dict[str, Any] = {"text": "Once", "title": "One", "settings": {"a": [1]}, "tags": ["SEA", "moon"]}
    assert library.save(before.id, 1, **same, model="demo") == before
    assert unchanged(library, before)


def test_a_save_on_an_older_revision_gets_the_present_story(library: Library) -> None:
    story = library.create(text="Once")
    newer = library.save(story.id, 1, text="Twice")
    for revision in (1, 3, 0, -1, 2**70):
        with pytest.raises(ConflictError, match="changed elsewhere") as caught:
            library.save(story.id, revision, text="Thrice")
        assert caught.value.current == newer
    assert unchanged(library, newer)


def test_what_is_written_in_a_story_in_the_trash_takes_it_out(library: Library) -> None:
    """A window may be open on it: emptying the trash is not to delete what was written since."""
    story = library.create(text="Once")
    library.trash(story.id)
    saved = library.save(story.id, story.revision, text="Once upon")
    assert (saved.text, saved.trashed_at) == ("Once upon", None)
    assert library.empty_trash() == 0
    assert library.get(story.id) == saved


def test_a_story_in_the_trash_can_be_renamed_there(library: Library) -> None:
    story = library.create(text="Once")
    trashed = library.trash(story.id)
    changes: dict[str, Any] = {
        "text": "Once",
        "title": "T",
        "tags": ["a"],
        "settings": {"n": 1},
        "model": "m",
    }
    saved = library.save(story.id, story.revision, **changes)
    assert (saved.title, saved.trashed_at) == ("T", trashed.trashed_at)


# --- several at once ------------------------------------------------------------------------------


def save_by(library: Library, story_id: str, revision: int, number: int) -> Story:
    return library.save(story_id, revision, text=f"{revision} by {number}")


def outcomes(act: Callable[[int], Story], count: int) -> list[Story | ConflictError]:
    """What ``count`` threads come to that do it at the same time."""
    start = threading.Barrier(count)

    def one(number: int) -> Story | ConflictError:
        start.wait()
        try:
            return act(number)
        except ConflictError as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_of_many_saves_at_once_one_wins_and_the_others_are_told(library: Library) -> None:
    story = library.create(text="Once")
    for revision in range(1, 6):
        came_to = outcomes(partial(save_by, library, story.id, revision), 6)
        [winner] = [each for each in came_to if isinstance(each, Story)]
        assert winner.revision == revision + 1
        assert unchanged(library, winner)
        assert all(each.current == winner for each in came_to if isinstance(each, ConflictError))


def test_many_new_stories_at_once_are_all_there(library: Library) -> None:
    def create(number: int) -> Story:
        return library.create(text=f"{number}", tags=["same", f"own {number}"], reason="import")

    made = outcomes(create, 8)
    assert {story.text for story in made if isinstance(story, Story)} == set("01234567")
    assert library.tags()[-1] == Tag(name="same", stories=8)
    assert len(library.tags()) == 9


COUNTING = """
import sys
from storaiteller.library.errors import ConflictError
from storaiteller.library.library import Library

library, story_id = Library(sys.argv[1]), sys.argv[2]
for _ in range(15):
    story = library.get(story_id)
    while True:
        try:
            library.save(story_id, story.revision, text=str(int(story.text) + 1))
            break
        except ConflictError as error:
            story = error.current
library.close()
"""


def test_two_programs_that_count_together_miss_nothing(library: Library, url: str) -> None:
    story = library.create(text="0")
    children = [subprocess.Popen([sys.executable, "-c", COUNTING, url, story.id]) for _ in range(2)]
    assert [child.wait() for child in children] == [0, 0]
    assert library.get(story.id).text == "30"
    assert library.get(story.id).revision == 31


# --- what cannot be kept --------------------------------------------------------------------------


@pytest.mark.parametrize("character", ["\0", "\ud83d"], ids=ascii)
@pytest.mark.parametrize("field", ["text", "title", "settings", "model", "tags"])
def test_what_no_database_can_hold_is_refused(library: Library, field: str, character: str) -> None:
    bad = f"before {character} after"
    in_its_place: dict[str, Any] = {"settings": {"a": [{bad: 1}]}, "tags": ["good", bad]}
    change = {field: in_its_place.get(field, bad)}
    story = library.create(text="Once")
    for attempt in (partial(library.create, **change), partial(library.save, story.id, 1, **change)):
        with pytest.raises(InvalidRequestError, match="cannot be kept") as caught:
            attempt()
        assert caught.value.field == field
    assert unchanged(library, story)
    assert library.page().total == 1


def endless() -> dict[str, Any]:
    deep: dict[str, Any] = {}
    deep["itself"] = deep
    return deep


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("text", "x" * (MAX_TEXT_BYTES + 1), r"4,000,001 bytes long, and a story may have 4,000,000"),
        ("title", "x" * 301, "A title may have 300 characters, and this has 301"),
        ("title", "two\nlines", "one line"),
        ("model", "two\u2028lines", "one line"),
        ("tags", ["x" * 51], "A tag may have 50 characters, and this has 51"),
        ("tags", ["good", " \t"], "at least one"),
        ("tags", [str(number) for number in range(51)], "50 tags, and these are 51"),
        ("settings", {"a": float("nan")}, "cannot be kept"),
        ("settings", {"a": float("inf")}, "cannot be kept"),
        ("settings", {"a": {1, 2}}, "cannot be kept"),
        ("settings", {"a": 10**5_000}, "cannot be kept"),
        ("settings", endless(), "cannot be kept"),
        ("settings", {"a": "x" * 100_000}, "may have 100,000"),
        ("id", "0" * 31, "32 characters"),
        ("id", "0" * 32 + "\n", "32 characters"),
        ("id", "G" * 32, "32 characters"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 50 else "",
)
def test_what_breaks_a_rule_is_refused_with_the_rule(
    library: Library, field: str, value: Any, told: str
) -> None:
    with pytest.raises(InvalidRequestError, match=told) as caught:
        library.create(**{field: value})
    assert caught.value.field == field
    assert library.page().total == 0


# --- tags -----------------------------------------------------------------------------------------


def test_a_tag_is_one_however_it_is_written_and_shown_as_first_written(library: Library) -> None:
    first = library.create(tags=["  Long   night ", "ÉTÉ", "straße", "long night"])
    second = library.create(tags=["LONG NIGHT", "e\u0301te\u0301", "STRASSE"])
    assert first.tags == second.tags == ("Long night", "straße", "ÉTÉ")
    assert library.tags() == [Tag(name=name, stories=2) for name in first.tags]


def test_a_tag_that_no_story_has_is_none(library: Library) -> None:
    story = library.create(tags=["Moon", "sea"])
    library.save(story.id, 1, tags=["sea"])
    assert library.tags() == [Tag(name="sea", stories=1)]
    assert library.create(tags=["moon"]).tags == ("moon",)


def test_tags_of_what_is_in_the_trash_are_not_counted(library: Library) -> None:
    story, other = library.create(tags=["moon", "sea"]), library.create(tags=["sea"])
    library.trash(story.id)
    assert library.tags() == [Tag(name="sea", stories=1)]
    library.untrash(story.id)
    assert library.tags() == [Tag(name="moon", stories=1), Tag(name="sea", stories=2)]
    assert unchanged(library, other)


def test_fifty_tags_of_fifty_characters_are_kept(library: Library) -> None:
    tags = tuple(f"{number:02}{'😀' * 48}" for number in range(50))
    assert library.create(tags=reversed(tags)).tags == tags
