"""One thing that a version has to pass, and the metrics that it is about. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from finetune.reports.wording import number

Metrics = Mapping[str, Any]
"""As the evaluate stage wrote them."""


@dataclass(frozen=True, slots=True)
class Gate:
    """``value`` against ``bound``; ``value`` None where nothing was measured, which passes only where
    nothing was asked. ``label`` names it for a writer, ``sentence`` says how it went, with the numbers.
    """

    name: str
    label: str
    value: float | None
    bound: float
    passed: bool
    sentence: str

    @classmethod
    def of(cls, name: str, label: str, value: float | None, bound: float, passed: bool, clause: str) -> Gate:
        """``clause`` is what becomes the sentence."""
        return cls(name, label, value, bound, passed, f"{clause[0].upper()}{clause[1:]}.")

    @property
    def clause(self) -> str:
        """The sentence as it stands in another."""
        return self.sentence[0].lower() + self.sentence[1:].rstrip(".")


def against_name(metrics: Metrics) -> str:
    """The model that the candidate was compared with, in words."""
    return "the base model" if metrics.get("against") == "base" else str(metrics.get("against"))


def rival_role(metrics: Metrics) -> str:
    """The role of that model in the metrics."""
    return "base" if metrics.get("against") == "base" else "active"


def figure(metrics: Metrics, role: str, name: str) -> float | None:
    """A figure of the model with this role; None if it is missing, or no number."""
    return number((metrics["models"].get(role) or {}).get(name))
