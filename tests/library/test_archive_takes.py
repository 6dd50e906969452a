"""What the archive promises of takes, favourites and origins: they come back; a bad one costs no story."""

from __future__ import annotations

import hashlib
import io
import json
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from storaiteller.library import favourites, origins, passages, takes
from storaiteller.library.archive_values import MISSING, WRONG_ORIGINS, WRONG_RECORD, Limits, Refused
from storaiteller.library.archive_writing import write_archive
from storaiteller.library.importing import Imported, import_files
from storaiteller.library.library import Library
from storaiteller.library.merging import joined
from storaiteller.library.values import Origins
from tests.library.test_takes import ODD, passage, take
from tests.library.test_trash import exported

STORY = "a" * 32
MIXED: Origins = ((5, "model"), (len(ODD) - 5, "writer"))
Parts = dict[str, bytes]


def archived(library: Library) -> bytes:
    with closing(library.export()) as stories:
        return b"".join(write_archive(stories, library.favourites.all(), "StorAIteller test"))


def parts_of(raw: bytes) -> Parts:
    with ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: Parts) -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


def imported(library: Library, raw: bytes) -> Imported:
    return import_files(library, [("all.zip", io.BytesIO(raw))])


def everything(library: Library) -> tuple[Any, ...]:
    """All there is, but for the revisions, which begin anew."""
    stories = [(replace(story, revision=1), versions) for story, versions in exported(library)]
    of_each = [library.passages.of(story.id) for story, _ in stories]
    return stories, of_each, library.favourites.all()


def filled(library: Library) -> Library:
    """One story with all that can belong to it, and one with nothing."""
    library.create(id=STORY, title="The fox", text=ODD, origins=MIXED, reason="generation")
    library.save(STORY, 1, text="Once.", origins=((5, "edited"),))
    library.keep_version(STORY, "pause")
    library.save(STORY, 2, text=ODD, origins=MIXED)
    two = take(), take("t2", outcome="accepted", by="mix", finish=None)
    library.passages.keep(STORY, passage("b" * 32, *two))
    gap = passage("c" * 32, kind="insertion", settings=None, model=None, register="Vivid")
    library.passages.keep(STORY, gap)
    library.create(id="d" * 32, text="Twice.")
    for text in ("More sea 🌙", "Less sun"):
        library.favourites.add(text)
    return library


@pytest.fixture
def library(library: Library) -> Library:
    return filled(library)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    """The parts of an archive of all that."""
    path = tmp_path_factory.mktemp("whole") / "library.db"
    with closing(Library(f"sqlite:///{path}")) as library:
        return parts_of(archived(filled(library)))


@pytest.fixture
def empty(tmp_path: Path) -> Library:
    return Library(f"sqlite:///{tmp_path / 'another' / 'library.db'}")


# --- out and in -----------------------------------------------------------------------------------


def test_everything_comes_back_byte_for_byte_from_either_database(library: Library, empty: Library) -> None:
    with closing(empty):
        result = imported(empty, archived(library))
        assert (len(result.taken), result.known, result.refused, result.favourites) == (2, 0, [], 2)
        before, after = parts_of(archived(library)), parts_of(archived(empty))
        assert everything(empty) == everything(library)
        for name in before:
            if not name.endswith(".json") or name.startswith("origins/"):
                assert after[name] == before[name], name
        again = imported(empty, archived(library))
        assert (again.taken, again.known, again.refused, again.favourites) == ([], 2, [], 0)
        raw = archived(empty)
    for story in library.page().stories:
        library.trash(story.id)
    library.empty_trash()
    assert imported(library, raw).refused == []
    assert parts_of(archived(library)).keys() == before.keys()
    assert library.passages.of(STORY)[0].takes == passage("c" * 32).takes


def test_anybody_can_read_them(library: Library) -> None:
    parts = parts_of(archived(library))
    name = hashlib.sha256(parts[f"origins/{sha256_of(MIXED)}.json"]).hexdigest()
    record = json.loads(parts[f"stories/{STORY}.json"])
    assert record["origins"] == record["versions"][0]["origins"] == name
    assert record["passages"] == 2
    lines = parts[f"stories/{STORY}.passages.jsonl"].decode().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["insertion", "passage"]
    said = json.loads(parts["favourites.json"])["favourites"]
    assert [each["text"] for each in said] == ["Less sun", "More sea 🌙"]
    assert f"stories/{'d' * 32}.passages.jsonl" not in parts


def sha256_of(given: Origins) -> str:
    return hashlib.sha256(json.dumps(given, separators=(",", ":")).encode()).hexdigest()


def as_format_1(parts: Parts) -> Parts:
    """As an earlier StorAIteller wrote it, which knew nothing of them."""
    kept = {name: data for name, data in parts.items() if not name.startswith(("origins/", "favourites"))}
    for name in list(kept):
        if name.endswith(".passages.jsonl"):
            del kept[name]
        elif name.startswith("stories/") and name.endswith(".json"):
            record = json.loads(kept[name])
            del record["origins"], record["passages"]
            for each in record["versions"]:
                del each["origins"]
            kept[name] = json.dumps(record).encode()
    kept["library.json"] = kept["library.json"].replace(b'"format": 2', b'"format": 1')
    return kept


def test_an_earlier_archive_is_taken_as_it_is_and_a_later_one_adds_what_it_lacks(
    library: Library, empty: Library
) -> None:
    parts = parts_of(archived(library))
    with closing(empty):
        first = imported(empty, packed(as_format_1(parts)))
        assert (len(first.taken), first.refused, first.favourites) == (2, [], 0)
        assert (empty.get(STORY).text, empty.get(STORY).origins) == (ODD, None)
        assert empty.passages.of(STORY) == []
        second = imported(empty, packed(parts))
        assert ([each.id for each in second.taken], second.known, second.favourites) == ([STORY], 1, 2)
        assert empty.get(STORY).origins == MIXED
        assert empty.passages.of(STORY) == library.passages.of(STORY)


def test_what_the_writer_has_since_is_not_written_over(library: Library) -> None:
    raw = archived(library)
    mine = library.passages.keep(STORY, passage("b" * 32, take(text="mine")))
    library.save(STORY, 3, origins=((len(ODD), "writer"),))
    library.passages.delete(STORY, "c" * 32)
    assert imported(library, raw).refused == []
    assert library.get(STORY).origins == ((len(ODD), "writer"),)
    assert mine in library.passages.of(STORY)
    assert len(library.passages.of(STORY)) == 2


def test_takes_that_a_passage_lacks_are_joined_and_the_later_decision_holds(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.passages.keep(STORY, passage("b" * 32, take("t3", "Three.")))
    raw, [whole, *_] = archived(library), [each for each in library.passages.of(STORY) if each.id == "b" * 32]
    library.passages.delete(STORY, "b" * 32)
    mine = library.passages.keep(STORY, passage("b" * 32, take("new", outcome="accepted"), original="Later."))
    with monkeypatch.context() as patch:
        patch.setattr(passages, "MAX_TAKES", 3)
        [refused] = imported(library, raw).refused
        assert refused.why == "1 of its passages with takes were left out: it has as many as are kept."
        assert mine in library.passages.of(STORY)
    for _ in range(2):
        assert imported(library, raw).refused == []
        [both] = [each for each in library.passages.of(STORY) if each.id == "b" * 32]
        assert [(each.id, each.outcome) for each in both.takes] == [
            ("new", "accepted"), ("t1", "open"), ("t2", "discarded"), ("t3", "open")
        ]  # fmt: skip
        assert replace(both, takes=mine.takes) == mine
    earlier = {name: getattr(passage("b" * 32), name) for name in ("created_at", "updated_at")}
    ours = passage("b" * 32, take("new", outcome="accepted"), original="Earlier.", **earlier)
    later = joined(ours, whole)
    assert (later.original, later.created_at) == (whole.original, ours.created_at)
    assert [each.outcome for each in later.takes] == ["discarded", "open", "accepted", "open"]
    assert joined(later, whole) == later


# --- what is damaged, or hostile ------------------------------------------------------------------

LINES, LOVED = f"stories/{STORY}.passages.jsonl", "favourites.json"
OF_STORY = f"origins/{sha256_of(MIXED)}.json"


def with_record(parts: Parts, **changes: Any) -> None:
    name = f"stories/{STORY}.json"
    parts[name] = json.dumps({**json.loads(parts[name]), **changes}).encode()


def with_line(parts: Parts, **changes: Any) -> None:
    first, rest = parts[LINES].split(b"\n", 1)
    parts[LINES] = json.dumps({**json.loads(first), **changes}).encode() + b"\n" + rest


def with_origins(parts: Parts, raw: bytes) -> None:
    """The story's own origins are these, and called by their digest."""
    name = hashlib.sha256(raw).hexdigest()
    parts[f"origins/{name}.json"] = raw
    with_record(parts, origins=name)


ONE_PASSAGE = "1 of its passages with takes are damaged in the archive, and were left out."


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda parts: parts.pop(OF_STORY), WRONG_ORIGINS),
        (lambda parts: parts.update({OF_STORY: b"[]"}), WRONG_ORIGINS),
        (lambda parts: with_origins(parts, b'[[1,"model"]]'), WRONG_ORIGINS),
        (lambda parts: with_origins(parts, b"[" * 100_000), WRONG_ORIGINS),
        (lambda parts: with_origins(parts, b'{"a":1}'), WRONG_ORIGINS),
        (lambda parts: with_origins(parts, b"[[" + b"9" * 5_000 + b',"model"]]'), WRONG_ORIGINS),
        (lambda parts: with_origins(parts, b'[[1,"model"],[1,"writer"]]' + b" " * 5_000_000), WRONG_ORIGINS),
        (lambda parts: with_line(parts, kind="chapter"), ONE_PASSAGE),
        (lambda parts: with_line(parts, chapters=[]), ONE_PASSAGE),
        (lambda parts: with_line(parts, id="../" * 11), ONE_PASSAGE),
        (lambda parts: with_line(parts, before="x" * 2_001), ONE_PASSAGE),
        (lambda parts: with_line(parts, id="b" * 32), ONE_PASSAGE),
        (lambda parts: with_record(parts, passages=3), ONE_PASSAGE),
        (lambda parts: parts.pop(LINES), f"Its passages with takes were left out. {MISSING}"),
        (
            lambda parts: parts.update({LINES: b"\n" * 2_000}),
            "Its passages with takes were left out: they are more than 1,000.",
        ),
        (
            lambda parts: parts.update({LINES: b" " * 65_000_001}),
            "Its passages with takes were left out. "
            "A part of it is longer than 65,000,000 bytes, more than any story.",
        ),
    ],
)
def test_a_damaged_part_is_told_and_costs_nothing_else(
    tmp_path: Path, whole: Parts, change: Callable[[Parts], Any], why: str
) -> None:
    with closing(Library(f"sqlite:///{tmp_path / 'library.db'}")) as library:
        parts = dict(whole)
        change(parts)
        result = imported(library, packed(parts))
        assert result.refused == [Refused("The fox (all.zip)", why)]
        assert (len(result.taken), result.favourites) == (2, 2)
        assert library.get(STORY).text == ODD
        assert len(library.versions(STORY)) == 2
        if why == WRONG_ORIGINS:
            assert library.get(STORY).origins is None
            assert library.version(STORY, 2).origins == ((5, "edited"),)
            assert len(library.passages.of(STORY)) == 2
        else:
            assert library.get(STORY).origins == MIXED


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (None, MISSING),
        (b"{", WRONG_RECORD),
        (b'{"favourites": [{"text": "x"}]}', WRONG_RECORD),
        (b" " * 1_000_001, "A part of it is longer than 1,000,000 bytes, more than any story."),
    ],
)
def test_damaged_favourites_cost_no_story(tmp_path: Path, whole: Parts, raw: bytes | None, why: str) -> None:
    parts = {name: data for name, data in whole.items() if name != LOVED}
    if raw is not None:
        parts[LOVED] = raw
    with closing(Library(f"sqlite:///{tmp_path / 'library.db'}")) as library:
        result = imported(library, packed(parts))
        assert (len(result.taken), result.favourites) == (2, 0)
        assert result.refused == [Refused("Favourites (all.zip)", why)]


def test_what_there_is_no_room_for_is_told(
    tmp_path: Path, whole: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = packed(whole)
    monkeypatch.setattr(takes, "MAX_PASSAGES", 1)
    monkeypatch.setattr(favourites, "MAX_FAVOURITES", 1)
    with closing(Library(f"sqlite:///{tmp_path / 'library.db'}")) as library:
        result = imported(library, raw)
        assert [each.name for each in result.refused] == ["The fox (all.zip)", "Favourites (all.zip)"]
        assert all(each.why.startswith("1 of ") for each in result.refused)
        assert [each.id for each in library.passages.of(STORY)] == ["c" * 32]
        assert [each.text for each in library.favourites.all()] == ["Less sun"]


def test_origins_that_many_versions_have_are_read_and_kept_once(tmp_path: Path, whole: Parts) -> None:
    """A hundred kilobytes could otherwise stand for two hundred gigabytes."""
    parts = dict(whole)
    name, text = f"stories/{STORY}.json", "xy" * 10_000
    record = json.loads(parts[name])
    runs = json.dumps([[1, who] for _ in range(10_000) for who in ("model", "writer")]).encode()
    of_text, of_runs = hashlib.sha256(text.encode()).hexdigest(), hashlib.sha256(runs).hexdigest()
    parts |= {f"versions/{of_text}.txt": text.encode(), f"origins/{of_runs}.json": runs}
    version = {**record["versions"][0], "sha256": of_text, "origins": of_runs}
    with_record(parts, versions=[{**version, "number": number} for number in range(1, 501)])
    database = tmp_path / "library.db"
    with closing(Library(f"sqlite:///{database}")) as library:
        assert imported(library, packed(parts)).refused == []
        assert len(library.version(STORY, 500).origins or ()) == 20_000
    assert database.stat().st_size < 1_000_000


def test_a_list_of_a_million_errors_takes_no_gigabytes(tmp_path: Path, whole: Parts) -> None:
    """pydantic made an error of each, of every field that it lacks."""
    parts = dict(whole)
    with_record(parts, versions=[{}] * 1_000_000)
    parts["favourites.json"] = b'{"favourites": [' + b"{}," * 300_000 + b"{}]}"
    raw = packed(parts)
    with closing(Library(f"sqlite:///{tmp_path / 'library.db'}")) as library:
        tracemalloc.start()
        try:
            assert [each.why for each in imported(library, raw).refused] == [WRONG_RECORD] * 2
            assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
        finally:
            tracemalloc.stop()


def test_as_many_runs_as_a_text_may_have_fit_into_an_archive() -> None:
    assert len(origins.written(((4_000_000, "edited"),) * origins.MAX_RUNS)) < Limits().origins
