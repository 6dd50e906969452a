"""The good stories: each is one row, kept to the character, and the last word on it counts."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from storaiteller.errors import UnknownStoryError
from storaiteller.feedback import GOOD, TAKEN_BACK, FeedbackLedger, GoodStory
from storaiteller.feedback_csv import COLUMNS, HEADER, encode_row
from tests.ledgers import TRICKY, good_story, rows_of, texts


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


def test_settings_are_kept_as_the_json_they_were(ledger: FeedbackLedger) -> None:
    written = json.dumps({"characters": ["Ada", 'Bo "the, cat"'], "max_words": 120})
    ledger.save(GoodStory("Write.", "Once", "s1", written, "demo", "1"))
    assert [row.settings_json for row in ledger.latest()] == [written]


# --- the ledger of the first StorAIteller ---------------------------------------------------------


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
