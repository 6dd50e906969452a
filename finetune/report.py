"""The report stage: one self-contained page a run, for somebody who has never heard of perplexity.

Everything that came from a story or a model is escaped; the page loads nothing and runs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from finetune import evaluate
from finetune.context import Context
from finetune.exam.gate import against_name
from finetune.reports import view as report_view
from finetune.runs import Manifest, Run, fingerprint
from storaiteller import durable
from storaiteller.errors import UnknownVersionError

REPORT = "report.html"

_TEMPLATE = Path(__file__).parent / "reports" / "report.html.j2"
_STAGES = ("dataset", "train", "convert", "register", "evaluate", "promote")


def report(context: Context, run: Run, stopped: str = "") -> Manifest:
    """Write the run's page, and copy it with the figures and samples into its version's folder.

    Needs ``dataset`` and ``train``; what later stages did not come to is left out. ``stopped`` says what
    ended the run early, if anything did. Raises ``StageMissingError``.
    """
    run.need("dataset")
    run.need("train")
    made = {name: manifest for name in _STAGES if (manifest := run.stage(name).manifest())}
    version = made["register"].metrics["version"] if "register" in made else None
    inputs = fingerprint(
        {name: [each.fingerprint, each.metrics] for name, each in made.items()}, stopped, _TEMPLATE
    )
    stage = run.stage("report")
    done = stage.begin(inputs)
    page = stage.folder / REPORT
    if done is None:
        durable.replace(page, _render(context, run, made, version, stopped).encode())
    durable.replace(run.folder / REPORT, page.read_bytes())
    if version is not None:
        _copy(context, run, version)
    return done or stage.finish(inputs, {"report": REPORT}, {"version": version, "stopped": stopped})


def _render(
    context: Context, run: Run, made: Mapping[str, Manifest], version: str | None, stopped: str
) -> str:
    metrics: dict[str, dict[str, Any]] = {name: manifest.metrics for name, manifest in made.items()}
    tried, decided = metrics.get("evaluate"), metrics.get("promote")
    names = report_view.models(tried, version)
    decision, title, reason = report_view.headline(metrics, version, stopped)
    return _template().render(
        decision=decision,
        title=title,
        reason=reason,
        date=report_view.date(list(made.values())[-1].finished_at),
        version=version,
        dataset=metrics["dataset"],
        put_aside=report_view.put_aside(metrics["dataset"]),
        epochs=metrics["train"]["epochs"],
        times=report_view.times(len(metrics["train"]["epochs"]) - 1),
        best=metrics["train"].get("best_epoch"),
        losses=report_view.losses(metrics["train"]),
        names=list(names.values()),
        tried=tried,
        against=against_name(tried) if tried else "",
        surprise=report_view.surprise(tried, names) if tried else [],
        forgetting=report_view.forgetting(tried, names) if tried else [],
        figures=report_view.figures(tried, names) if tried else [],
        gates=report_view.gates(decided) if decided else [],
        samples=report_view.samples(_read_samples(run), names) if tried else [],
        making=report_view.making(metrics, _base(context, version), run.id),
    )


def _read_samples(run: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run.output("evaluate", "samples").read_text(encoding="utf-8"))
    return found


def _base(context: Context, version: str | None) -> str | None:
    try:
        return context.registry.read().find(version).base.name if version else None
    except UnknownVersionError:  # the version was removed since
        return None


def _copy(context: Context, run: Run, version: str) -> None:
    """The version outlives its run."""
    folder = context.registry.folder(version)
    if not folder.is_dir():
        return
    durable.replace(folder / REPORT, (run.folder / REPORT).read_bytes())
    for name in (evaluate.METRICS, evaluate.SAMPLES):
        if (source := run.folder / "evaluate" / name).is_file():
            durable.replace(folder / name, source.read_bytes())


@cache
def _template() -> Template:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(_TEMPLATE.parent),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["together"] = report_view.together
    return environment.get_template(_TEMPLATE.name)
