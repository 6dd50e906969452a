"""REST: the prompts a story and a rewrite are asked for with, so that the writer can read them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from storaiteller.api.errors import responses
from storaiteller.api.wishes import WishFields
from storaiteller.errors import InvalidRequestError
from storaiteller.prompts import PROMPT_VERSION, rewrite_prompt, story_prompt
from storaiteller.story import Passage, StorySettings, StoryText


class Prompt(BaseModel):
    """What the model is asked, and which wording of the templates asked it."""

    prompt: str
    prompt_version: str


class RedoPart(WishFields):
    """A story cut in three, as the first StorAIteller named the parts."""

    settings: StorySettings
    initialpart: StoryText
    selectedpart: Annotated[StoryText, Field(min_length=1)]
    finalpart: StoryText


def stories_router() -> APIRouter:
    router = APIRouter(tags=["stories"])

    @router.post("/setstory", responses=responses())
    def set_story(settings: StorySettings) -> Prompt:
        """Assemble the prompt for a new story."""
        return Prompt(prompt=story_prompt(settings), prompt_version=PROMPT_VERSION)

    @router.post("/redopartofstory", responses=responses())
    def redo_part_of_story(part: RedoPart) -> Prompt:
        """Assemble the prompt for writing one passage anew."""
        if not part.selectedpart.strip():
            raise InvalidRequestError("Select some words to rewrite first.", field="selectedpart")
        passage = Passage(before=part.initialpart, selected=part.selectedpart, after=part.finalpart)
        prompt = rewrite_prompt(part.settings, passage, part.wish)
        return Prompt(prompt=prompt, prompt_version=PROMPT_VERSION)

    return router
