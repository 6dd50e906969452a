"""What there is: good stories, versions, runs, and the disk they take."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from finetune.context import Context
from finetune.nightly import result_of
from finetune.runs import disk_use
from storaiteller.errors import StoraitellerError
from storaiteller.feedback import GOOD
from storaiteller.models import Models
from storaiteller.registry import Version


@dataclass(frozen=True, slots=True)
class Status:
    """``disk`` is bytes by what takes them; ``last`` is how the last finished run ended.

    ``waits`` says why the active version does not write, if it does not.
    """

    likes: int
    needed: int
    active: str | None
    strength: float
    versions: dict[str, str]
    runs: int
    last: str
    disk: dict[str, int]
    waits: str = ""
    mended: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def as_text(self) -> str:
        missing = max(0, self.needed - self.likes)
        lines = [
            self.mended,
            f"{self.likes:,} good stories" + (f"; {missing:,} more are needed to learn" if missing else ""),
            self.waits or f"Writing now: {self.active or 'the base model'}",
            *(f"  {name}: {status}" for name, status in self.versions.items()),
            f"{self.runs:,} runs kept. {self.last}",
            ", ".join(f"{name} {size / 1e6:,.0f} MB" for name, size in self.disk.items()),
        ]
        return "\n".join(line for line in lines if line)


def status(context: Context, *, mend: bool = False) -> Status:
    """Raises ``RegistryError`` for a damaged registry, unless ``mend``, which makes it anew."""
    aside = context.registry.mend() if mend else None
    state = context.registry.read()
    runs = context.runs.all()
    results = [result for run in reversed(runs) if (result := result_of(run))]
    data = context.config.data_dir
    return Status(
        likes=sum(row.rating == GOOD for row in context.ledger.latest()),
        needed=context.learn.min_likes,
        active=state.active,
        strength=state.strength,
        versions={version.name: version.status for version in state.versions},
        runs=len(runs),
        last=f"The last one: {results[0].sentence}" if results else "",
        disk={name: disk_use(data / name) for name in ("runs", "versions", "bases")},
        waits=_waits(context, state.active_version),
        mended=f"The damaged list is kept as {aside}; it was made anew. Promote the version you want."
        if aside
        else "",
    )


def _waits(context: Context, active: Version | None) -> str:
    """Empty too where it cannot be found out which model writes now."""
    if active is not None:
        with suppress(StoraitellerError, OSError):
            return active.waits(asyncio.run(_base_id(context)))
    return ""


async def _base_id(context: Context) -> str:
    """The app's base model, were it started now; unlike for learning, its file need not be here."""
    models = Models(context.config)
    try:
        await models.decide()
        return models.base_id
    finally:
        await models.aclose()
