"""REST: keeping a good story, and taking it back."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi import Path as PathParameter
from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter

from storaiteller.api.errors import responses
from storaiteller.errors import InvalidRequestError
from storaiteller.feedback import GoodStory
from storaiteller.prompts import PROMPT_VERSION, story_prompt
from storaiteller.story import ModelId, StorySettings, StoryText
from storaiteller.verdicts import Verdicts

STORY_ID = r"^[A-Za-z0-9._:-]{1,128}$"
_settings = TypeAdapter(StorySettings)


class SaveStory(BaseModel):
    """A story the writer likes. ``story_id`` is made by the client and stays with the story."""

    model_config = ConfigDict(extra="forbid")

    settings: StorySettings
    story: StoryText
    story_id: Annotated[str, StringConstraints(pattern=STORY_ID)]
    model: ModelId | None = None


class Saved(BaseModel):
    """Whether the story counts as good from now on."""

    story_id: str
    saved: bool


def feedback_router(verdicts: Verdicts) -> APIRouter:
    router = APIRouter(tags=["feedback"])

    @router.post("/savestory", status_code=201, responses=responses(507) | {200: {"model": Saved}})
    def save_story(body: SaveStory, response: Response) -> Saved:
        """Write the story into the ledger: 201, or 200 when the same story is already there."""
        if not body.story.strip():
            raise InvalidRequestError("There is no story to keep yet.", field="story")
        good = GoodStory(
            prompt=story_prompt(body.settings),
            story=body.story,
            story_id=body.story_id,
            settings_json=settings_json(body.settings),
            model=body.model or "unknown",
            prompt_version=PROMPT_VERSION,
        )
        if not verdicts.good(good):
            response.status_code = 200
        return Saved(story_id=body.story_id, saved=True)

    @router.delete("/savestory/{story_id}", responses=responses(404, 507))
    def take_back_story(story_id: Annotated[str, PathParameter(pattern=STORY_ID)]) -> Saved:
        """Take the story back: it stays in the ledger, rated 0, and nothing learns from it."""
        verdicts.take_back_good(story_id)
        return Saved(story_id=story_id, saved=False)

    return router


def settings_json(settings: StorySettings) -> str:
    """The settings as a ledger keeps them."""
    return json.dumps(_settings.dump_python(settings, mode="json"), ensure_ascii=False, sort_keys=True)
