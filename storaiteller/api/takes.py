"""REST: the passages of stories with their takes, and favourite instructions."""

# ruff: noqa: A002 - an id is called id wherever it goes

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi import Path as PathParameter
from pydantic import BaseModel, ConfigDict, Field
from pydantic.dataclasses import dataclass

from storaiteller.api.errors import responses
from storaiteller.api.library_bodies import FAILS, STORY_ID, Body, Id
from storaiteller.errors import InvalidRequestError
from storaiteller.library.library import Library
from storaiteller.library.passages import MAX_TAKES
from storaiteller.library.values import By, Favourite, Finish, Outcome, Passage, PassageKind, Take

PassageId = Annotated[str, PathParameter(pattern=STORY_ID)]


_STRICT = ConfigDict(extra="forbid")


@dataclass(config=_STRICT, kw_only=True)
class SentTake:
    """One of the texts that may stand in the passage's place."""

    id: str
    text: str
    by: By = "model"
    outcome: Outcome = "open"
    finish: Finish | None = None


@dataclass(config=_STRICT, kw_only=True)
class SentPassage:
    """A passage with the takes that the page has of it. What a GET told may be sent back: its times are the
    server's own.

    No ``BaseModel``, where a field called ``register`` would hide something.
    """

    id: str | None = None
    kind: PassageKind
    before: str = ""
    original: str = ""
    after: str = ""
    action: str = ""
    instruction: str = ""
    register: str | None = None
    settings: dict[str, Any] | None = None
    model: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    takes: Annotated[tuple[SentTake, ...], Field(max_length=MAX_TAKES, fail_fast=True)]

    def passage(self, id: str) -> Passage:
        """Raises ``InvalidRequestError`` if it says that it is another one."""
        if self.id not in (None, id):
            raise InvalidRequestError("id must be the one in the address, or be left away.", field="id")
        now = datetime.now(UTC)
        takes = tuple(Take(**asdict(take)) for take in self.takes)
        given = {each.name: getattr(self, each.name) for each in fields(self)} | {
            "id": id,
            "takes": takes,
            "created_at": now,
            "updated_at": now,
        }
        return Passage(**given)


class PassageList(BaseModel):
    """The passages of a story, newest first."""

    passages: list[Passage]


class FavouriteList(BaseModel):
    """Every favourite, newest first."""

    favourites: list[Favourite]


class NewFavourite(Body):
    """One line of at most 1,000 characters."""

    text: str


def takes_router(library: Library) -> APIRouter:
    """Every route runs beside the event loop: all of them wait for the disk."""
    router = APIRouter(prefix="/library", tags=["takes"])
    _add_passages(router, library)
    _add_favourites(router, library)
    return router


def _add_passages(router: APIRouter, library: Library) -> None:
    @router.get("/stories/{id}/passages", responses=responses(404, *FAILS))
    def list_passages(id: Id) -> PassageList:
        """The passages that takes were made of, newest first; of a story in the trash too."""
        return PassageList(passages=library.passages.of(id))

    @router.put("/stories/{id}/passages/{passage}", responses=responses(404, 409, *FAILS))
    def keep_passage(id: Id, passage: PassageId, body: SentPassage) -> Passage:
        """Keep a passage, beside the takes that it has already; the answer has all of them.

        No take is lost through a window that does not know of it: only DELETE takes any away. 409 if the
        story has as many passages, or the passage as many takes, as are kept.
        """
        return library.passages.keep(id, body.passage(passage))

    @router.delete("/stories/{id}/passages/{passage}", status_code=204, responses=responses(404, *FAILS))
    def delete_passage(id: Id, passage: PassageId) -> None:
        """Delete a passage with its takes; 204 too if it is gone already."""
        library.passages.delete(id, passage)


def _add_favourites(router: APIRouter, library: Library) -> None:
    @router.get("/favourites", responses=responses(*FAILS))
    def list_favourites() -> FavouriteList:
        """Every favourite instruction, newest first."""
        return FavouriteList(favourites=library.favourites.all())

    @router.post(
        "/favourites",
        status_code=201,
        responses=responses(409, *FAILS) | {200: {"model": Favourite, "description": "It is there already"}},
    )
    def add_favourite(body: NewFavourite, response: Response) -> Favourite:
        """Add a favourite; 200 if it is there already, 409 if there are as many as are kept."""
        favourite, is_new = library.favourites.add(body.text)
        response.status_code = 201 if is_new else 200
        return favourite

    @router.delete("/favourites/{id}", status_code=204, responses=responses(*FAILS))
    def delete_favourite(id: Id) -> None:
        """Remove a favourite; 204 too if it is gone already."""
        library.favourites.delete(id)
