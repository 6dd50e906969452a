"""What every stage is given: settings, where things are, and whom to tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

import psutil

from finetune.config import LearnConfig
from finetune.runs import Runs
from storaiteller.config import Config
from storaiteller.feedback import FeedbackLedger
from storaiteller.registry import Registry


class Tell(Protocol):
    """Who hears how it goes. Stages call it; the command line draws it, tests record it."""

    def say(self, sentence: str) -> None:
        """One line that stays."""
        ...

    def progress(self, what: str, done: float, total: float) -> None:
        """How far ``what`` is, in any unit; call it as often as you like."""
        ...


class Silent:
    """Tells nobody."""

    def say(self, sentence: str) -> None: ...

    def progress(self, what: str, done: float, total: float) -> None: ...


@dataclass(frozen=True)
class Context:
    """``config`` is the app's own: the same data folder, models and Ollama server."""

    config: Config
    learn: LearnConfig = field(default_factory=LearnConfig)
    tell: Tell = field(default_factory=Silent)

    @cached_property
    def ledger(self) -> FeedbackLedger:
        return FeedbackLedger(self.config.ledger_path)

    @cached_property
    def registry(self) -> Registry:
        return Registry(self.config.data_dir)

    @cached_property
    def runs(self) -> Runs:
        return Runs(self.config.data_dir / "runs")

    @property
    def threads(self) -> int:
        """To compute in: all cores unless told otherwise, for at night nobody else needs one."""
        return self.config.threads or psutil.cpu_count(logical=False) or 1

    @property
    def bases(self) -> Path:
        """Dequantized weights, one folder a GGUF file."""
        return self.config.data_dir / "bases"
