"""What the ledger of choices promises, and what *Good story* and *Not for me* do to each other.

That an append-only ledger loses nothing is tested in ``test_ledger.py``: it is the same one. Here is what
only this one has: its rows, its pairs, and its standing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from storaiteller.errors import LedgerError, UnknownPairError, UnknownStoryError
from storaiteller.feedback import GOOD, TAKEN_BACK, FeedbackLedger, GoodStory
from storaiteller.preferences import (
    COUNTS,
    STRUCK_OUT,
    Kind,
    PairRow,
    Preference,
    PreferenceLedger,
    pair_id,
    verdict_id,
)
from storaiteller.preferences_csv import COLUMNS, HEADER, encode, standing_row
from storaiteller.verdicts import Verdicts
from tests.ledgers import TRICKY, broken, good_story, raising, rows_of, texts

PROMPT = "Write."


def a_pair(
    chosen: str = "She ran.",
    rejected: str = TRICKY,
    *,
    prompt: str = PROMPT,
    reason: str = "",
    choice: str = "c1",
) -> Preference:
    kind: Kind = "passage"
    return Preference(
        prompt=prompt,
        chosen=chosen,
        rejected=rejected,
        pair_id=pair_id(kind, prompt, chosen, rejected),
        kind=kind,
        reason=reason,
        story_id="s1",
        choice_id=choice,
        settings_json='{"genre": "Fantasy"}',
        model="demo",
        prompt_version="v1",
    )


def a_verdict(
    story_id: str = "s1", story: str = "Bad.", *, prompt: str = PROMPT, choice: str = "c1"
) -> Preference:
    pair = a_pair("", story, prompt=prompt, choice=choice)
    return replace(pair, pair_id=verdict_id(story_id), kind="story", story_id=story_id)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "preferences.csv"


@pytest.fixture
def ledger(path: Path) -> PreferenceLedger:
    return PreferenceLedger(path)


@pytest.fixture
def good(path: Path) -> FeedbackLedger:
    return FeedbackLedger(path.with_name("datastories.csv"))


@pytest.fixture
def verdicts(good: FeedbackLedger, ledger: PreferenceLedger) -> Verdicts:
    return Verdicts(good, ledger)


# --- the file -------------------------------------------------------------------------------------


def test_a_pair_is_one_row_with_every_column(ledger: PreferenceLedger, path: Path) -> None:
    assert ledger.keep([a_pair(reason="it limps")]) == 1
    assert path.read_bytes().startswith(HEADER)
    frame = pd.read_csv(path)
    assert tuple(frame.columns) == COLUMNS
    [row] = frame.to_dict("records")
    assert pd.Timestamp(row.pop("CreatedAt")).utcoffset() == pd.Timedelta(0)
    assert row == {
        "Prompt": PROMPT,
        "Chosen": "She ran.",
        "Rejected": TRICKY,
        "PairId": a_pair().pair_id,
        "Kind": "passage",
        "Standing": 1,
        "Reason": "it limps",
        "StoryId": "s1",
        "ChoiceId": "c1",
        "Settings": '{"genre": "Fantasy"}',
        "Model": "demo",
        "PromptVersion": "v1",
    }


@settings(max_examples=60)
@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=4, unique=True))
def test_every_text_comes_back_through_csv_pandas_and_the_ledger(told: list[tuple[str, str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "preferences.csv"
        pairs = [a_pair(chosen, rejected, prompt=prompt) for prompt, chosen, rejected in told]
        assert PreferenceLedger(path).keep(pairs) == len(pairs)
        assert [(row["Prompt"], row["Chosen"], row["Rejected"]) for row in rows_of(path)] == told
        rows = PreferenceLedger(path).latest()
        assert [(row.prompt, row.chosen, row.rejected) for row in rows] == told
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        assert list(zip(frame["Prompt"], frame["Chosen"], frame["Rejected"], strict=True)) == told


def test_pandas_reads_it_with_no_options_even_where_nothing_is_chosen(
    ledger: PreferenceLedger, path: Path
) -> None:
    ledger.reject(a_verdict(story=TRICKY), lambda prompt: [])
    ledger.keep([a_pair(rejected="b" * 200_000)])
    frame = pd.read_csv(path)
    assert frame["Rejected"].tolist() == [TRICKY, "b" * 200_000]
    assert frame["Chosen"].fillna("").tolist() == ["", "She ran."]


def test_a_torn_row_of_any_length_is_set_aside(tmp_path: Path) -> None:
    whole = HEADER + encode(standing_row(a_pair("kept"), COUNTS))
    row = encode(standing_row(a_pair("torn", 'a "quoted"\r\n, text'), COUNTS))
    for length in range(1, len(row)):
        path = tmp_path / str(length) / "preferences.csv"
        path.parent.mkdir()
        path.write_bytes(whole + row[:length])
        ledger = PreferenceLedger(path)
        [aside] = ledger.open()
        assert aside.path.read_bytes() == row[:length]
        assert "saving a choice" in aside.message
        assert path.read_bytes() == whole
        assert [found.chosen for found in ledger.latest()] == ["kept"]


def test_a_row_that_makes_no_sense_costs_only_itself(ledger: PreferenceLedger, path: Path) -> None:
    row = encode(standing_row(a_pair("odd"), COUNTS))
    ledger.keep([a_pair()])
    with path.open("ab") as file:
        file.write(row.replace(b'"passage"', b'"poem"') + row.replace(b'"1"', b'"2"') + b'"a","b"\n')
    ledger.keep([a_pair("another")])
    assert [found.chosen for found in ledger.latest()] == ["She ran.", "another"]
    assert ledger.passed_over == 3


def test_a_file_that_is_not_ours_is_left_alone(ledger: PreferenceLedger, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"Prompt,Story\na,b\n")  # a good ledger of the other kind
    with pytest.raises(
        LedgerError, match=r"is not a ledger of choices, and was left as it is\. Your stories"
    ):
        ledger.keep([a_pair()])
    assert path.read_bytes() == b"Prompt,Story\na,b\n"


def test_all_pairs_of_a_choice_are_written_or_none(ledger: PreferenceLedger, path: Path) -> None:
    ledger.keep([a_pair()])
    before = path.read_bytes()
    real = os.write
    short = broken(os, "write", lambda descriptor, data: real(descriptor, data[: len(data) - 9]))
    with short, pytest.raises(LedgerError, match="Make room on the disk"):
        ledger.keep([a_pair(rejected=text) for text in ("one", "two", "three")])
    assert path.read_bytes() == before
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with broken(os, "write", raising(full)), pytest.raises(LedgerError):
        ledger.stand(a_pair().pair_id, STRUCK_OUT)
    assert ledger.keep([a_pair(rejected=text) for text in ("one", "two", "three")]) == 3


def test_another_programs_lock_is_an_error(ledger: PreferenceLedger, path: Path) -> None:
    ledger.open()
    with FileLock(f"{path}.lock"), pytest.raises(LedgerError, match="another program is holding"):
        PreferenceLedger(path, lock_timeout=0.05).keep([a_pair()])


CHOOSES_WITHOUT_END = """
import itertools, sys
from pathlib import Path
from storaiteller.preferences import PreferenceLedger
from tests.test_preferences import a_pair

ledger = PreferenceLedger(Path(sys.argv[1]))
for number in itertools.count():
    chosen = f'{sys.argv[2]} "{number}"\\r\\n'
    assert ledger.keep([a_pair(chosen, f"{side}" * 100_000) for side in "ab"]) == 2
    print(f"{sys.argv[2]} {number}", flush=True)
"""


@pytest.mark.slow
def test_kill_9_at_any_moment_loses_nothing_that_was_acknowledged(path: Path) -> None:
    chance = random.Random(9)
    acknowledged: list[str] = []
    for attempt in range(3):
        command = [sys.executable, "-c", CHOOSES_WITHOUT_END, str(path), f"run{attempt}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            acknowledged += [child.stdout.readline().strip() for _ in range(chance.randrange(1, 6))]
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=chance.random() / 50)
            child.send_signal(signal.SIGKILL)
            acknowledged += child.stdout.read().splitlines()
    PreferenceLedger(path).open()
    found = [row["Chosen"].replace('"', "").strip() for row in rows_of(path)]
    assert "" not in acknowledged
    assert all(found.count(each) == 2 for each in acknowledged)
    assert len(found) <= 2 * len(acknowledged) + 6


# --- pairs ----------------------------------------------------------------------------------------


def test_the_same_pair_twice_is_one_row(ledger: PreferenceLedger, path: Path) -> None:
    assert ledger.keep([a_pair(), a_pair("another"), a_pair()]) == 2
    assert ledger.keep([a_pair(choice="c2")]) == 0
    assert PreferenceLedger(path).keep([a_pair()]) == 0
    assert len(rows_of(path)) == 2


def test_a_pair_is_struck_out_and_put_back_where_it_was(ledger: PreferenceLedger, path: Path) -> None:
    for number in range(3):
        ledger.keep([a_pair(str(number))])
    before = ledger.page(0, 50)
    struck = ledger.stand(a_pair("1").pair_id, STRUCK_OUT)
    assert (struck.standing, struck.counts) == (STRUCK_OUT, False)
    now = ledger.page(0, 50)
    assert [row.pair_id for row in now.rows] == [row.pair_id for row in before.rows]
    assert (now.total, now.counting, before.counting) == (3, 2, 3)
    assert [row["Standing"] for row in rows_of(path)] == ["1", "1", "1", "0"]
    ledger.stand(a_pair("1").pair_id, STRUCK_OUT)
    assert len(rows_of(path)) == 4
    assert ledger.stand(a_pair("1").pair_id, COUNTS).created_at == struck.created_at
    assert ledger.page(1, 1).rows == before.rows[1:2]


def test_a_choice_told_again_stays_struck_out_and_a_new_one_counts(ledger: PreferenceLedger) -> None:
    ledger.keep([a_pair()])
    ledger.stand(a_pair().pair_id, STRUCK_OUT)
    assert ledger.keep([a_pair()]) == 0
    assert ledger.keep([a_pair(reason="it limps")]) == 1
    row = ledger.find(a_pair().pair_id)
    assert (row.reason, row.standing) == ("it limps", STRUCK_OUT)
    assert ledger.keep([a_pair(reason="it limps", choice="c2")]) == 1
    assert ledger.find(a_pair().pair_id).standing == COUNTS


def test_a_choice_on_a_prompt_that_shows_less_of_its_story_is_the_same_choice(
    ledger: PreferenceLedger, path: Path
) -> None:
    ledger.keep([a_pair()])
    assert ledger.keep([a_pair(prompt="Less.")]) == 0
    assert ledger.keep([a_pair(prompt="Less.", choice="c2"), a_pair("new", prompt="Less.")]) == 1
    ledger.stand(a_pair().pair_id, STRUCK_OUT)
    assert ledger.keep([a_pair(prompt="Less.")]) == 0
    assert ledger.keep([a_pair(prompt="Less.", choice="c2")]) == 1
    elsewhere = [replace(a_pair(prompt="There."), story_id="s2"), a_verdict("s3", TRICKY)]
    assert ledger.keep(elsewhere) == 2
    assert (ledger.page(0, 50).total, len(rows_of(path))) == (4, 6)


def test_of_two_texts_the_later_choice_holds(ledger: PreferenceLedger) -> None:
    one, other = a_pair("a", "b"), a_pair("b", "a", prompt="Less.", choice="c2")

    def counting() -> list[tuple[str, str]]:
        return [(row.chosen, row.prompt) for row in ledger.latest() if row.counts]

    ledger.keep([one])
    ledger.keep([other])
    assert counting() == [("b", "Less.")]
    assert ledger.keep([one]) == 0  # its answer was lost, so it is told once more
    assert ledger.keep([a_pair("a", "b", prompt="Less.", choice="c3")]) == 2
    assert counting() == [("a", PROMPT)]
    assert ledger.keep([other]) == 0
    ledger.keep([replace(other, choice_id="c4")])
    assert counting() == [("b", "Less.")]
    ledger.stand(one.pair_id, COUNTS)
    assert counting() == [("a", PROMPT)]
    assert ledger.page(0, 50).total == 2


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), *[st.sampled_from(each) for each in ("ab", "ab", "pq")])))
def test_of_two_texts_one_pair_counts_at_most(deeds: list[tuple[bool, str, str, str]]) -> None:
    """Whatever is accepted, struck out and put back, on prompts that show more or less of a story."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = PreferenceLedger(Path(folder) / "preferences.csv")
        for number, (is_choice, chosen, choice, prompt) in enumerate(deeds):
            pair = a_pair(
                chosen, "b" if chosen == "a" else "a", prompt=prompt, choice=f"{choice}{number // 3}"
            )
            if is_choice:
                ledger.keep([pair])
                ledger.keep([pair])
            elif rows := ledger.page(0, 50).rows:
                row = rows[number % len(rows)]
                ledger.stand(row.pair_id, 1 - row.standing)
            assert ledger.page(0, 50).counting <= 1


def test_a_pair_that_is_not_known_cannot_be_struck_out(ledger: PreferenceLedger) -> None:
    with pytest.raises(UnknownPairError) as caught:
        ledger.stand("0" * 32, STRUCK_OUT)
    assert (caught.value.code, caught.value.status) == ("unknown_pair", 404)


# --- whole stories --------------------------------------------------------------------------------


def the_pair(ledger: PreferenceLedger, story_id: str) -> PairRow:
    return ledger.find(verdict_id(story_id))


def test_a_rejected_story_stands_against_the_newest_good_one_of_its_prompt(
    verdicts: Verdicts, ledger: PreferenceLedger
) -> None:
    verdicts.good(good_story("g1", "Good one."))
    verdicts.good(good_story("g2", "Good two."))
    verdicts.good(good_story("g3", "Good, but of another prompt.", "Write else."))
    assert verdicts.not_for_me(a_verdict("s1"))
    assert not verdicts.not_for_me(a_verdict("s1"))
    assert the_pair(ledger, "s1").chosen == "Good two."
    verdicts.good(good_story("g4", "Good three."))
    assert the_pair(ledger, "s1").chosen == "Good two."


def test_a_rejected_story_waits_for_a_good_one_of_its_prompt(
    verdicts: Verdicts, ledger: PreferenceLedger, path: Path
) -> None:
    verdicts.not_for_me(a_verdict("s1"))
    assert (the_pair(ledger, "s1").chosen, the_pair(ledger, "s1").counts) == ("", False)
    verdicts.good(good_story("g1", "Of another prompt.", "Write else."))
    assert len(rows_of(path)) == 1
    verdicts.good(good_story("g2", "Good."))
    assert the_pair(ledger, "s1").counts
    assert [row["Chosen"] for row in rows_of(path)] == ["", "Good."]
    assert len({row["PairId"] for row in rows_of(path)}) == 1


def test_when_the_good_story_is_good_no_longer_another_takes_its_place_or_none(
    verdicts: Verdicts, ledger: PreferenceLedger
) -> None:
    verdicts.good(good_story("g1", "Good one."))
    verdicts.good(good_story("g2", "Good two."))
    verdicts.not_for_me(a_verdict("s1"))
    verdicts.take_back_good("g2")
    assert the_pair(ledger, "s1").chosen == "Good one."
    verdicts.good(good_story("g1", "Good one, with an end."))
    assert the_pair(ledger, "s1").chosen == "Good one, with an end."
    verdicts.good(good_story("g1", "Good one, with an end.", "Write else."))
    assert the_pair(ledger, "s1").chosen == ""


def test_a_story_is_never_paired_with_itself(verdicts: Verdicts, ledger: PreferenceLedger) -> None:
    verdicts.good(good_story("g1", "Bad."))
    verdicts.not_for_me(a_verdict("s1", "Bad."))
    assert the_pair(ledger, "s1").chosen == ""


def test_the_later_word_holds(verdicts: Verdicts, ledger: PreferenceLedger, good: FeedbackLedger) -> None:
    verdicts.good(good_story("s1", "Bad."))
    verdicts.not_for_me(a_verdict("s1"))
    row = good.find("s1")
    assert row is not None
    assert row.rating != GOOD
    verdicts.good(good_story("s1", "Bad."))
    assert the_pair(ledger, "s1").standing == STRUCK_OUT
    verdicts.put_back(verdict_id("s1"))
    assert good.good_for(PROMPT) == []


def test_two_words_at_once_leave_one(
    verdicts: Verdicts, ledger: PreferenceLedger, good: FeedbackLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were kept where another window said *Not for me* between the two halves of *Good story*."""
    save = good.save
    other = threading.Thread(target=lambda: verdicts.not_for_me(a_verdict("s1")))

    def slowly(story: GoodStory) -> bool:
        other.start()
        other.join(0.05)
        return save(story)

    monkeypatch.setattr(good, "save", slowly)
    verdicts.good(good_story("s1"))
    other.join()

    row = good.find("s1")
    assert row
    assert row.rating == TAKEN_BACK
    assert ledger.find(verdict_id("s1")).standing == COUNTS


def test_a_reason_that_comes_late_does_not_undo_the_later_word(
    verdicts: Verdicts, ledger: PreferenceLedger, good: FeedbackLedger
) -> None:
    verdicts.not_for_me(a_verdict("s1"))
    verdicts.good(good_story("s1", "Bad."))
    assert verdicts.not_for_me(replace(a_verdict("s1"), reason="too sad"))
    assert (the_pair(ledger, "s1").reason, the_pair(ledger, "s1").standing) == ("too sad", STRUCK_OUT)
    assert good.good_for(PROMPT) == ["Bad."]


def test_taking_back_what_was_never_said(verdicts: Verdicts) -> None:
    with pytest.raises(UnknownStoryError):
        verdicts.take_back_not_for_me("s1")
    verdicts.not_for_me(a_verdict("s1"))
    assert verdicts.take_back_not_for_me("s1")
    assert not verdicts.take_back_not_for_me("s1")


def test_good_stories_that_another_program_brought_are_paired_at_the_next_start(
    verdicts: Verdicts, ledger: PreferenceLedger, good: FeedbackLedger
) -> None:
    verdicts.not_for_me(a_verdict("s1"))
    good.save(good_story("imported", "Good."))
    verdicts.open()
    assert the_pair(ledger, "s1").chosen == "Good."


class OneWordAStory(RuleBasedStateMachine):
    """Whatever is said in whatever order, with restarts: the two ledgers agree with a dict of last words."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.said: dict[str, tuple[str, str]] = {}
        self.choices = 0
        self.restart()

    ids = st.sampled_from("abc")
    prompts = st.sampled_from(["one", "two"])

    @rule()
    def restart(self) -> None:
        folder = Path(self.folder.name)
        self.good, self.pairs = FeedbackLedger(folder / "g.csv"), PreferenceLedger(folder / "p.csv")
        self.verdicts = Verdicts(self.good, self.pairs)
        self.verdicts.open()

    @rule(story_id=ids, prompt=prompts)
    def say_good(self, story_id: str, prompt: str) -> None:
        self.verdicts.good(good_story(story_id, f"The story {story_id}", prompt))
        self.said[story_id] = ("good", prompt)

    @rule(story_id=ids, prompt=prompts)
    def say_not_for_me(self, story_id: str, prompt: str) -> None:
        self.choices += 1
        verdict = a_verdict(story_id, f"The story {story_id}", prompt=prompt, choice=str(self.choices))
        self.verdicts.not_for_me(verdict)
        self.said[story_id] = ("not for me", prompt)

    @rule(story_id=ids)
    def take_back(self, story_id: str) -> None:
        word, prompt = self.said.get(story_id, ("", ""))
        if word == "good":
            self.verdicts.take_back_good(story_id)
        elif word == "not for me":
            self.verdicts.take_back_not_for_me(story_id)
        else:
            return
        self.said[story_id] = ("", prompt)

    @rule(story_id=ids)
    def put_back(self, story_id: str) -> None:
        if self.pairs.has_verdict(story_id):
            self.verdicts.put_back(verdict_id(story_id))
            self.said[story_id] = ("not for me", the_pair(self.pairs, story_id).prompt)

    @invariant()
    def both_agree(self) -> None:
        good = {row.story_id: row.prompt for row in self.good.latest() if row.rating == GOOD}
        bad = {row.story_id: row.prompt for row in self.pairs.latest() if row.standing == COUNTS}
        assert good == {name: prompt for name, (word, prompt) in self.said.items() if word == "good"}
        assert bad == {name: prompt for name, (word, prompt) in self.said.items() if word == "not for me"}
        for row in self.pairs.latest():
            stories = {f"The story {name}" for name, prompt in good.items() if prompt == row.prompt}
            others = stories - {row.rejected}
            assert row.chosen in (others or {""})

    def teardown(self) -> None:
        self.folder.cleanup()


TestOneWordAStory = OneWordAStory.TestCase
TestOneWordAStory.settings = settings(deadline=None, max_examples=20, stateful_step_count=15)
