"""REST: the library of stories, their versions, the trash, and files in and out."""

# ruff: noqa: A002 - a story's id is called id wherever it goes, and format is a word of the address

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import closing
from datetime import datetime
from itertools import chain
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Query, Response, UploadFile
from fastapi import Path as PathParameter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import iterate_in_threadpool

from storaiteller import __version__
from storaiteller.api.downloads import attachment, file_name
from storaiteller.api.errors import ConflictBody, responses
from storaiteller.api.news import News
from storaiteller.library.archive import Refused, write_archive
from storaiteller.library.importing import import_files
from storaiteller.library.library import Library
from storaiteller.library.texts import write_markdown
from storaiteller.library.values import Reason, Sort, Story, Summary, Tag, Version, VersionText

STORY_ID = r"^[0-9a-f]{32}$"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

Id = Annotated[str, PathParameter(pattern=STORY_ID)]
Number = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]
Revision = Annotated[int, Field(strict=True, ge=1)]
ExportFormat = Literal["txt", "md", "docx"]

_FAILS = (500, 507)
"""What every route may answer when the library cannot be opened, read or changed."""

_CONFLICT: dict[int | str, dict[str, Any]] = {409: {"model": ConflictBody}}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewStory(_Body):
    """A story to add. ``id`` is made by whoever sends it, or else here: sent twice, it is added once."""

    id: Annotated[str, Field(pattern=STORY_ID)] | None = None
    title: str = ""
    text: str = ""
    settings: dict[str, Any] | None = None
    model: str | None = None
    tags: tuple[str, ...] = ()


class Changes(_Body):
    """What is to change of the ``revision`` that the writer saw; what is left out stays as it is."""

    revision: Revision
    text: str | None = None
    title: str | None = None
    settings: dict[str, Any] | None = None
    model: str | None = None
    tags: tuple[str, ...] | None = None


class NewVersion(_Body):
    """Why the story as it is now is to be kept."""

    reason: Reason
    name: str | None = None


class Naming(_Body):
    """What a version is to be called; null takes its name away."""

    name: str | None


class Restoring(_Body):
    """The revision that the writer saw."""

    revision: Revision


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


class Timeline(BaseModel):
    """The versions of a story, newest first."""

    versions: list[Version]


class Deleted(BaseModel):
    """How many stories were deleted for good."""

    deleted: int


class ImportResult(BaseModel):
    """Stories that were added, how many were there already, and what was left out, with the reason."""

    taken: list[Summary]
    known: int
    refused: list[Refused]


def library_router(library: Library, news: News) -> APIRouter:
    """Every route runs beside the event loop: all of them wait for the disk."""
    router = APIRouter(prefix="/library", tags=["library"])
    _add_stories(router, library, news)
    _add_versions(router, library, news)
    _add_trash(router, library, news)
    _add_files(router, library)
    return router


def _add_stories(router: APIRouter, library: Library, news: News) -> None:
    @router.get("/stories", responses=responses(*_FAILS))
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

    @router.post("/stories", status_code=201, responses=responses(*_FAILS) | _CONFLICT)
    def create_story(body: NewStory) -> Story:
        """Add a story; 409 if another one has this id."""
        return library.create(**dict(body))

    @router.get("/stories/{id}", responses=responses(404, *_FAILS))
    def get_story(id: Id) -> Story:
        """A story, out of the trash too."""
        return library.get(id)

    @router.put("/stories/{id}", responses=responses(404, *_FAILS) | _CONFLICT)
    def save_story(id: Id, body: Changes) -> SavedStory:
        """Save what has changed; 409 if the story was changed elsewhere since, and then nothing is saved."""
        changes = dict(body)
        saved = library.save(id, changes.pop("revision"), **changes)
        news.tell(saved)
        return SavedStory(**{name: getattr(saved, name) for name in SavedStory.model_fields})


def _add_versions(router: APIRouter, library: Library, news: News) -> None:
    @router.get("/stories/{id}/versions", responses=responses(404, *_FAILS))
    def list_versions(id: Id) -> Timeline:
        """Every version of a story, newest first."""
        return Timeline(versions=library.versions(id))

    @router.post("/stories/{id}/versions", responses=responses(404, *_FAILS))
    def keep_version(id: Id, body: NewVersion) -> Version:
        """Keep the story as it is now; if the newest version is the same, it is that one."""
        return library.keep_version(id, body.reason, body.name)

    @router.get("/stories/{id}/versions/{number}", responses=responses(404, *_FAILS))
    def get_version(id: Id, number: Number) -> VersionText:
        """A version with its text."""
        return library.version(id, number)

    @router.patch("/stories/{id}/versions/{number}", responses=responses(404, *_FAILS))
    def name_version(id: Id, number: Number, body: Naming) -> Version:
        """Name a version, or take its name away."""
        return library.name_version(id, number, body.name)

    @router.post("/stories/{id}/versions/{number}/restore", responses=responses(404, *_FAILS) | _CONFLICT)
    def restore_version(id: Id, number: Number, body: Restoring) -> Story:
        """Go back to a version. The present text is kept as one first, so that this can be undone."""
        restored = library.restore(id, number, body.revision)
        news.tell(restored)
        return restored


def _add_trash(router: APIRouter, library: Library, news: News) -> None:
    @router.post("/stories/{id}/trash", responses=responses(404, *_FAILS))
    def trash_story(id: Id) -> Summary:
        """Put a story in the trash."""
        trashed = library.trash(id)
        news.tell(trashed)
        return trashed

    @router.post("/stories/{id}/untrash", responses=responses(404, *_FAILS))
    def untrash_story(id: Id) -> Summary:
        """Take a story out of the trash."""
        back = library.untrash(id)
        news.tell(back)
        return back

    @router.delete("/stories/{id}", status_code=204, responses=responses(404, 409, *_FAILS))
    def delete_story(id: Id) -> None:
        """Delete a story that is in the trash, for good; 409 if it is not there."""
        library.delete(id)

    @router.post("/trash/empty", responses=responses(*_FAILS))
    def empty_trash() -> Deleted:
        """Delete all that is in the trash, for good."""
        return Deleted(deleted=library.empty_trash())


def _add_files(router: APIRouter, library: Library) -> None:
    @router.post("/import", responses=responses(*_FAILS))
    def import_stories(files: Annotated[list[UploadFile], File()]) -> ImportResult:
        """Add the stories in .txt, .md and .docx files, and in archives exported here.

        What is wrong with one file does not stop the others. The same file adds nothing the second time.
        """
        imported = import_files(library, ((file.filename or "", file.file) for file in files))
        return ImportResult(taken=imported.taken, known=imported.known, refused=imported.refused)

    @router.get(
        "/export",
        response_class=Response,
        responses=responses(*_FAILS) | {200: _a_file("Every story with its versions", "application/zip")},
    )
    def export_library() -> StreamingResponse:
        """Everything as one zip, which ``import`` takes back."""
        pieces = _pieces(library)
        first = next(pieces)  # what is wrong from the start is an error and no file
        name = f"storaiteller-library-{datetime.now().astimezone():%Y-%m-%d}.zip"
        return StreamingResponse(
            _streamed(first, pieces), media_type="application/zip", headers=attachment(name)
        )

    @router.get(
        "/stories/{id}/export",
        response_class=Response,
        responses=responses(404, *_FAILS) | {200: _a_file("The story", "text/plain", "text/markdown", DOCX)},
    )
    def export_story(id: Id, format: ExportFormat) -> Response:
        """A story as a file; as .txt its very text."""
        story = library.get(id)
        content, media_type = _written(story, format)
        name = file_name(story.title or story.excerpt, f".{format}")
        return Response(content, media_type=media_type, headers=attachment(name))


def _written(story: Story, format: ExportFormat) -> tuple[bytes, str]:
    if format == "docx":
        from storaiteller.library.word_files import write_word  # it takes a tenth of a second

        return write_word(story.title, story.text), DOCX
    if format == "md":
        return write_markdown(story.title, story.text).encode(), "text/markdown; charset=utf-8"
    return story.text.encode(), "text/plain; charset=utf-8"


def _pieces(library: Library) -> Generator[bytes, None, None]:
    with closing(library.export()) as stories:
        yield from write_archive(stories, f"StorAIteller {__version__}")


async def _streamed(first: bytes, rest: Generator[bytes, None, None]) -> AsyncGenerator[bytes, None]:
    """The library lets go of its snapshot when nobody reads on, too."""
    try:
        async for piece in iterate_in_threadpool(chain((first,), rest)):
            yield piece
    finally:
        rest.close()


def _a_file(description: str, *media_types: str) -> dict[str, Any]:
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {"description": description, "content": dict.fromkeys(media_types, binary)}
