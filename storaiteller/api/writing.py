"""REST: the stories that are being written for the library, whoever listens."""

# ruff: noqa: A002 - a story's id is called id wherever it goes

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from storaiteller.api.errors import responses
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
        told = await _told(generations.under_way())
        return WritingList(stories=[BeingWritten(**dict(each)) for each in told])

    @router.get("/{id}", responses=responses())
    async def get_writing(id: Id) -> TellingList:
        """What is being written of this story of the library, word for word; nothing is no error."""
        return TellingList(stories=await _told(generations.under_way(id)))

    @router.post(
        "/{id}/stop", status_code=204, responses=responses() | {202: {"description": "It is ending"}}
    )
    async def stop_writing(id: Id, response: Response) -> None:
        """End what is being written of a story. It is in the library then, unless a page hears it, which
        sees to that; 202 if that takes longer. 204 too if nothing was being written."""
        response.status_code = 204 if await generations.stop(id) else 202

    return router


async def _told(generations: Sequence[Generation]) -> list[BeingTold]:
    """Words are counted beside the event loop: a long story takes a while."""
    taken = [(each.id, each.told.is_over, story) for each in generations if (story := each.story)]

    def counted() -> list[BeingTold]:
        return [
            BeingTold(
                id=request_id,
                story=story.id,
                excerpt=excerpt(story.text),
                words=count_words(story.text),
                max_words=story.settings["max_words"],
                model=story.model,
                over=is_over,
                before=story.before,
                generated=story.generated,
                settings=story.settings,
            )
            for request_id, is_over, story in taken
        ]

    return await asyncio.to_thread(counted)
