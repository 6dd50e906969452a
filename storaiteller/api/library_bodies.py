"""What the routes of the library have in common: ids, revisions, and the errors that each may answer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path as PathParameter
from pydantic import BaseModel, ConfigDict, Field

from storaiteller.api.errors import ConflictBody
from storaiteller.library.origins import MAX_RUNS
from storaiteller.library.values import Who

STORY_ID = r"^[0-9a-f]{32}$"

Id = Annotated[str, PathParameter(pattern=STORY_ID)]
Revision = Annotated[int, Field(strict=True, ge=1)]
_Run = tuple[Annotated[int, Field(strict=True, ge=1)], Who]
Runs = Annotated[tuple[_Run, ...], Field(max_length=MAX_RUNS, fail_fast=True)]
"""Origins as they are sent: ``[[12, "model"], [3, "writer"]]``, in code points."""

FAILS = (500, 507)
"""What every route may answer when the library cannot be opened, read or changed."""

CONFLICT: dict[int | str, dict[str, Any]] = {409: {"model": ConflictBody}}


class Body(BaseModel):
    """What is sent; a field that is not known here is an error."""

    model_config = ConfigDict(extra="forbid")
