"""The report: whole in one file, safe whatever a story says, and there even where a run came to nothing."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.context import Context
from finetune.errors import StageMissingError
from finetune.promote import promote
from finetune.report import report
from finetune.reports import view as report_view
from finetune.reports.plots import bars, line_plot
from finetune.reports.wording import change, percent, plain
from finetune.runs import Run
from tests.learning.exam import (
    add_version,
    against_base,
    context_at,
    good_metrics,
    trained_run,
    tried_run,
)

EVIL = "<script>alert('moon')</script> & \"{{ 7*7 }}\" {% raw %} </style><img src=x onerror=alert(1)>"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return context_at(tmp_path)


def reported(context: Context, metrics: dict[str, Any] | None = None) -> Run:
    """A run that was decided and reported."""
    parent = None
    if metrics is None:
        parent = add_version(context)
        context.registry.activate(parent)
    run = tried_run(context, metrics or good_metrics(), parent=parent)
    promote(context, run)
    report(context, run)
    return run


def page(run: Run) -> str:
    return (run.folder / "report.html").read_text(encoding="utf-8")


class Seen(HTMLParser):
    """The tags, their attributes and the text of a page; raises for a tag that is closed but not open."""

    VOID = frozenset(("meta", "img", "br", "link", "line", "rect", "circle", "polyline", "path"))

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def words_of(run: Run) -> str:
    return " ".join(Seen(page(run)).text.replace("\N{NO-BREAK SPACE}", " ").split())


# --- one file, and nothing from outside -----------------------------------------------------------


def test_the_page_is_well_formed_and_whole_in_itself(context: Context) -> None:
    html = page(reported(context))
    seen = Seen(html)
    assert seen.open == []
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & set(seen.tags)
    assert not [name for name, _ in seen.attributes if name in ("src", "href", "xlink:href", "srcset")]
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert "://" not in html
    assert "@import" not in html
    assert "url(" not in html
    assert "default-src 'none'" in html


def test_it_has_both_lights_and_fits_a_phone_and_paper(context: Context) -> None:
    html = page(reported(context))
    for there in ("prefers-color-scheme: dark", "width=device-width", "@media print", "max-width: 40rem"):
        assert there in html


# --- safe -----------------------------------------------------------------------------------------


def test_whatever_a_story_or_a_model_says_is_only_text(context: Context) -> None:
    metrics = against_base(good_metrics())
    run = tried_run(context, metrics)
    samples = run.folder / "evaluate" / "samples.json"
    told = [
        {
            "story_id": EVIL,
            "prompt": EVIL,
            "seed": 1,
            "liked": EVIL,
            "base": EVIL,
            "active": None,
            "candidate": EVIL,
        }
    ]
    samples.write_text(json.dumps(told))
    promote(context, run)
    report(context, run)
    seen = Seen(page(run))
    assert "script" not in seen.tags
    assert "img" not in seen.tags
    assert seen.tags.count("style") == 1
    assert seen.text.count(EVIL) == 4
    assert "49" not in re.findall(r"alert[^<]{0,40}", page(run))


def test_what_stopped_a_run_and_what_ollama_said_is_only_text(context: Context) -> None:
    run = tried_run(context, against_base(good_metrics()))
    made = run.stage("register")
    found = made.manifest()
    assert found is not None
    made.finish("again", {}, found.metrics | {"ollama_note": EVIL})
    report(context, run, stopped=EVIL)
    seen = Seen(page(run))
    assert "script" not in seen.tags
    assert seen.text.count(EVIL) == 2


@given(st.text(max_size=60))
def test_a_sentence_stays_the_same_but_for_its_spaces(sentence: str) -> None:
    assert report_view.together(sentence).replace("\N{NO-BREAK SPACE}", " ") == sentence.replace(
        "\N{NO-BREAK SPACE}", " "
    )


# --- what it says ---------------------------------------------------------------------------------


def test_it_says_what_was_decided_and_why(context: Context) -> None:
    run = reported(context)
    told = words_of(run)
    assert "v2 writes from now on" in told
    assert run.need("promote").metrics["reason"] in told
    for there in (
        "good stories learned from 31",
        "never learned from 9",
        "25.3 → 21.9",
        "bounds kept 11 of 11",
    ):
        assert there in told


def test_a_version_that_was_kept_is_told_with_what_it_failed_first(context: Context) -> None:
    metrics = against_base(good_metrics())
    metrics["parity"]["agreement"] = 0.4
    run = reported(context, metrics)
    told = words_of(run)
    assert "Your model stays as it was" in told
    assert told.index("Writes in the app as it was trained") < told.index("Knows your stories better")
    assert page(run).count('class="failed"') == 1


def test_it_shows_every_model_beside_the_writers_own_story(context: Context) -> None:
    told = words_of(reported(context))
    for there in ("The story you liked", "The base model", "v1, so far", "v2, new", "The kettle hummed."):
        assert there in told
    assert told.count("The kettle sang at four.") == 3


def test_without_an_active_version_there_is_no_column_for_it(context: Context) -> None:
    told = words_of(reported(context, against_base(good_metrics())))
    assert "so far" not in told
    assert "32.5 → 21.9" in told


def test_a_model_that_wrote_nothing_is_said_to(context: Context) -> None:
    run = tried_run(context, against_base(good_metrics()))
    samples = run.folder / "evaluate" / "samples.json"
    told = json.loads(samples.read_text())
    told[0]["candidate"] = ""
    samples.write_text(json.dumps(told))
    report(context, run)
    assert words_of(run).count("It wrote nothing.") == 1


def test_figures_that_are_no_numbers_leave_gaps_and_the_page_stands(context: Context) -> None:
    metrics = against_base(good_metrics())
    metrics["models"]["candidate"] = dict.fromkeys(metrics["models"]["candidate"])
    metrics["held_out"] = {"ratio": None, "low": None, "high": None}
    told = words_of(reported(context, metrics))
    assert "–" in told
    assert "None" not in told
    assert "nan" not in told.split()


def test_what_of_the_ledger_was_left_out_is_said(context: Context) -> None:
    assert "Left out: 1 damaged, 2 there twice, 1 nearly the same as another." in words_of(reported(context))


# --- runs that came to nothing --------------------------------------------------------------------


def test_a_run_that_stopped_after_training_is_told_as_far_as_it_came(context: Context) -> None:
    run = trained_run(context)
    report(context, run, stopped="The disk is too full to keep what was learned.")
    told = words_of(run)
    assert "Your model stays as it was" in told
    assert "The disk is too full to keep what was learned." in told
    assert "How the learning went" in told
    assert "Read for yourself" not in told
    assert Seen(page(run)).open == []


def test_a_run_that_is_not_through_yet_says_so(context: Context) -> None:
    run = tried_run(context, against_base(good_metrics()))
    report(context, run)
    told = words_of(run)
    assert "has not come to its end yet" in told
    assert "How well it knows your stories" in told
    assert "What it had to pass" not in told


def test_before_training_there_is_nothing_to_report(context: Context) -> None:
    with pytest.raises(StageMissingError, match="dataset"):
        report(context, context.runs.create())


# --- where it lies --------------------------------------------------------------------------------


def test_the_version_has_its_report_figures_and_samples(context: Context) -> None:
    run = reported(context)
    folder = context.registry.folder("v2")
    assert (folder / "report.html").read_text() == page(run)
    assert json.loads((folder / "metrics.json").read_text()) == run.need("evaluate").metrics
    assert len(json.loads((folder / "samples.json").read_text())) == 3


def test_reporting_twice_reports_once_and_a_lost_copy_comes_back(context: Context) -> None:
    run = reported(context)
    made = run.need("report")
    html = page(run)
    (run.folder / "report.html").unlink()
    (context.registry.folder("v2") / "report.html").unlink()
    assert report(context, run) == made
    assert page(run) == (context.registry.folder("v2") / "report.html").read_text() == html


def test_a_decision_that_comes_later_is_in_the_next_report(context: Context) -> None:
    run = tried_run(context, against_base(good_metrics()))
    report(context, run)
    promote(context, run)
    report(context, run)
    assert "v1 writes from now on" in words_of(run)


def test_a_version_whose_folder_is_gone_costs_only_the_copy(context: Context) -> None:
    import shutil

    run = tried_run(context, against_base(good_metrics()))
    shutil.rmtree(context.registry.folder("v1"))
    report(context, run)
    assert not context.registry.folder("v1").exists()
    assert "How well it knows your stories" in words_of(run)


# --- plots ----------------------------------------------------------------------------------------


def test_a_plot_places_its_lines_within_its_marks() -> None:
    plot = line_plot({"exam": [(0, 3.48), (1, 3.21), (2, 3.086)], "learned": [(1, 3.3)]}, [0, 1, 2])
    assert plot is not None
    assert [tick.label for tick in plot.across] == ["0", "1", "2"]
    assert [tick.at for tick in plot.across] == [0, 50, 100]
    exam = plot.lines[0]
    assert [x for x, _ in exam.dots] == [0, 50, 100]
    heights = [y for _, y in exam.dots]
    assert heights == sorted(heights)  # lower losses lie lower on the page
    assert exam.points.split()[0] == f"0.00,{heights[0]:.2f}"


POINTS = st.lists(
    st.tuples(st.floats(0, 4), st.floats(0, 1e4, allow_subnormal=False)), min_size=1, max_size=30
)


@given(POINTS)
def test_whatever_the_losses_are_they_fit_the_plot(points: list[tuple[float, float]]) -> None:
    plot = line_plot({"exam": points}, [0, 1, 2, 3, 4])
    assert plot is not None
    assert 2 <= len(plot.up) <= 8
    assert len({tick.label for tick in plot.up}) == len(plot.up)
    assert all(-1e-6 <= each <= 100 + 1e-6 for line in plot.lines for dot in line.dots for each in dot)


@pytest.mark.parametrize("series", [{}, {"exam": []}])
def test_nothing_to_draw_is_no_plot(series: dict[str, list[tuple[float, float]]]) -> None:
    assert line_plot(series, [0, 1]) is None


def test_bars_begin_at_nothing_and_the_longest_mark_fits() -> None:
    first, second = bars({"base": (30.0, 20.0, 40.0), "new": (20.0, None, None)})
    assert (first.length, first.low, first.high) == (75.0, 50.0, 100.0)
    assert (second.length, second.low, second.high) == (50.0, None, None)
    assert bars({"none": (0.0, None, None)})[0].length == 0


# --- numbers in sentences -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0.05, "5 %"),
        (0.012, "1.2 %"),
        (1.0, "100 %"),
        (0.0, "0 %"),
        (0.866, "87 %"),
        (None, "an unknown share"),
    ],
)
def test_shares_are_told_in_percent(share: float | None, told: str) -> None:
    assert percent(share) == told


def test_changes_and_numbers_are_told_plainly() -> None:
    assert [change(0.87), change(1.9), change(1.0)] == ["13 % less", "90 % more", "0 % more"]
    assert [plain(1234.56), plain(None), plain(0.789, 2)] == ["1,234.6", "unknown", "0.79"]
