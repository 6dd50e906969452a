"""What the ledger promises: nothing acknowledged is lost, nothing unfinished is believed."""

from __future__ import annotations

import contextlib
import csv
import errno
import itertools
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from storaiteller import durable
from storaiteller.errors import LedgerError, UnknownStoryError
from storaiteller.feedback import GOOD, TAKEN_BACK, FeedbackLedger, GoodStory
from storaiteller.feedback_csv import COLUMNS, HEADER, encode_row

TRICKY = 'Once "upon"\na, time\r\nthere\rwas \ufeff😀 e\u0301 \u05d0\u05d1 \u2028\x85\x0b=1+1'

NO_SPACE = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
BAD_DISK = OSError(errno.EIO, os.strerror(errno.EIO))

any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
tricky_text = st.text(st.sampled_from('a"\r\n, \t;=\\#\ufeff\u2028\x1a😀\u0301'))
texts = any_text | tricky_text


def good_story(story_id: str = "s1", story: str = TRICKY, prompt: str = "Write.") -> GoodStory:
    return GoodStory(prompt, story, story_id, '{"genre": "Fantasy"}', "demo", "v1")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


def set_aside_in(folder: Path, kind: str) -> list[bytes]:
    return [file.read_bytes() for file in sorted(folder.glob(f"datastories.csv.{kind}-*"))]


@contextlib.contextmanager
def broken(module: object, name: str, broken_function: Callable[..., Any]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, broken_function)
        yield


def raising(error: BaseException, *, then: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """A function that raises ``error``, always, or only the first time if there is a ``then``."""
    calls = itertools.count()

    def function(*arguments: Any) -> Any:
        if then and next(calls):
            return then(*arguments)
        raise error

    return function


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "datastories.csv"


@pytest.fixture
def ledger(path: Path) -> FeedbackLedger:
    return FeedbackLedger(path)


# --- one row, exactly -----------------------------------------------------------------------------


def test_a_saved_story_is_one_row_with_every_column(ledger: FeedbackLedger, path: Path) -> None:
    assert ledger.save(good_story())
    assert path.read_bytes().startswith(HEADER)
    frame = pd.read_csv(path)
    assert tuple(frame.columns) == COLUMNS
    [row] = frame.to_dict("records")
    created = datetime.fromisoformat(row.pop("CreatedAt"))
    assert created.utcoffset() == timedelta(0)
    assert datetime.now(UTC) >= created
    assert row == {
        "Prompt": "Write.",
        "Story": TRICKY,
        "StoryId": "s1",
        "Rating": 1,
        "Settings": '{"genre": "Fantasy"}',
        "Model": "demo",
        "PromptVersion": "v1",
    }


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=4))
def test_every_text_comes_back_through_csv_pandas_and_the_ledger(
    pairs: list[tuple[str, str]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "datastories.csv"
        ledger = FeedbackLedger(path)
        for number, (prompt, story) in enumerate(pairs):
            assert ledger.save(good_story(f"s{number}", story, prompt))
        assert [(row["Prompt"], row["Story"]) for row in rows_of(path)] == pairs
        assert [(row.prompt, row.story) for row in FeedbackLedger(path).latest()] == pairs
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        assert list(zip(frame["Prompt"], frame["Story"], strict=True)) == pairs


@settings(deadline=None, max_examples=40)
@given(st.lists(texts, min_size=1, max_size=4))
def test_pandas_reads_the_ledger_with_no_options_at_all(endings: list[str]) -> None:
    """A cell that is only ``NA`` or ``12`` pandas takes for no text; a story has words around it."""
    stories = [f"Once{ending}" for ending in endings]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "datastories.csv"
        for number, story in enumerate(stories):
            FeedbackLedger(path).save(good_story(f"s{number}", story))
        assert pd.read_csv(path)["Story"].tolist() == stories


def test_the_longest_story_comes_back(ledger: FeedbackLedger, path: Path) -> None:
    story = '"Ah\r\n' * 200_000
    assert ledger.save(good_story(story=story))
    assert [row.story for row in FeedbackLedger(path).latest()] == [story]
    assert pd.read_csv(path)["Story"].tolist() == [story]


def test_text_that_is_no_unicode_leaves_no_trace(ledger: FeedbackLedger, path: Path) -> None:
    ledger.open()
    with pytest.raises(UnicodeEncodeError):
        ledger.save(good_story(story="half of a pair: \ud83d"))
    assert path.read_bytes() == HEADER


# --- saving and taking back -----------------------------------------------------------------------


def test_saving_the_same_again_writes_nothing(ledger: FeedbackLedger, path: Path) -> None:
    assert ledger.save(good_story())
    before = path.read_bytes()
    assert not ledger.save(good_story())
    assert not FeedbackLedger(path).save(good_story())
    assert path.read_bytes() == before


def test_a_changed_text_is_a_new_row_and_the_last_one_counts(ledger: FeedbackLedger, path: Path) -> None:
    assert ledger.save(good_story(story="first"))
    assert ledger.save(good_story(story="second"))
    assert [row["Story"] for row in rows_of(path)] == ["first", "second"]
    assert [row.story for row in ledger.latest()] == ["second"]


def test_taking_back_adds_a_row_with_the_same_text(ledger: FeedbackLedger, path: Path) -> None:
    ledger.save(good_story())
    assert ledger.take_back("s1")
    assert not ledger.take_back("s1")
    assert [(row["Story"], row["Rating"]) for row in rows_of(path)] == [(TRICKY, "1"), (TRICKY, "0")]
    assert [row.rating for row in ledger.latest()] == [TAKEN_BACK]
    assert ledger.save(good_story())
    assert [row.rating for row in ledger.latest()] == [GOOD]


def test_the_latest_rows_come_in_the_order_they_were_written(ledger: FeedbackLedger) -> None:
    for story_id in ("a", "b", "c"):
        ledger.save(good_story(story_id))
    ledger.take_back("a")
    assert [row.story_id for row in ledger.latest()] == ["b", "c", "a"]


def test_what_was_never_saved_cannot_be_taken_back(ledger: FeedbackLedger, path: Path) -> None:
    with pytest.raises(UnknownStoryError) as caught:
        ledger.take_back("nobody")
    assert (caught.value.code, caught.value.status) == ("unknown_story", 404)
    assert path.read_bytes() == HEADER


class TwoLedgersOneFile(RuleBasedStateMachine):
    """Two programs, in any order, see the same stories as a dict would."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "datastories.csv"
        self.ledgers = [FeedbackLedger(self.path), FeedbackLedger(self.path)]
        self.model: dict[str, tuple[str, int]] = {}
        self.rows = 0

    ids = st.sampled_from("ab")
    stories = st.sampled_from(["one", 'two\r"'])
    which = st.integers(0, 1)

    @rule(which=which, story_id=ids, story=stories)
    def save(self, which: int, story_id: str, story: str) -> None:
        changes = self.model.get(story_id) != (story, GOOD)
        assert self.ledgers[which].save(good_story(story_id, story)) == changes
        self.model[story_id] = (story, GOOD)
        self.rows += changes

    @rule(which=which, story_id=ids)
    def take_back(self, which: int, story_id: str) -> None:
        if story_id not in self.model:
            with pytest.raises(UnknownStoryError):
                self.ledgers[which].take_back(story_id)
            return
        story, rating = self.model[story_id]
        assert self.ledgers[which].take_back(story_id) == (rating == GOOD)
        self.model[story_id] = (story, TAKEN_BACK)
        self.rows += rating == GOOD

    @rule(which=which)
    def restart(self, which: int) -> None:
        self.ledgers[which] = FeedbackLedger(self.path)

    @rule(which=which, length=st.integers(1, 60))
    def crash_while_saving(self, which: int, length: int) -> None:
        self.ledgers[which].open()
        with self.path.open("ab") as file:
            file.write(encode_row(good_story("torn"), GOOD)[:length])

    @invariant()
    def both_agree_with_the_model(self) -> None:
        for ledger in self.ledgers:
            latest = {row.story_id: (row.story, row.rating) for row in ledger.latest()}
            assert latest == self.model
        assert len(rows_of(self.path)) == self.rows

    def teardown(self) -> None:
        self.folder.cleanup()


TestTwoLedgersOneFile = TwoLedgersOneFile.TestCase
TestTwoLedgersOneFile.settings = settings(deadline=None, max_examples=20, stateful_step_count=15)


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


def test_the_first_storaitellers_ledger_is_taken_over_and_kept(path: Path) -> None:
    path.parent.mkdir()
    old = 'Prompt,Story\r\nWrite.,"Once, ""upon""\na time"\r\nWrite.,The end\r\n'
    broken = "You, write,a story, joined by commas\r\n\r\nWrite.,The end\r\nWrite.,\r\n"
    path.write_bytes((old + broken).encode())
    ledger = FeedbackLedger(path)
    [aside] = ledger.open()
    assert aside.path.read_bytes() == (old + broken).encode()
    assert "2 stories" in aside.message
    assert "2 of its rows" in aside.message
    rows = list(ledger.latest())
    assert [row.story for row in rows] == ['Once, "upon"\na time', "The end"]
    assert {(row.rating, row.settings_json, row.model) for row in rows} == {(GOOD, "{}", "unknown")}
    assert len({row.story_id for row in rows}) == 2
    assert ledger.save(good_story())
    assert FeedbackLedger(path).open() == ()
    assert len(pd.read_csv(path)) == 3


def test_a_ledger_that_a_spreadsheet_saved_is_still_ours(ledger: FeedbackLedger, path: Path) -> None:
    ledger.save(good_story(story='plain "quoted", and\nlong'))
    pd.read_csv(path).to_csv(path, index=False, lineterminator="\r\n", encoding="utf-8-sig")
    assert not ledger.save(good_story(story='plain "quoted", and\nlong'))
    assert ledger.take_back("s1")
    assert pd.read_csv(path)["Rating"].tolist() == [1, 0]


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


def test_settings_are_kept_as_the_json_they_were(ledger: FeedbackLedger) -> None:
    written = json.dumps({"characters": ["Ada", 'Bo "the, cat"'], "max_words": 120})
    ledger.save(GoodStory("Write.", "Once", "s1", written, "demo", "1"))
    assert [row.settings_json for row in ledger.latest()] == [written]
