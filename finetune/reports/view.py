"""What the report's page shows, in words and percentages: manifests in, plain values out. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from finetune.reports.plots import Bar, Plot, bars, line_plot
from finetune.reports.wording import percent

ROLES = ("base", "active", "candidate")

Metrics = Mapping[str, Any]

_GROUPS = {
    "Variety": ("distinct_1", "distinct_2", "distinct_3", "self_bleu", "repeated_4grams"),
    "Copying": ("copied_8grams", "longest_copied_run"),
    "Doing as it is told": (
        "names_kept",
        "keywords_kept",
        "length_kept",
        "settings_kept",
        "ends_by_itself",
        "words",
    ),
}
_LABELS = {
    "distinct_1": ("Different words", "of all that it wrote (distinct-1)"),
    "distinct_2": ("Different pairs of words", "of all pairs (distinct-2)"),
    "distinct_3": ("Different threes of words", "of all threes (distinct-3)"),
    "self_bleu": ("Likeness of its stories", "to one another; less is more varied (self-BLEU)"),
    "repeated_4grams": ("Said again", "runs of four words that stood in the same story before"),
    "copied_8grams": ("Copied from your stories", "runs of eight words; refrains of yours do not count"),
    "longest_copied_run": ("Longest passage copied", "in words; shorter ones than eight do not count"),
    "names_kept": ("Names used", "of those in the settings"),
    "keywords_kept": ("Keywords used", "of those in the settings"),
    "length_kept": ("Right length", "ended within the words allowed, and not before a quarter of them"),
    "settings_kept": ("All three together", "the mean over the stories"),
    "ends_by_itself": ("Came to an end", "without being cut off"),
    "words": ("Length of a story", "in words, on average"),
}
_COUNTS = frozenset(("longest_copied_run", "words"))


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table: a value a model, None where nothing was asked."""

    label: str
    meaning: str
    values: tuple[str, ...]


def headline(made: Mapping[str, Metrics], version: str | None, stopped: str) -> tuple[str, str, str]:
    """What became of it (promoted, kept or stopped), as a title, and why."""
    decided = made.get("promote")
    if decided is not None:
        title = (
            f"{version} writes from now on"
            if decided["decision"] == "promoted"
            else "Your model stays as it was"
        )
        return decided["decision"], title, decided["reason"]
    reason = (
        stopped or "The run has not come to its end yet. Until then the model that you have goes on writing."
    )
    return "stopped", "Your model stays as it was", reason


def models(tried: Metrics | None, version: str | None) -> dict[str, str]:
    """The models that were compared, by role, in words."""
    if tried is None:
        return {}
    names = {
        "base": "The base model",
        "active": f"{tried['against']}, so far",
        "candidate": f"{version}, new",
    }
    return {role: names[role] for role in ROLES if tried["models"].get(role)}


def surprise(tried: Metrics, names: Mapping[str, str]) -> list[Bar]:
    """Held-out perplexity with its interval."""
    return _bars(tried, names, "held_out_perplexity", "held_out_low", "held_out_high")


def forgetting(tried: Metrics, names: Mapping[str, str]) -> list[Bar]:
    """Perplexity of general prose."""
    return _bars(tried, names, "general_perplexity")


def losses(train: Metrics) -> Plot | None:
    """The loss of each step, and that of whole epochs on what is learned and what is kept for the exam."""
    epochs = train["epochs"]
    last, curve = epochs[-1]["epoch"], train["curve"]
    steps = curve[-1][0] if curve else 1
    shown = [(last * step / steps, loss) for step, loss in _thinned(curve) if loss is not None]
    return line_plot(
        {
            "steps": shown,
            "learned": _losses(epochs, "train_loss"),
            "exam": _losses(epochs, "held_out_loss"),
        },
        [each["epoch"] for each in epochs],
    )


def figures(tried: Metrics, names: Mapping[str, str]) -> list[tuple[str, list[Figure]]]:
    """The table of what was measured of the texts, in groups."""

    def row(key: str) -> Figure:
        values = (_told(tried["models"][role].get(key), is_share=key not in _COUNTS) for role in names)
        return Figure(*_LABELS[key], tuple(values))

    return [(group, [row(key) for key in keys]) for group, keys in _GROUPS.items()]


def gates(decided: Metrics) -> list[dict[str, Any]]:
    """Those that were not passed first."""
    return sorted(decided["gates"], key=lambda gate: bool(gate["passed"]))


def samples(found: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """A prompt, and what the writer and each model made of it."""
    return [
        {
            "prompt": sample["prompt"],
            "seed": sample["seed"],
            "texts": [
                ("The story you liked", sample["liked"]),
                *((names[role], sample[role]) for role in names),
            ],
        }
        for sample in found
    ]


def making(made: Mapping[str, Metrics], base: str | None, run_id: str) -> list[tuple[str, str]]:
    """How it was made: small print, in pairs."""
    train, register = made["train"], made.get("register", {})
    tokens, seconds, pace = (train.get(key) or 0 for key in ("tokens", "seconds", "tokens_per_second"))
    pairs = [
        ("Base model", base),
        (
            "Training",
            f"{_duration(seconds)} for {tokens:,} tokens, {pace:,.0f} a second" if seconds else None,
        ),
        ("Computed on", " · ".join(str(train[key]) for key in ("device", "dtype") if train.get(key))),
        ("In Ollama", register.get("ollama_note")),
        ("Run", run_id),
    ]
    return [(label, told) for label, told in pairs if told]


def put_aside(dataset: Metrics) -> str:
    """What of the ledger was not used, in a sentence, or nothing."""
    kinds = (
        ("broken_rows", "damaged"),
        ("duplicates", "there twice"),
        ("near_duplicates", "nearly the same as another"),
        ("unusable", "not usable"),
    )
    told = [f"{dataset[key]} {words}" for key, words in kinds if dataset.get(key)]
    return f"Left out: {', '.join(told)}." if told else ""


def together(sentence: str) -> str:
    """The same, with no line break between a number and its percent sign."""
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", sentence)


def times(number: int) -> str:
    """How often, in words."""
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def date(finished_at: str) -> str:
    """A time in ISO 8601 as a date."""
    when = datetime.fromisoformat(finished_at).astimezone()
    return f"{when.day} {when:%B %Y}"


def _bars(tried: Metrics, names: Mapping[str, str], *keys: str) -> list[Bar]:
    found = {}
    for role, name in names.items():
        value, low, high = (*(tried["models"][role].get(key) for key in keys), None, None)[:3]
        if value is not None:
            found[name] = (value, low, high)
    return bars(found)


def _losses(epochs: Sequence[Metrics], key: str) -> list[tuple[float, float]]:
    return [(each["epoch"], each[key]) for each in epochs if each[key] is not None]


def _thinned(curve: Sequence[Any], most: int = 240) -> Sequence[Any]:
    return curve[:: -(-len(curve) // most)] if curve else curve


def _told(value: float | None, *, is_share: bool) -> str:
    if value is None:
        return "–"
    if not is_share:
        return f"{value:,.0f}"
    return percent(value)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"
