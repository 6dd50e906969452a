"""Choices as they are sent and shown, and the ledger's pairs that they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidatorFunctionWrapHandler,
    field_validator,
)

from storaiteller.api.asking import prompt_of
from storaiteller.api.feedback import STORY_ID, settings_json
from storaiteller.api.protocol import Continue, Generate, Insert, Rewrite
from storaiteller.errors import InvalidRequestError
from storaiteller.preferences import STRUCK_OUT, Kind, PairRow, Preference, pair_id, verdict_id
from storaiteller.prompts import PROMPT_VERSION, story_prompt
from storaiteller.story import Instruction, ModelId, StorySettings, StoryText

HEX_ID = r"^[0-9a-f]{32}$"
HexId = Annotated[str, StringConstraints(pattern=HEX_ID)]
StoryId = Annotated[str, StringConstraints(pattern=STORY_ID)]
MOST_REJECTED = 20
_KIND_OF: dict[str, Kind] = {
    "rewrite": "passage",
    "insert": "insertion",
    "generate": "story",
    "continue": "story",
}


class Choice(BaseModel):
    """One answer was accepted, the others were not. ``id`` is made by the client, and names the choice.

    ``asked`` is the very message that they answer, as it was sent on ``/ws``.
    """

    model_config = ConfigDict(extra="forbid")

    id: HexId
    kind: Kind
    asked: Annotated[Generate | Rewrite | Continue | Insert, Field(discriminator="type")]
    chosen: StoryText
    rejected: Annotated[list[StoryText], Field(min_length=1, max_length=MOST_REJECTED)]
    reason: Instruction = ""
    story: HexId | None = None

    @field_validator("asked", mode="wrap")
    @classmethod
    def _says_where(cls, asked: object, validate: ValidatorFunctionWrapHandler) -> object:
        with _in_asked():
            return validate(asked)


class NotForMe(BaseModel):
    """A telling the writer does not like. Sent again with the same ``id`` it only brings a reason along."""

    model_config = ConfigDict(extra="forbid")

    id: HexId
    settings: StorySettings
    story: StoryText
    story_id: StoryId
    model: ModelId | None = None
    reason: Instruction = ""


class Kept(BaseModel):
    """How many pairs the choice made; texts that are blank, or the same as the chosen one, make none."""

    pairs: int


class Marked(BaseModel):
    """Whether the story is one that is not for the writer from now on."""

    story_id: str
    not_for_me: bool


class ShownPair(BaseModel):
    """A pair as the page shows it. ``chosen`` is empty while there is no good story to stand against it.

    ``not_for_me``: it was said of the whole story. ``counts``: it is not struck out, and has both sides.
    """

    id: str
    kind: Kind
    prompt: str
    chosen: str
    rejected: str
    reason: str
    story: str
    model: str
    not_for_me: bool
    struck_out: bool
    counts: bool
    created_at: str


class ShownPairs(BaseModel):
    """Some of the pairs, the newest first; ``total`` there are, and ``counting`` of them count."""

    pairs: list[ShownPair]
    total: int
    counting: int


@contextmanager
def _in_asked() -> Iterator[None]:
    """What is wrong with the message is said of the field in which it came."""
    try:
        yield
    except InvalidRequestError as error:
        raise InvalidRequestError(error.message, field=f"asked.{error.field}") from error


def pairs_of(choice: Choice) -> list[Preference]:
    """One pair a rejected text; none for those that are blank, or the same as another or the chosen one.

    Raises ``InvalidRequestError`` for a message with no prompt, or one that asks for another kind.
    """
    asked = choice.asked
    with _in_asked():
        prompt = prompt_of(asked)
    if choice.kind != (kind := _KIND_OF[asked.type]):
        raise InvalidRequestError(f"The kind of what {asked.type} asks for is {kind}.", field="kind")
    others = [text for text in dict.fromkeys(choice.rejected) if text.strip() and text != choice.chosen]
    return [
        Preference(
            prompt=prompt,
            chosen=choice.chosen,
            rejected=rejected,
            pair_id=pair_id(choice.kind, prompt, choice.chosen, rejected),
            kind=choice.kind,
            reason=choice.reason,
            story_id=choice.story or "",
            choice_id=choice.id,
            settings_json=settings_json(asked.settings),
            model=asked.model or "unknown",
            prompt_version=PROMPT_VERSION,
        )
        for rejected in others
    ]


def verdict_of(body: NotForMe) -> Preference:
    """The pair of a story that is not for the writer; what stands against it is found later."""
    return Preference(
        prompt=story_prompt(body.settings),
        chosen="",
        rejected=body.story,
        pair_id=verdict_id(body.story_id),
        kind="story",
        reason=body.reason,
        story_id=body.story_id,
        choice_id=body.id,
        settings_json=settings_json(body.settings),
        model=body.model or "unknown",
        prompt_version=PROMPT_VERSION,
    )


def shown(row: PairRow) -> ShownPair:
    """A row of the ledger, for the page."""
    return ShownPair(
        id=row.pair_id,
        kind=row.kind,
        prompt=row.prompt,
        chosen=row.chosen,
        rejected=row.rejected,
        reason=row.reason,
        story=row.story_id,
        model=row.model,
        not_for_me=row.is_verdict,
        struck_out=row.standing == STRUCK_OUT,
        counts=row.counts,
        created_at=row.created_at,
    )
