"""REST: the stories of the library, and the trash."""

# ruff: noqa: A002 - a story's id is called id wherever it goes

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from storaiteller.api.errors import responses
from storaiteller.api.library_bodies import CONFLICT, FAILS, STORY_ID, Body, Id, Revision, Runs
from storaiteller.api.library_files import add_files
from storaiteller.api.versions import add_versions
from storaiteller.library.library import Library
from storaiteller.library.values import Sort, Story, Summary, Tag


class NewStory(Body):
    """A story to add. ``id`` is made by whoever sends it, or else here: sent twice, it is added once."""

    id: Annotated[str, Field(pattern=STORY_ID)] | None = None
    title: str = ""
    text: str = ""
    origins: Runs | None = None
    settings: dict[str, Any] | None = None
    model: str | None = None
    tags: tuple[str, ...] = ()


class Changes(Body):
    """What is to change of the ``revision`` that the writer saw; what is left out stays as it is.

    Another text without origins has none that are known.
    """

    revision: Revision
    text: str | None = None
    origins: Runs | None = None
    title: str | None = None
    settings: dict[str, Any] | None = None
    model: str | None = None
    tags: tuple[str, ...] | None = None


class Listing(BaseModel):
    """Some of the stories that were asked for, how many there are, and every tag."""

    stories: tuple[Summary, ...]
    total: int
    tags: list[Tag]


class SavedStory(BaseModel):
    """What a save may have changed besides the text."""

    id: str
    title: str
    revision: int
    words: int
    updated_at: datetime
    tags: tuple[str, ...]
    trashed_at: datetime | None
    """None too if the story was in the trash, and came out of it as its text was changed."""


class Deleted(BaseModel):
    """How many stories were deleted for good."""

    deleted: int


def library_router(library: Library) -> APIRouter:
    """Every route runs beside the event loop: all of them wait for the disk."""
    router = APIRouter(prefix="/library", tags=["library"])
    _add_stories(router, library)
    _add_trash(router, library)
    add_versions(router, library)
    add_files(router, library)
    return router


def _add_stories(router: APIRouter, library: Library) -> None:
    @router.get("/stories", responses=responses(*FAILS))
    def list_stories(
        query: Annotated[str, Query(max_length=1_000)] = "",
        tag: Annotated[str, Query(max_length=1_000)] = "",
        sort: Sort = "updated",
        trash: bool = False,
        offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
        limit: Annotated[int, Query(ge=0, le=1_000)] = 50,
    ) -> Listing:
        """Part of the list of stories, or of the trash: those with every word of the query, and the tag."""
        page = library.page(query=query, tag=tag, sort=sort, trash=trash, offset=offset, limit=limit)
        return Listing(stories=page.stories, total=page.total, tags=library.tags())

    @router.post("/stories", status_code=201, responses=responses(*FAILS) | CONFLICT)
    def create_story(body: NewStory) -> Story:
        """Add a story; 409 if another one has this id."""
        return library.create(**dict(body))

    @router.get("/stories/{id}", responses=responses(404, *FAILS))
    def get_story(id: Id) -> Story:
        """A story, out of the trash too."""
        return library.get(id)

    @router.put("/stories/{id}", responses=responses(404, *FAILS) | CONFLICT)
    def save_story(id: Id, body: Changes) -> SavedStory:
        """Save what has changed; 409 if the story was changed elsewhere since, and then nothing is saved."""
        changes = dict(body)
        saved = library.save(id, changes.pop("revision"), **changes)
        return SavedStory(**{name: getattr(saved, name) for name in SavedStory.model_fields})


def _add_trash(router: APIRouter, library: Library) -> None:
    @router.post("/stories/{id}/trash", responses=responses(404, *FAILS))
    def trash_story(id: Id) -> Summary:
        """Put a story in the trash."""
        return library.trash(id)

    @router.post("/stories/{id}/untrash", responses=responses(404, *FAILS))
    def untrash_story(id: Id) -> Summary:
        """Take a story out of the trash."""
        return library.untrash(id)

    @router.delete("/stories/{id}", status_code=204, responses=responses(404, 409, *FAILS))
    def delete_story(id: Id) -> None:
        """Delete a story that is in the trash, for good; 409 if it is not there."""
        library.delete(id)

    @router.post("/trash/empty", responses=responses(*FAILS))
    def empty_trash() -> Deleted:
        """Delete all that is in the trash, for good."""
        return Deleted(deleted=library.empty_trash())
