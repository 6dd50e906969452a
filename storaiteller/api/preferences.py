"""REST: what the writer chose and what they did not, *Not for me*, and looking through all of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi import Path as PathParameter

from storaiteller.api.errors import responses
from storaiteller.api.feedback import STORY_ID
from storaiteller.api.preference_bodies import (
    HEX_ID,
    Choice,
    Kept,
    Marked,
    NotForMe,
    ShownPair,
    ShownPairs,
    pairs_of,
    shown,
    verdict_of,
)
from storaiteller.errors import InvalidRequestError
from storaiteller.preferences import PreferenceLedger
from storaiteller.verdicts import Verdicts

Pair = Annotated[str, PathParameter(pattern=HEX_ID)]


def preferences_router(ledger: PreferenceLedger, verdicts: Verdicts) -> APIRouter:
    router = APIRouter(prefix="/preferences", tags=["preferences"])

    @router.post("", status_code=201, responses=responses(507) | {200: {"model": Kept}})
    def keep_choice(body: Choice, response: Response) -> Kept:
        """Write down one pair a rejected text: 201, or 200 when all of them are there already."""
        if not body.chosen.strip():
            raise InvalidRequestError("There is no chosen text.", field="chosen")
        pairs = pairs_of(body)
        if not pairs or not ledger.keep(pairs):
            response.status_code = 200
        return Kept(pairs=len(pairs))

    @router.post("/not-for-me", status_code=201, responses=responses(507) | {200: {"model": Marked}})
    def say_not_for_me(body: NotForMe, response: Response) -> Marked:
        """Write down that a story is not for the writer, and is no good one: 201, or 200 if it was known."""
        if not body.story.strip():
            raise InvalidRequestError("There is no story yet.", field="story")
        if not verdicts.not_for_me(verdict_of(body)):
            response.status_code = 200
        return Marked(story_id=body.story_id, not_for_me=True)

    @router.delete("/not-for-me/{story_id}", responses=responses(404, 507))
    def take_back_not_for_me(story_id: Annotated[str, PathParameter(pattern=STORY_ID)]) -> Marked:
        """Take *Not for me* back: its pair stays in the ledger, struck out."""
        verdicts.take_back_not_for_me(story_id)
        return Marked(story_id=story_id, not_for_me=False)

    @router.get("", response_model=ShownPairs, responses=responses(507))
    def list_pairs(
        offset: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=0, le=1_000)] = 50
    ) -> ShownPairs:
        """The pairs, the newest first, those struck out too."""
        rows, total, counting = ledger.page(offset, limit)
        return ShownPairs(pairs=[shown(row) for row in rows], total=total, counting=counting)

    @router.post("/{pair}/strike", responses=responses(404, 507))
    def strike_out(pair: Pair) -> ShownPair:
        """Let nothing learn from the pair; it stays in the ledger."""
        return shown(verdicts.strike_out(pair))

    @router.post("/{pair}/unstrike", responses=responses(404, 507))
    def put_back(pair: Pair) -> ShownPair:
        """Let the pair count again."""
        return shown(verdicts.put_back(pair))

    return router
