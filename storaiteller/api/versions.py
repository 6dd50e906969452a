"""REST: the versions of the library's stories."""

# ruff: noqa: A002 - a story's id is called id wherever it goes

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as PathParameter
from pydantic import BaseModel

from storaiteller.api.errors import responses
from storaiteller.api.library_bodies import CONFLICT, FAILS, Body, Id, Revision
from storaiteller.library.library import Library
from storaiteller.library.values import Reason, Story, Version, VersionText

Number = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]


class NewVersion(Body):
    """Why the story as it is now is to be kept."""

    reason: Reason
    name: str | None = None


class Naming(Body):
    """What a version is to be called; null takes its name away."""

    name: str | None


class Restoring(Body):
    """The revision that the writer saw."""

    revision: Revision


class Timeline(BaseModel):
    """The versions of a story, newest first."""

    versions: list[Version]


def add_versions(router: APIRouter, library: Library) -> None:
    """Have ``router`` answer for them."""

    @router.get("/stories/{id}/versions", responses=responses(404, *FAILS))
    def list_versions(id: Id) -> Timeline:
        """Every version of a story, newest first."""
        return Timeline(versions=library.versions(id))

    @router.post("/stories/{id}/versions", responses=responses(404, *FAILS))
    def keep_version(id: Id, body: NewVersion) -> Version:
        """Keep the story as it is now; if the newest version is the same, it is that one."""
        return library.keep_version(id, body.reason, body.name)

    @router.get("/stories/{id}/versions/{number}", responses=responses(404, *FAILS))
    def get_version(id: Id, number: Number) -> VersionText:
        """A version with its text."""
        return library.version(id, number)

    @router.patch("/stories/{id}/versions/{number}", responses=responses(404, *FAILS))
    def name_version(id: Id, number: Number, body: Naming) -> Version:
        """Name a version, or take its name away."""
        return library.name_version(id, number, body.name)

    @router.post("/stories/{id}/versions/{number}/restore", responses=responses(404, *FAILS) | CONFLICT)
    def restore_version(id: Id, number: Number, body: Restoring) -> Story:
        """Go back to a version. The present text is kept as one first, so that this can be undone."""
        return library.restore(id, number, body.revision)
