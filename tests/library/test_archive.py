"""What the archive of a library promises: all of it comes back, and nothing else comes out of it."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile, ZipInfo

import pytest

from storaiteller.library.archive_reading import read_archive
from storaiteller.library.archive_values import (
    ENCRYPTED,
    MISSING,
    NEWER,
    NO_ARCHIVE,
    WRONG_RECORD,
    WRONG_TEXT,
    Adoptable,
    AdoptableFavourites,
    Limits,
    Refused,
)
from storaiteller.library.archive_writing import write_archive
from storaiteller.library.texts import FileRefusedError
from storaiteller.library.values import Passage, Story, VersionText

NOW = datetime(2026, 11, 22, 17, 30, 5, 123456, UTC)
A, B = "a" * 32, "b" * 32
ODD = "Once.\r\n\r\n“Upon”\ta time 🌙 \n\u00a0 e\u0301\rend  \n"


def version(number: int, text: str, **more: Any) -> VersionText:
    values = {"at": NOW, "reason": "generation", "name": None, "words": 1, "settings": None, **more}
    return VersionText(number=number, text=text, **values)


def story(id: str, text: str = ODD, **more: Any) -> Story:  # noqa: A002
    values: dict[str, Any] = {
        "title": "The fox", "excerpt": "", "words": 5, "created_at": NOW, "updated_at": NOW, "tags": (),
        "trashed_at": None, "revision": 1, "settings": None, "model": None, **more,
    }  # fmt: skip
    return Story(id=id, text=text, **values)


EVERYTHING: list[tuple[Story, list[VersionText]]] = [
    (
        story(
            A,
            title="“A” 'b' \"c\" / \\ ../..",
            tags=("sea", "Été"),
            revision=7,
            settings={"genre": "Fantasy", "characters": ["Ada"]},
            model="embedded/x.gguf",
            trashed_at=NOW + timedelta(days=1),
        ),
        [
            version(1, "Once."),
            version(3, ODD, name="the “good” one", reason="named", settings={"max_words": 20}),
            version(4, "Once.", at=NOW.astimezone(timezone(timedelta(hours=5)))),
        ],
    ),
    (story(B, "", title=""), []),
    (story("c" * 32, "Once."), [version(1, "Once.")]),
]


def archived(stories: list[tuple[Story, list[VersionText]]] | None = None) -> bytes:
    given = EVERYTHING if stories is None else stories
    return b"".join(write_archive(((*each, ()) for each in given), [], "StorAIteller test"))


def parts_of(raw: bytes) -> dict[str, bytes]:
    with ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: dict[str, bytes], compression: int = ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w", compression) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


def read(raw: bytes, **limits: int) -> list[Adoptable | Refused]:
    """The stories; there are no favourites."""
    found = list(read_archive(io.BytesIO(raw), Limits(**limits)))
    assert found.pop() == AdoptableFavourites([])
    return [each for each in found if not isinstance(each, AdoptableFavourites)]


def refusal(raw: bytes, **limits: int) -> str:
    with pytest.raises(FileRefusedError) as caught:
        read(raw, **limits)
    assert caught.value.message.endswith(".")
    return caught.value.message


# --- out and in -----------------------------------------------------------------------------------


def test_everything_that_goes_out_comes_back() -> None:
    assert read(archived()) == [Adoptable(*each) for each in EVERYTHING]
    assert read(archived([])) == []


def test_anybody_can_read_it_without_storaiteller() -> None:
    parts = parts_of(archived())
    once = hashlib.sha256(b"Once.").hexdigest()
    assert list(parts) == [
        f"versions/{once}.txt", f"versions/{hashlib.sha256(ODD.encode()).hexdigest()}.txt",
        f"stories/{A}.txt", f"stories/{A}.json", f"stories/{B}.txt", f"stories/{B}.json",
        f"stories/{'c' * 32}.txt", f"stories/{'c' * 32}.json", "favourites.json", "library.json",
    ]  # fmt: skip
    assert parts[f"stories/{A}.txt"] == ODD.encode()
    assert parts[f"versions/{once}.txt"] == b"Once."
    manifest = json.loads(parts["library.json"])
    assert (manifest["format"], manifest["app"]) == (2, "StorAIteller test")
    assert [each["id"] for each in manifest["stories"]] == [A, B, "c" * 32]
    assert json.loads(parts[f"stories/{A}.json"])["created_at"] == "2026-11-22T17:30:05.123456Z"


@pytest.mark.slow
def test_it_is_written_without_holding_it_in_memory() -> None:
    """64 stories of a megabyte that does not compress: one at a time, and their pieces handed on."""

    def stories() -> Iterator[tuple[Story, list[VersionText], list[Passage]]]:
        for number in range(64):
            noise = hashlib.shake_256(bytes([number])).hexdigest(512 * 1024)
            yield story(f"{number:032x}", noise), [], []

    tracemalloc.start()
    try:
        total = sum(len(piece) for piece in write_archive(stories(), [], "x"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total > 32 * 2**20
    assert peak < 16 * 2**20


def test_what_stops_in_the_middle_is_no_archive() -> None:
    def stories() -> Iterator[tuple[Story, list[VersionText], list[Passage]]]:
        for number in range(8):
            yield story(f"{number:032x}", hashlib.shake_256(bytes([number])).hexdigest(512 * 1024)), [], []
        raise OSError("the disk is gone")

    written = bytearray()

    def write() -> None:
        for piece in write_archive(stories(), [], "x"):
            written.extend(piece)

    with pytest.raises(OSError, match="gone"):
        write()
    assert len(written) > 2**20
    assert refusal(bytes(written)) == NO_ARCHIVE
    assert refusal(archived()[:-40]) == NO_ARCHIVE


@pytest.mark.parametrize("year", [1, 1979, 9999])
def test_times_that_a_zip_cannot_hold_come_back_too(year: int) -> None:
    each = story(A, created_at=NOW.replace(year=year), updated_at=NOW.replace(year=year))
    assert read(archived([(each, [])])) == [Adoptable(each, [])]


# --- archives that are none -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"%PDF-1.7",
        b"Once upon a time.",
        packed({}),
        packed({"story.txt": b"Once."}),
        packed({"library.json": b""}),
        packed({"library.json": b"[]"}),
        packed({"library.json": b'{"format": 0}'}),
        packed({"library.json": b'{"format": "1"}'}),
        packed({"library.json": b"[" * 100_000}),
        packed(parts_of(archived()), ZIP_BZIP2),
    ],
)
def test_what_is_no_archive_is_refused(raw: bytes) -> None:
    assert refusal(raw) == NO_ARCHIVE


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/cron.d/x",
        "/etc/passwd",
        "C:\\x.txt",
        "stories/../../x.txt",
        f"stories/{'d' * 32}.txt",
        f"stories/{A.upper()}.txt",
        f"stories/{A}.txt/../x",
        f"stories/{A}.txt\n",
        f"stories/{A}.exe",
        f"versions/{A}.txt",
        "stories/",
        "__MACOSX/x",
    ],
)
def test_a_name_that_does_not_belong_refuses_the_archive(name: str) -> None:
    assert refusal(packed({**parts_of(archived()), name: b"Once."})) == NO_ARCHIVE


def test_an_archive_of_a_newer_storaiteller_says_so_whatever_else_is_in_it() -> None:
    assert refusal(packed({"library.json": b'{"format": 3, "chapters": []}', "new/x.bin": b""})) == NEWER


def test_an_archive_with_a_password_says_so() -> None:
    raw = bytearray(archived())
    at = 0
    while (at := raw.find(b"PK\x01\x02", at)) >= 0:
        struct.pack_into("<H", raw, at + 8, struct.unpack_from("<H", raw, at + 8)[0] | 1)
        at += 4
    assert refusal(bytes(raw)) == ENCRYPTED


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_refuse_the_archive() -> None:
    file = io.BytesIO(archived())
    with ZipFile(file, "a") as archive:
        archive.writestr(f"stories/{A}.txt", "another")
    assert refusal(file.getvalue()) == NO_ARCHIVE


def test_a_story_that_is_listed_twice_refuses_the_archive() -> None:
    parts = parts_of(archived())
    manifest = json.loads(parts["library.json"])
    manifest["stories"].append({**manifest["stories"][0], "title": "again"})
    assert refusal(packed({**parts, "library.json": json.dumps(manifest).encode()})) == NO_ARCHIVE


# --- one bad story --------------------------------------------------------------------------------


def without(name: str) -> bytes:
    return packed({each: data for each, data in parts_of(archived()).items() if each != name})


def with_record(**changes: Any) -> bytes:
    parts = parts_of(archived())
    record = json.loads(parts[f"stories/{A}.json"])
    return packed({**parts, f"stories/{A}.json": json.dumps({**record, **changes}).encode()})


def damaged(name: str) -> bytes:
    """One bit in the packed bytes of a file is another."""
    raw = bytearray(archived())
    with ZipFile(io.BytesIO(bytes(raw))) as archive:
        at = archive.getinfo(name).header_offset + 30 + len(name) + 3
    raw[at] ^= 0x10
    return bytes(raw)


VERSION = f"versions/{hashlib.sha256(ODD.encode()).hexdigest()}.txt"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (without(f"stories/{A}.txt"), MISSING),
        (without(f"stories/{A}.json"), MISSING),
        (without(VERSION), MISSING),
        (packed({**parts_of(archived()), f"stories/{A}.txt": b"Another."}), WRONG_TEXT),
        (packed({**parts_of(archived()), VERSION: b"Another."}), WRONG_TEXT),
        (damaged(f"stories/{A}.txt"), WRONG_TEXT),
        (packed({**parts_of(archived()), f"stories/{A}.json": b"{"}), WRONG_RECORD),
        (with_record(id=B), WRONG_RECORD),
        (with_record(revision=0), WRONG_RECORD),
        (with_record(created_at="yesterday"), WRONG_RECORD),
        (with_record(created_at="2026-11-22T17:30:05"), WRONG_RECORD),
        (with_record(versions=[{"number": 1}]), WRONG_RECORD),
        (with_record(chapters=[]), WRONG_RECORD),
        (with_record(sha256="../" * 20 + "abcd"), WRONG_RECORD),
    ],
)
def test_a_bad_story_is_named_and_the_others_are_taken(raw: bytes, why: str) -> None:
    bad, *others = read(raw)
    assert bad == Refused(EVERYTHING[0][0].title, why)
    assert others == [Adoptable(*each) for each in EVERYTHING[1:]]


def test_a_story_without_a_title_is_named_by_its_id() -> None:
    assert read(without(f"stories/{B}.txt"))[1] == Refused(B, MISSING)


# --- what swells ----------------------------------------------------------------------------------


def peak_of(raw: bytes, **limits: int) -> tuple[list[Adoptable | Refused] | str, int]:
    """What comes of reading it, and how much memory that took, in bytes."""
    tracemalloc.start()
    try:
        try:
            told: list[Adoptable | Refused] | str = read(raw, **limits)
        except FileRefusedError as error:
            told = error.message
        return told, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_a_text_that_many_versions_have_is_read_and_held_once() -> None:
    """5,000 versions all have one text of 4,000,000 spaces, 20 GB together."""
    text = " " * 4_000_000
    parts = parts_of(archived([(story(A), [version(1, text)]), (story(B), [])]))
    record = json.loads(parts[f"stories/{A}.json"])
    record["versions"] *= 5_000
    record = json.dumps(record).encode()
    raw = packed({**parts, f"stories/{A}.json": record})
    assert len(raw) < 100_000
    told, peak = peak_of(raw)
    assert told == [Adoptable(story(A), [version(1, text)] * 5_000), Adoptable(story(B), [])]
    assert peak < 48 * 2**20


@pytest.mark.parametrize(("limit", "kept"), [(4_500, 4), (3_500, 3), (2_999, 1), (10, 0)])
def test_of_too_many_versions_the_newest_that_fit_are_taken_with_the_story(limit: int, kept: int) -> None:
    """Versions 3 and 2 have the same text, which counts once."""
    texts = ("a", "b", "b", "c")
    versions = [version(number, text * 1_000) for number, text in enumerate(texts, start=1)]
    given = (story(A, "d" * 1_000), versions)
    told = read(archived([given, (story(B), [])]), story=limit)
    assert told[0] == Adoptable(given[0], versions[4 - kept :])
    assert told[-1] == Adoptable(story(B), [])
    if kept < 4:
        [_, left_out, _] = told
        assert isinstance(left_out, Refused)
        assert left_out.name == "The fox"
        many = f"Its {4 - kept} oldest versions were" if kept < 3 else "Its oldest version was"
        assert left_out.why.startswith(
            f"{many} left out: with all of them it is longer than {limit:,} bytes."
        )


def test_all_texts_together_have_a_limit() -> None:
    raw = archived([(story(f"{number:032x}", " " * 1_000_000), []) for number in range(10)])
    reading = read_archive(io.BytesIO(raw), Limits(total=3_500_000))
    assert [type(next(reading)) for _ in range(3)] == [Adoptable] * 3
    with pytest.raises(FileRefusedError, match="more than 3,500,000 bytes"):
        next(reading)


def with_text(packed_text: bytes, claimed: int, checksum: int) -> bytes:
    """An archive of two stories; the text of the first unpacks from these bytes, and claims a size."""
    parts = parts_of(archived([(story(A), []), (story(B), [])]))
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            if name != f"stories/{A}.txt":
                archive.writestr(name, data)
        entry = ZipInfo(f"stories/{A}.txt")
        archive.writestr(entry, packed_text)
    raw = bytearray(file.getvalue())
    directory = raw.rindex(entry.filename.encode()) - 46
    for header in (entry.header_offset + 8, directory + 10):
        struct.pack_into("<H", raw, header, ZIP_DEFLATED)
        struct.pack_into("<LLL", raw, header + 6, checksum, len(packed_text), claimed)
    return bytes(raw)


def gigabyte() -> bytes:
    """Deflated: a megabyte of spaces that can be put after itself, a thousand times."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)
    return piece * 1024 + zlib.compressobj(9, zlib.DEFLATED, -15).flush()


@pytest.mark.parametrize(
    ("claimed", "checksum", "why"),
    [
        (2**30, 0, "A part of it is longer than 4,000,000 bytes, more than any story."),
        (2**32 - 2, 0, "A part of it is longer than 4,000,000 bytes, more than any story."),
        (100, 0, WRONG_TEXT),
        (100, zlib.crc32(b" " * 100), WRONG_TEXT),
        (4_000_000, 0, WRONG_TEXT),
    ],
)
def test_a_text_that_unpacks_to_a_gigabyte_is_left_out_whatever_it_claims(
    claimed: int, checksum: int, why: str
) -> None:
    told, peak = peak_of(with_text(gigabyte(), claimed, checksum))
    assert told == [Refused("The fox", why), Adoptable(story(B), [])]
    assert peak < 16 * 2**20


def test_a_list_of_a_million_files_is_not_read() -> None:
    """``zipfile`` makes an object of each entry, ten times as large as its line in the list."""
    line = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    listed = line * 600_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65_535, 65_535, len(listed), 0, 0)
    told, peak = peak_of(listed + end)
    assert told == NO_ARCHIVE
    assert peak < 2**20
