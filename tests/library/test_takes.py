"""What the library promises of takes and favourites: none is dropped unasked, whoever else adds some."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from storaiteller.errors import InvalidRequestError
from storaiteller.library import favourites, passages, takes
from storaiteller.library.errors import (
    StoryMissingError,
    TooManyFavouritesError,
    TooManyPassagesError,
    TooManyTakesError,
)
from storaiteller.library.library import Library
from storaiteller.library.merging import merged
from storaiteller.library.values import Passage, Take

STORY, ID, NO_ID = "a" * 32, "b" * 32, "c" * 32
LONG_AGO = datetime(1999, 1, 1, tzinfo=UTC)
ODD = "Once.\r\n\r\n“Upon”\ta time 🌙 \n\u00a0 e\u0301\rend  \n"


def take(id: str = "t1", text: str = ODD, **more: Any) -> Take:  # noqa: A002
    return Take(id=id, text=text, **{"by": "model", "outcome": "open", "finish": "stop", **more})


def passage(id: str = ID, *given: Take, **more: Any) -> Passage:  # noqa: A002
    values: dict[str, Any] = {
        "kind": "passage", "before": "Before. ", "original": ODD, "after": " After.", "action": "rewrite",
        "instruction": "More sea,\nless sun.", "register": None, "settings": {"genre": "Fantasy"},
        "model": "embedded/x.gguf", "created_at": LONG_AGO, "updated_at": LONG_AGO, **more,
    }  # fmt: skip
    return Passage(id=id, takes=given or (take(),), **values)


def kept(library: Library, given: Passage) -> Passage:
    return library.passages.keep(STORY, given)


@pytest.fixture
def library(library: Library) -> Library:
    library.create(id=STORY, text="Once.")
    return library


# --- passages -------------------------------------------------------------------------------------


def test_a_passage_comes_back_to_the_character_with_its_takes_in_order(library: Library) -> None:
    many = (
        take("z"),
        take("a", "", by="mix", outcome="accepted", finish=None),
        take("m", outcome="discarded"),
    )
    given = passage(ID, *many, register="Vivid")
    stored = kept(library, given)
    assert library.passages.of(STORY) == [stored]
    assert passages.is_same(stored, given)
    assert stored.takes == many
    assert stored.created_at == stored.updated_at > LONG_AGO  # the library's own time


def test_a_record_takes_over_what_is_given_and_the_same_one_changes_nothing(library: Library) -> None:
    first = kept(library, passage())
    assert kept(library, passage()) == first
    second = kept(library, passage(ID, take(outcome="accepted")))
    assert (second.created_at, second.updated_at > first.updated_at) == (first.created_at, True)
    assert library.passages.of(STORY) == [second]
    assert kept(library, passage(settings={"genre": True})).settings == {"genre": True}


EXAMPLES = json.loads((Path(__file__).parents[1] / "take_examples.json").read_text())


@pytest.mark.parametrize("example", EXAMPLES, ids=[each["says"] for each in EXAMPLES])
def test_two_windows_takes_come_together(example: dict[str, Any]) -> None:
    there, given, both = (
        tuple(take(name, text, outcome=told, finish=end) for name, text, told, end in example[side])
        for side in ("there", "given", "both")
    )
    assert merged(there, given) == both
    assert merged(both, given) == both


def test_a_window_that_does_not_know_of_takes_loses_none(library: Library) -> None:
    kept(library, passage(ID, take("mine", "One")))
    both = kept(library, passage(ID, take("theirs", "Two", outcome="accepted"), original="Bo."))
    assert [(each.id, each.outcome) for each in both.takes] == [("mine", "open"), ("theirs", "accepted")]
    assert kept(library, passage(ID, take("mine", "One"), original="Bo.")) == both
    library.passages.delete(STORY, ID)
    assert [each.id for each in kept(library, passage(ID, take("new"))).takes] == ["new"]


def test_takes_that_come_at_once_are_all_there(library: Library) -> None:
    records = [passage(ID, take(f"{window}.{at}")) for at in range(10) for window in range(4)]
    with ThreadPoolExecutor(max_workers=4) as windows:
        list(windows.map(lambda record: kept(library, record), records))
    [stored] = library.passages.of(STORY)
    assert {each.id for each in stored.takes} == {record.takes[0].id for record in records}


def test_more_takes_than_a_passage_may_have_are_refused_and_none_goes_for_them(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept(library, passage(ID, *(take(str(number)) for number in range(60))))
    with pytest.raises(TooManyTakesError, match="more than 100 takes"):
        kept(library, passage(ID, *(take(f"x{number}") for number in range(41))))
    assert library.passages.of(STORY) == [before]
    assert len(kept(library, passage(ID, *(take(f"x{number}") for number in range(40)))).takes) == 100
    monkeypatch.setattr(passages, "MAX_BYTES", passages.size_of(before) + 20)
    with pytest.raises(TooManyTakesError, match="bytes together"):
        kept(library, passage(ID, take("0", outcome="accepted")))


def test_passages_come_newest_first_and_belong_to_their_story(library: Library) -> None:
    library.create(id=NO_ID, text="Another.")
    for name in "def":
        kept(library, passage(name * 32))
    library.passages.keep(NO_ID, passage("d" * 32, original="theirs"))
    assert [each.id[0] for each in library.passages.of(STORY)] == ["f", "e", "d"]
    library.passages.delete(STORY, "d" * 32)
    library.passages.delete(STORY, "d" * 32)
    library.passages.delete(STORY, "no id")
    assert [each.id[0] for each in library.passages.of(STORY)] == ["f", "e"]
    assert [each.original for each in library.passages.of(NO_ID)] == ["theirs"]


def test_the_trash_keeps_passages_and_a_deleted_story_takes_them_along(library: Library) -> None:
    kept(library, passage())
    library.trash(STORY)
    assert len(library.passages.of(STORY)) == 1
    assert kept(library, passage("d" * 32)).id == "d" * 32
    assert library.get(STORY).trashed_at is not None
    library.delete(STORY)
    library.create(id=STORY, text="Once.")
    assert library.passages.of(STORY) == []


def test_a_story_that_is_not_there_has_no_passages(library: Library) -> None:
    for ask in (
        lambda: library.passages.of(NO_ID),
        lambda: library.passages.keep(NO_ID, passage()),
        lambda: library.passages.delete(NO_ID, ID),
    ):
        with pytest.raises(StoryMissingError):
            ask()


def test_a_passage_too_many_is_refused_and_none_is_dropped_for_it(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takes, "MAX_PASSAGES", 2)
    for name in "de":
        kept(library, passage(name * 32))
    with pytest.raises(TooManyPassagesError, match="2 passages with takes already"):
        kept(library, passage("f" * 32))
    assert kept(library, passage("d" * 32, take(outcome="discarded"))).takes[0].outcome == "discarded"
    library.passages.delete(STORY, "e" * 32)
    kept(library, passage("f" * 32))
    monkeypatch.setattr(takes, "MAX_PASSAGES", 9)
    monkeypatch.setattr(takes, "MAX_BYTES", 3 * passages.size_of(passage()) + 20)
    kept(library, passage("1" * 32))
    with pytest.raises(TooManyPassagesError, match="bytes together already"):
        kept(library, passage("2" * 32))
    assert [each.id[0] for each in library.passages.of(STORY)] == ["1", "f", "d"]


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        (passage("x"), "id", "32 characters"),
        (passage(kind="chapter"), "kind", "one of passage, insertion, story"),
        (passage(before="x" * 2_001), "before", "2,000 characters, and this has 2,001"),
        (passage(after="x" * 2_001), "after", "2,000"),
        (passage(original="x" * 4_000_001), "original", "4,000,001 bytes"),
        (passage(original="a\0"), "original", "NUL"),
        (passage(instruction="x" * 1_001), "instruction", "1,000"),
        (passage(action="two\nlines"), "action", "one line"),
        (passage(register="x" * 51), "register", "50"),
        (passage(settings={"x": "\0"}), "settings", "NUL"),
        (passage(ID, *(take(str(number)) for number in range(101))), "takes", "100 takes, and this has 101"),
        (passage(ID, take(), take()), "takes", "the same id"),
        (passage(ID, take("")), "takes", "1 to 128"),
        (passage(ID, take(text="\ud800")), "takes", "half of one"),
        (passage(ID, take(by="writer")), "takes.by", "one of model, mix"),
        (passage(ID, take(outcome="lost")), "takes.outcome", "one of open, accepted, discarded"),
        (passage(ID, take(finish="end")), "takes.finish", "one of stop, length"),
        (passage(ID, *(take(each, "x" * 3_000_000) for each in "abc")), "takes", "9,000,"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_reason(given: Passage, field: str, said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        passages.checked(given)
    assert said in caught.value.message
    assert caught.value.field == field


def test_as_much_as_is_allowed_is_kept(library: Library) -> None:
    large = [take(str(number), "🌙" * 15_000) for number in range(100)]
    given = passage(ID, *large, before="🌙" * 2_000, original="🌙" * 400_000)
    assert kept(library, given).takes == tuple(large)
    assert passages.is_same(library.passages.of(STORY)[0], given)


# --- favourites -----------------------------------------------------------------------------------


def test_favourites_come_newest_first_and_each_once(library: Library) -> None:
    first, is_new = library.favourites.add(" More sea. ")
    assert (first.text, is_new) == ("More sea.", True)
    second, _ = library.favourites.add("Less sun 🌙")
    assert library.favourites.add("More sea.") == (first, False)
    assert library.favourites.all() == [second, first]
    for gone in (first.id, first.id, "no id"):
        library.favourites.delete(gone)
    assert library.favourites.all() == [second]


def test_a_favourite_is_one_line_and_there_are_not_too_many(library: Library) -> None:
    for text, said in (
        (" ", "at least one word"),
        ("a\nb", "one line"),
        ("x" * 1_001, "1000"),
        ("\0", "NUL"),
    ):
        with pytest.raises(InvalidRequestError, match=said):
            library.favourites.add(text)
    library.favourites.add("🌙" * 1_000)
    for number in range(favourites.MAX_FAVOURITES - 1):
        library.favourites.add(str(number))
    with pytest.raises(TooManyFavouritesError, match="100 favourites"):
        library.favourites.add("one more")
    assert library.favourites.add("7")[1] is False
    assert len(library.favourites.all()) == 100


def test_of_an_archive_what_fits_is_added_the_newest_first(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(favourites, "MAX_FAVOURITES", 2)
    mine, _ = library.favourites.add("mine")
    theirs = [replace(mine, text=text, created_at=LONG_AGO.replace(year=year)) for text, year in
              (("old", 1999), ("new", 2001), ("mine", 1990), ("new", 2000))]  # fmt: skip
    assert library.favourites.adopt(theirs) == (1, 1)
    assert [each.text for each in library.favourites.all()] == ["mine", "new"]
    assert library.favourites.adopt(theirs[1:2]) == (0, 0)


def test_takes_and_favourites_are_there_when_it_is_opened_again(library: Library, url: str) -> None:
    stored, (favourite, _) = kept(library, passage()), library.favourites.add("More sea.")
    library.close()
    with closing(Library(url)) as again:
        assert (again.passages.of(STORY), again.favourites.all()) == ([stored], [favourite])
