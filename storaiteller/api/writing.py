"""REST: the stories that are being written for the library, whoever listens."""

# ruff: noqa: A002 - a story's id is called id wherever it goes

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from fastapi import APIRouter, Response
from pydantic import BaseModel

from storaiteller.api.errors import responses
from storaiteller.api.finishing import FinishedStory
from storaiteller.api.generation import Generation
from storaiteller.api.generations import Generations
from storaiteller.api.library_bodies import Id
from storaiteller.library.words import excerpt
from storaiteller.story import count_words


class BeingWritten(BaseModel):
    """A story under way."""

    id: str
    """Of the request, for ``resume`` and ``stop`` on the socket."""
    story: str
    """Its id in the library, which may not have it yet."""
    excerpt: str
    words: int
    """So far, with those that it goes on from."""
    max_words: int
    model: str
    """Empty until it is known."""
    over: bool
    """Told to its end, and about to be in the library."""


class BeingTold(BeingWritten):
    """A story under way with its words: a page that has a beginning of them can go on from there."""

    before: str
    """What it goes on from."""
    generated: str
    settings: dict[str, Any]


class WritingList(BaseModel):
    """What is being written, in the order of its beginning."""

    stories: list[BeingWritten]


class TellingList(BaseModel):
    """What is being written of one story: mostly one request or none."""

    stories: list[BeingTold]


def writing_router(generations: Generations) -> APIRouter:
    router = APIRouter(prefix="/writing", tags=["writing"])

    @router.get("", responses=responses())
    async def list_writing() -> WritingList:
        """Every story that is being written for the library."""
        taken = _taken(generations.under_way())
        return WritingList(stories=await asyncio.to_thread(lambda: [_written(each) for each in taken]))

    @router.get("/{id}", responses=responses())
    async def get_writing(id: Id) -> TellingList:
        """What is being written of this story of the library, word for word; nothing is no error."""
        taken = _taken(generations.under_way(id))
        return TellingList(stories=await asyncio.to_thread(lambda: [_told(each) for each in taken]))

    @router.post(
        "/{id}/stop", status_code=204, responses=responses() | {202: {"description": "It is ending"}}
    )
    async def stop_writing(id: Id, response: Response) -> None:
        """End what is being written of a story. It is in the library then, unless a page hears it, which
        sees to that; 202 if that takes longer. 204 too if nothing was being written."""
        response.status_code = 204 if await generations.stop(id) else 202

    return router


class _Taken(NamedTuple):
    """A request as it stood at one moment: counting its words, beside the event loop, takes a while."""

    id: str
    is_over: bool
    story: FinishedStory


def _taken(generations: Sequence[Generation]) -> list[_Taken]:
    return [_Taken(each.id, each.told.is_over, story) for each in generations if (story := each.story)]


def _written(taken: _Taken) -> BeingWritten:
    text = taken.story.text
    return BeingWritten(
        id=taken.id,
        story=taken.story.id,
        excerpt=excerpt(text),
        words=count_words(text),
        max_words=taken.story.settings["max_words"],
        model=taken.story.model,
        over=taken.is_over,
    )


def _told(taken: _Taken) -> BeingTold:
    before, generated, settings = taken.story.before, taken.story.generated, taken.story.settings
    return BeingTold(**dict(_written(taken)), before=before, generated=generated, settings=settings)
