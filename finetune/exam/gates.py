"""What a version has to pass to write from now on. Pure: figures in, gates and a decision out.

Only the held-out perplexity has to be better than that of the model to beat. Every other gate is a bound,
which keeps a gain there from being bought with something that no perplexity shows. What is forgotten and
what variety is lost is held against the base and not against the active version: the base stays where it
is, so that small losses cannot add up night after night.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from finetune.exam.gate import Gate, Metrics
from finetune.exam.reading_gates import differs, general, held_out, order, parity
from finetune.exam.writing_gates import copied, distinct, ends, run, settings
from finetune.reports.wording import number

_MOST_REASONS = 3
_MAY_BE_UNASKED = frozenset(("names_kept", "keywords_kept", "length_kept", "settings_kept"))


@dataclass(frozen=True, slots=True)
class Decision:
    """``reason`` is one sentence that begins with Promoted or Not promoted."""

    promoted: bool
    reason: str
    gates: tuple[Gate, ...]


def decide(metrics: Metrics) -> Decision:
    """``metrics`` as the evaluate stage wrote them. A figure that is missing or no number passes nothing."""
    gates = tuple(gate(metrics) for gate in _GATES)
    failed = [gate.clause for gate in gates if not gate.passed]
    if not failed:
        return Decision(
            True, f"Promoted, because {gates[0].clause}, and nothing else got worse than allowed.", gates
        )
    told = "; ".join(failed[:_MOST_REASONS])
    more = len(failed) - _MOST_REASONS
    rest = f"; and {more} more of the bounds {'is' if more == 1 else 'are'} broken" if more > 0 else ""
    return Decision(False, f"Not promoted, because {told}{rest}.", gates)


def _figures(metrics: Metrics) -> Gate:
    """A model that has gone astray answers with no numbers; then the others may be luck."""
    lost = sorted(name for name, value in _all_figures(metrics) if not _is_figure(name, value))
    told = f"these figures came out as no numbers: {', '.join(lost)}" if lost else "every figure is a number"
    return Gate.of("figures", "Could be measured", float(len(lost)), 0.0, not lost, told)


def _all_figures(metrics: Metrics) -> Iterator[tuple[str, Any]]:
    for role in ("base", "active", "candidate"):
        yield from (metrics["models"].get(role) or {}).items()
    yield from metrics["parity"].items()


def _is_figure(name: str, value: Any) -> bool:
    return number(value) is not None or (value is None and name in _MAY_BE_UNASKED)


_GATES: tuple[Callable[[Metrics], Gate], ...] = (
    held_out,
    order,
    general,
    distinct,
    copied,
    run,
    ends,
    settings,
    parity,
    differs,
    _figures,
)
