"""What a ledger promises, here that of the good stories: nothing is lost, nothing unfinished is believed."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from filelock import FileLock

from storaiteller import durable
from storaiteller.errors import LedgerError
from storaiteller.feedback import GOOD, FeedbackLedger
from storaiteller.feedback_csv import HEADER, encode_row
from tests.ledgers import BAD_DISK, NO_SPACE, broken, good_story, raising, rows_of


def set_aside_in(folder: Path, kind: str) -> list[bytes]:
    return [file.read_bytes() for file in sorted(folder.glob(f"datastories.csv.{kind}-*"))]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "datastories.csv"


@pytest.fixture
def ledger(path: Path) -> FeedbackLedger:
    return FeedbackLedger(path)


# --- several programs at once ---------------------------------------------------------------------

SAVES_WITHOUT_END = """
import itertools, sys
from pathlib import Path
from storaiteller.feedback import FeedbackLedger, GoodStory

path, name, size, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
ledger = FeedbackLedger(path)
for number in itertools.islice(itertools.count(), count or None):
    story = f'{name} "{number}"\\r\\n' + "ab" * size
    assert ledger.save(GoodStory("Write.", story, f"{name}-{number}", "{}", "demo", "1"))
    print(f"{name}-{number}", flush=True)
"""


def start_saving(path: Path, name: str, size: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SAVES_WITHOUT_END, str(path), name, str(size), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_programs_saving_at_once_lose_nothing(path: Path) -> None:
    children = [start_saving(path, name, 2_000, 60) for name in ("ada", "bo")]
    for child in children:
        child.communicate()
        assert child.returncode == 0
    found = [row["StoryId"] for row in rows_of(path)]
    for name in ("ada", "bo"):
        assert [one for one in found if one.startswith(name)] == [f"{name}-{n}" for n in range(60)]
    assert len(found) == 120
    assert all(row["Story"].endswith("ab" * 2_000) for row in rows_of(path))


@pytest.mark.slow
def test_kill_9_at_any_moment_loses_nothing_that_was_acknowledged(path: Path) -> None:
    """Stories of 400 kB, as a write that long can be stopped halfway by the signal."""
    chance = random.Random(9)
    acknowledged: list[str] = []
    for attempt in range(16):
        with start_saving(path, f"run{attempt}", 200_000 if attempt % 2 else 50, 0) as child:
            assert child.stdout is not None
            some = chance.randrange(1, 6)
            acknowledged += [child.stdout.readline().strip() for _ in range(some)]
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=chance.random() / 50)
            child.send_signal(signal.SIGKILL)
            acknowledged += child.stdout.read().split()
    FeedbackLedger(path).open()
    found = [row["StoryId"] for row in rows_of(path)]
    assert len(found) == len(set(found))
    assert set(acknowledged) <= set(found)
    assert "" not in acknowledged
    assert len(found) - len(acknowledged) <= 16  # at most the row each was killed in
    assert len(pd.read_csv(path)) == len(found)


def test_a_lock_that_is_never_let_go_is_an_error(path: Path) -> None:
    FeedbackLedger(path).save(good_story())
    before = path.read_bytes()
    with FileLock(f"{path}.lock"), pytest.raises(LedgerError, match="another program is holding"):
        FeedbackLedger(path, lock_timeout=0.05).save(good_story("s2"))
    assert path.read_bytes() == before


# --- after a crash --------------------------------------------------------------------------------


def test_a_torn_row_of_any_length_is_set_aside_and_never_parsed(tmp_path: Path) -> None:
    whole = HEADER + encode_row(good_story("kept"), GOOD)
    row = encode_row(good_story("torn"), GOOD)
    for length in range(1, len(row)):
        folder = tmp_path / str(length)
        folder.mkdir()
        path = folder / "datastories.csv"
        path.write_bytes(whole + row[:length])
        ledger = FeedbackLedger(path)
        [aside] = ledger.open()
        assert f"{length:,} bytes" in aside.message
        assert aside.path.read_bytes() == row[:length]
        assert path.read_bytes() == whole
        assert [found.story_id for found in ledger.latest()] == ["kept"]


def test_a_row_torn_by_another_program_is_set_aside_at_the_next_append(
    ledger: FeedbackLedger, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.save(good_story("a"))
    with path.open("ab") as file:
        file.write(encode_row(good_story("b"), GOOD)[:50] + b"\0" * 9)
    assert ledger.save(good_story("c"))
    assert [row["StoryId"] for row in rows_of(path)] == ["a", "c"]
    assert set_aside_in(path.parent, "torn") == [encode_row(good_story("b"), GOOD)[:50] + b"\0" * 9]
    assert "59 bytes" in caplog.text


@pytest.mark.parametrize("torn", [b"\0" * 9, b'"Write.",' + b"\0" * 9, b'"Write."' + b"\0" * 9])
def test_the_nuls_that_a_power_cut_leaves_are_set_aside(
    ledger: FeedbackLedger, path: Path, torn: bytes
) -> None:
    ledger.save(good_story("a"))
    with path.open("ab") as file:
        file.write(torn)
    assert ledger.save(good_story("b"))
    assert [row["StoryId"] for row in rows_of(path)] == ["a", "b"]
    assert set_aside_in(path.parent, "torn") == [torn]


def test_the_torn_bytes_are_safe_before_the_ledger_is_cut(ledger: FeedbackLedger, path: Path) -> None:
    ledger.save(good_story("a"))
    torn = path.read_bytes() + b'"half a'
    path.write_bytes(torn)
    with broken(durable, "create", raising(NO_SPACE)), pytest.raises(LedgerError, match="Make room"):
        ledger.save(good_story("b"))
    assert path.read_bytes() == torn
    assert ledger.save(good_story("b"))


def test_a_row_written_but_never_synced_is_synced_before_it_is_vouched_for(
    ledger: FeedbackLedger, path: Path
) -> None:
    """A program killed between write and fsync leaves a row that a power cut may still take."""
    ledger.open()
    with path.open("ab") as file:
        file.write(encode_row(good_story(), GOOD))
    with broken(os, "fsync", raising(BAD_DISK)), pytest.raises(LedgerError):
        ledger.save(good_story())
    assert not ledger.save(good_story())


def test_an_empty_file_is_a_ledger_that_was_not_begun(ledger: FeedbackLedger, path: Path) -> None:
    path.parent.mkdir()
    for begun in (b"", HEADER[:-1]):
        path.write_bytes(begun)
        assert ledger.open() == ()
        assert path.read_bytes() == HEADER


# --- a disk that fails ----------------------------------------------------------------------------


@pytest.fixture
def unchanged(ledger: FeedbackLedger, path: Path) -> Iterator[None]:
    """One story is there before; it alone is there after, and saving works again."""
    ledger.save(good_story("before"))
    before = path.read_bytes()
    yield
    assert path.read_bytes() == before
    assert ledger.save(good_story("after"))
    assert [row["StoryId"] for row in rows_of(path)] == ["before", "after"]


@pytest.mark.usefixtures("unchanged")
def test_a_full_disk_is_said_in_the_writers_words(ledger: FeedbackLedger, path: Path) -> None:
    with broken(os, "write", raising(NO_SPACE)), pytest.raises(LedgerError) as caught:
        ledger.save(good_story())
    assert caught.value.message == (
        f"The story could not be saved: No space left on device, says the disk of {path}. "
        "The text is still in the editor. Make room on the disk and try again."
    )


@pytest.mark.parametrize("room", [0, 1, 40])
@pytest.mark.usefixtures("unchanged")
def test_a_write_cut_short_leaves_no_half_row(ledger: FeedbackLedger, room: int) -> None:
    real = os.write
    short = broken(os, "write", lambda descriptor, data: real(descriptor, data[:room]))
    with short, pytest.raises(LedgerError, match=r"no room for it.* Make room"):
        ledger.save(good_story())


@pytest.mark.parametrize("recovers", [True, False])
@pytest.mark.usefixtures("unchanged")
def test_a_failed_fsync_takes_the_row_out_again(ledger: FeedbackLedger, recovers: bool) -> None:
    fsync = raising(BAD_DISK, then=os.fsync if recovers else None)
    with broken(os, "fsync", fsync), pytest.raises(LedgerError, match="Input/output error"):
        ledger.save(good_story())


@pytest.mark.usefixtures("unchanged")
def test_ctrl_c_before_the_row_is_safe_takes_it_out_again(ledger: FeedbackLedger) -> None:
    with broken(os, "fsync", raising(KeyboardInterrupt())), pytest.raises(KeyboardInterrupt):
        ledger.save(good_story())


@pytest.mark.parametrize("room", [0, 30])
@pytest.mark.usefixtures("unchanged")
def test_a_real_limit_on_the_file_leaves_no_half_row(ledger: FeedbackLedger, path: Path, room: int) -> None:
    """The kernel itself refuses here: a write cut short first, then EFBIG (Python ignores SIGXFSZ)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + room, hard))
    try:
        with pytest.raises(LedgerError, match="Make room"):
            ledger.save(good_story())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    """Root may write anywhere, so a test run as root becomes nobody for a moment."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        if os.geteuid() == 0:
            os.seteuid(65534)
        try:
            with pytest.raises(LedgerError, match="Allow writing") as caught:
                FeedbackLedger(folder / "datastories.csv").save(good_story())
        finally:
            os.seteuid(os.getuid())
            folder.chmod(0o755)
        assert name in caught.value.message
        assert list(folder.iterdir()) == []


def test_a_folder_where_the_ledger_should_be_is_named(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(LedgerError, match="Is a directory"):
        FeedbackLedger(path).open()


# --- a file that somebody else wrote --------------------------------------------------------------


@pytest.mark.parametrize(
    "foreign",
    [
        b"Date,Amount\n1,2\n",
        b"\xff\xfeP\0r\0o\0m\0p\0t\0",
        b"Prompt;Story\na;b\n",
        b"no newline",
        b"\0\0\0",
        b"a\rb\r",
        HEADER + b"a,b,c",
        HEADER + b'"a "quoted" word","and a stray " quote",\n',
        "Prompt,Story\nhello,café\n".encode("cp1252"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_and_left_alone(path: Path, foreign: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(foreign)
    with pytest.raises(LedgerError, match=r"datastories\.csv .*left as it is"):
        FeedbackLedger(path).save(good_story())
    assert path.read_bytes() == foreign
    assert {file.name for file in path.parent.iterdir()} <= {path.name, f"{path.name}.lock"}


def test_a_ledger_that_a_spreadsheet_saved_is_still_ours(ledger: FeedbackLedger, path: Path) -> None:
    ledger.save(good_story(story='plain "quoted", and\nlong'))
    pd.read_csv(path).to_csv(path, index=False, lineterminator="\r\n", encoding="utf-8-sig")
    assert not ledger.save(good_story(story='plain "quoted", and\nlong'))
    assert ledger.take_back("s1")
    assert pd.read_csv(path)["Rating"].tolist() == [1, 0]


@pytest.mark.parametrize("how", [{}, {"sep": ";"}, {"sep": "\t"}])
def test_a_ledger_that_a_spreadsheet_rearranged_is_left_as_it_is_and_can_be_mended(
    ledger: FeedbackLedger, path: Path, how: dict[str, Any]
) -> None:
    ledger.save(good_story(story="plain"))
    frame = pd.read_csv(path)
    frame.to_csv(path, index=False, **{"columns": [*frame.columns][::-1]} | how)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=r"other columns, or other marks .*in this order: Prompt, Story, "):
        FeedbackLedger(path).open()
    assert path.read_bytes() == before
    frame.to_csv(path, index=False)
    assert [each.story for each in FeedbackLedger(path).latest()] == ["plain"]


def test_a_line_that_makes_no_sense_is_passed_over_not_removed(
    ledger: FeedbackLedger, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.save(good_story("a"))
    with path.open("ab") as file:
        file.write(b'\n"only","three","cells"\n"\xff"\n')
    assert ledger.save(good_story("b"))
    assert [row.story_id for row in ledger.latest()] == ["a", "b"]
    assert b'"three"' in path.read_bytes()
    assert "passed over" in caplog.text


def test_a_missing_quote_costs_only_its_own_row(ledger: FeedbackLedger, path: Path) -> None:
    ledger.save(good_story("a"))
    with path.open("ab") as file:
        file.write(b'"never closed\nby anyone, not "" even here\n' + encode_row(good_story("b"), GOOD))
    assert ledger.save(good_story("c"))
    for read in (ledger, FeedbackLedger(path)):
        assert [row.story_id for row in read.latest()] == ["a", "b", "c"]
        assert read.passed_over == 1


def test_rows_that_were_not_understood_are_counted_whoever_wrote_them(
    ledger: FeedbackLedger, path: Path
) -> None:
    ledger.save(good_story("a"))
    with path.open("ab") as file:
        file.write(b'\n"only","three","cells"\n"\xff"\n"half a row')
    ledger.open()
    ledger.open()
    assert ledger.passed_over == 4
    assert FeedbackLedger(path).passed_over == 0  # nothing was read yet


@pytest.mark.parametrize("gone", [True, False])
def test_a_ledger_exchanged_under_a_running_app_is_read_anew(path: Path, gone: bool) -> None:
    ledger = FeedbackLedger(path)
    ledger.save(good_story("a"))
    ledger.save(good_story("b"))
    path.unlink()
    if not gone:
        FeedbackLedger(path).save(good_story("c", "a longer story than before " * 40))
    assert ledger.save(good_story("a"))
    assert [row.story_id for row in ledger.latest()] == (["a"] if gone else ["c", "a"])
