"""REST: stories in and out of the library as files, one by one or all in an archive."""

# ruff: noqa: A002 - a story's id is called id wherever it goes, and format is a word of the address

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import closing
from datetime import datetime
from itertools import chain
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Response, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.concurrency import iterate_in_threadpool

from storaiteller import __version__
from storaiteller.api.downloads import attachment, file_name
from storaiteller.api.errors import responses
from storaiteller.api.library_bodies import FAILS, Id
from storaiteller.library.archive_values import Refused
from storaiteller.library.archive_writing import write_archive
from storaiteller.library.importing import import_files
from storaiteller.library.library import Library
from storaiteller.library.texts import write_markdown
from storaiteller.library.values import Story, Summary

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

ExportFormat = Literal["txt", "md", "docx"]


class ImportResult(BaseModel):
    """Stories that were added, how many were there already, how many favourites were added, and what was left
    out, with the reason."""

    taken: list[Summary]
    known: int
    favourites: int
    refused: list[Refused]


def add_files(router: APIRouter, library: Library) -> None:
    """Have ``router`` answer for them. What is sent besides files is held in memory: it may not be much."""

    @router.post(
        "/import", responses=responses(*FAILS), form_limits={"max_fields": 8, "max_part_size": 4_096}
    )
    def import_stories(files: Annotated[list[UploadFile], File()]) -> ImportResult:
        """Add the stories in .txt, .md and .docx files, and in archives exported here.

        What is wrong with one file does not stop the others. The same file adds nothing the second time.
        """
        imported = import_files(library, ((file.filename or "", file.file) for file in files))
        return ImportResult(**{name: getattr(imported, name) for name in ImportResult.model_fields})

    @router.get(
        "/export",
        response_class=Response,
        responses=responses(*FAILS) | {200: _a_file("Every story with its versions", "application/zip")},
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
        responses=responses(404, *FAILS) | {200: _a_file("The story", "text/plain", "text/markdown", DOCX)},
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
        yield from write_archive(stories, library.favourites.all(), f"StorAIteller {__version__}")


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
