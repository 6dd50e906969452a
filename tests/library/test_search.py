"""What the library promises of its list: a story is found by its words, in every kind of database alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from storaiteller.errors import InvalidRequestError
from storaiteller.library.library import Library
from storaiteller.library.values import Sort
from storaiteller.library.words import excerpt, passage, terms_of

MOON = "Near the café by the sea was closed; its straße lay dark. Don't go there, said Ada, 1 moon-lit night."

some_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
with_one_library = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def titles(library: Library, **asked: Any) -> list[str]:
    return [story.title for story in library.page(**asked).stories]


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement that is sent to a database meanwhile."""
    seen: list[str] = []

    def note(*sent: Any) -> None:
        seen.append(sent[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "moon",
        "MOON",
        "  sea   moon ",
        "moon sea café",
        "cafe",
        "CAFE\u0301",
        "strasse",
        "Straße",
        "don't",
        "don’t",
        "moon-lit",
        "lit night",
        "nig",
        "sea mo",
        "1",
        "title",
        "title moon",
        '"sea"',
        "sea) (NEAR",
        "sea*",
        "-sea",
        "c",
    ],
)
def test_a_story_is_found_by_the_words_in_it(library: Library, query: str) -> None:
    library.create(title="A title", text=MOON)
    library.create(title="Another", text="Nothing of the kind.")
    assert titles(library, query=query) == ["A title"]
    assert library.page(query=query).total == 1


@pytest.mark.parametrize(
    "query", ["sun", "sea sun", "mo sea", "oon", "seas", "closedd", "ca fé", "sea OR sun"]
)
def test_a_story_without_one_of_the_words_is_not_found(library: Library, query: str) -> None:
    library.create(title="A title", text=MOON)
    assert library.page(query=query).total == 0


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("春の海ひねもすのたり", "海"),
        ("春の海ひねもすのたり", "の海"),
        ("春の海ひねもすのたり", "ひねもす"),
        ("春の海ひねもすのたり", "り"),
        ("春の海ひねもすのたり", "海 春"),
        ("我在StorAIteller里写小说。", "storai"),
        ("ガラスの靴", "ガラス"),
        ("हिन्दी की कहानी", "हिन्दी"),
        ("שָׁלוֹם", "שלום"),
        ("Крепкий чай, ёлка", "елка"),
        ("co\u00adoperate with zero\u200bwidth", "cooperate zerowidth"),
        ("ﬁne oﬃce", "fine office"),
        ("Ⅷ ½ ²", "viii"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("word\x1fparted\x00".replace("\x00", ""), "parted"),
    ],
)
def test_words_of_every_script_are_found(library: Library, text: str, query: str) -> None:
    library.create(title="x", text=text)
    assert library.page(query=query).total == 1


@pytest.mark.parametrize(("text", "query"), [("春の海", "海の"), ("カラス", "ガラス"), ("कहानी", "कहना")])
def test_other_words_of_the_same_letters_are_not(library: Library, text: str, query: str) -> None:
    library.create(text=text)
    assert library.page(query=query).total == 0


@pytest.mark.parametrize(
    "query", ["?!", '"', "'", "()", "*", "—", "😀", "\0", "\ud800", "\\", "%", "_", ":*"]
)
def test_a_query_without_a_word_finds_nothing(library: Library, query: str) -> None:
    library.create(text=f"{MOON} ?! 😀 — % _")
    assert library.page(query=query).stories == ()


@with_one_library
@given(st.text(max_size=80))
@example("a" * 70)
@example("NEAR(a b) AND words:a OR NOT ^a {a b} + -")
@example("'a':* & !b | (c) <-> \\")
@example(" ".join(map(str, range(5_000))))
def test_no_query_breaks_the_search(library: Library, query: str) -> None:
    library.page(query=query)


@with_one_library
@given(some_text, some_text)
def test_a_text_is_found_by_itself(library: Library, title: str, text: str) -> None:
    made = library.create(title="".join(title.split()).translate(dict.fromkeys(range(160))), text=text)
    for query in (text, f"{made.title} {text}"):
        found = {story.id for story in library.page(query=query, limit=1_000).stories}
        assert not terms_of(query) or not query.strip() or made.id in found


def test_the_words_follow_every_change(library: Library) -> None:
    story = library.create(title="one", text="two")
    library.save(story.id, 1, title="three")
    library.save(story.id, 2, text="four")
    assert [library.page(query=word).total for word in ("one", "two", "three", "four")] == [0, 0, 1, 1]
    library.trash(story.id)
    assert library.page(query="four").total == 0
    assert library.page(query="four", trash=True).total == 1
    library.untrash(story.id)
    assert library.page(query="three four").total == 1


# --- the passage that was found -------------------------------------------------------------------


def test_a_hit_shows_the_passage_around_it(library: Library) -> None:
    text = "Once upon a time. " * 40 + "\nThe CAFÉ\twas   closed.\n" + "And so on. " * 40
    library.create(title="x", text=text)
    [hit] = library.page(query="cafe clo").stories
    assert "The CAFÉ was closed. And so on." in hit.excerpt
    assert len(hit.excerpt) <= 204
    assert hit.excerpt.startswith("… ")
    assert hit.excerpt.endswith(" …")


def test_of_many_passages_the_one_with_most_of_the_words_is_shown(library: Library) -> None:
    library.create(
        text="moon " + "x " * 300 + "sea " + "x " * 300 + "here the sea and the moon meet " + "x " * 300
    )
    [hit] = library.page(query="moon sea").stories
    assert "here the sea and the moon meet" in hit.excerpt


def test_a_hit_in_the_title_alone_shows_how_the_story_begins(library: Library) -> None:
    library.create(title="Moon", text="Once upon a time")
    [hit] = library.page(query="moon").stories
    assert hit.excerpt == "Once upon a time"


@pytest.mark.parametrize(
    ("text", "query", "shown"),
    [
        ("a short one", "short", "a short one"),
        ("x " * 100 + "cooperate", "co", "cooperate"),
        ("x " * 100 + "co\u00adoperate", "cooperate", "co\u00adoperate"),
        ("x " * 100 + "cafe\u0301 au lait", "café", "cafe\u0301 au lait"),
        ("x " * 100 + "春の海ひねもす", "海ひ", "春の海ひねもす"),
        ("x" * 500 + " moon " + "y" * 500, "moon", "moon"),
        ("İ" * 10 + " x" * 200 + " moon", "moon", "moon"),
    ],
)
def test_the_passage_is_the_writers_own_text(text: str, query: str, shown: str) -> None:
    assert shown in passage(text, terms_of(query))


@given(some_text | st.text("ab \n"), st.text("ab春 é", max_size=6))
def test_every_passage_is_one_line_of_the_text(text: str, query: str) -> None:
    shown = passage(text, terms_of(query))
    assert "\n" not in shown
    assert shown.removeprefix("… ").removesuffix(" …") in " ".join(text.split())
    assert len(shown) <= 204


def test_nothing_has_no_passage() -> None:
    assert passage("", terms_of("moon")) == excerpt("") == excerpt(" \n ") == ""


# --- the list -------------------------------------------------------------------------------------


@pytest.fixture
def several(library: Library) -> Library:
    """Four stories; the one that was made second was changed last, and one has no title."""
    made = [
        library.create(title="beta", text="one two three", tags=["Sea"]),
        library.create(title="Ähre", text="one"),
        library.create(title="Gamma", text="one two three four", tags=["sea", "Moon"]),
        library.create(title="", text="alpha is how it begins"),
    ]
    library.save(made[1].id, 1, text="one two")
    return library


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("updated", ["Ähre", "", "Gamma", "beta"]),
        ("created", ["", "Gamma", "Ähre", "beta"]),
        ("title", ["Ähre", "", "beta", "Gamma"]),
        ("words", ["", "Gamma", "beta", "Ähre"]),
    ],
)
def test_the_list_is_sorted_as_asked(several: Library, sort: Sort, expected: list[str]) -> None:
    assert titles(several, sort=sort) == expected
    parts = [titles(several, sort=sort, offset=at, limit=1) for at in range(5)]
    assert parts == [[title] for title in expected] + [[]]


def test_a_page_says_how_many_there_are(several: Library) -> None:
    for offset, limit in ((0, 1), (0, 0), (3, 50), (99, 50), (2**31 - 1, 1_000)):
        assert several.page(offset=offset, limit=limit).total == 4
    assert several.page(query="one", limit=1).total == 3


@pytest.mark.parametrize("asked", [{"offset": -1}, {"limit": -1}, {"limit": 1_001}, {"offset": 2**31}])
def test_a_page_that_cannot_be_is_refused(library: Library, asked: dict[str, int]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        library.page(**asked)  # type: ignore[arg-type]
    assert caught.value.field in asked


@pytest.mark.parametrize("tag", ["sea", "SEA", " Sea "])
def test_the_stories_with_a_tag_are_found_however_it_is_written(several: Library, tag: str) -> None:
    assert titles(several, tag=tag) == ["Gamma", "beta"]
    assert titles(several, tag=tag, query="four") == ["Gamma"]
    assert several.page(tag=tag).stories[0].tags == ("Moon", "Sea")


@pytest.mark.parametrize("tag", ["se", "sea%", "'", "\0", "\ud800"])
def test_a_tag_that_no_story_has_finds_none(several: Library, tag: str) -> None:
    assert several.page(tag=tag).total == 0


def test_a_list_never_reads_the_texts(several: Library) -> None:
    sorts: tuple[Sort, ...] = ("updated", "created", "title", "words")
    with statements() as sent:
        for sort in sorts:
            several.page(sort=sort, tag="sea", limit=2)
        several.tags()
    assert any("FROM stories" in statement for statement in sent)
    assert not any("story_texts" in statement for statement in sent)


def test_a_search_reads_the_texts_of_one_page_alone(several: Library) -> None:
    with statements() as sent:
        several.page(query="one", limit=2)
    [reading] = [statement for statement in sent if "story_texts" in statement]
    assert "story_texts.story IN" in reading
