"""The messages on ``/ws``, both ways. ``tests/protocol_examples.json`` shows one of each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from storaiteller.api.wishes import WishFields
from storaiteller.story import (
    FinishReason,
    Instruction,
    ModelId,
    Passage,
    SamplingOptions,
    Stage,
    StorySettings,
    StoryText,
)

RequestId = Annotated[str, StringConstraints(min_length=1, max_length=128)]
LibraryId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: RequestId


class _Request(_Message):
    settings: StorySettings
    model: ModelId | None = None
    sampling: SamplingOptions = Field(default_factory=SamplingOptions)
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**32 - 1)] | None = None
    progress: bool = False
    """Ask for ``progress`` messages before the first word; without it none is sent."""


class _StoryRequest(_Request):
    story: LibraryId | None = None
    """The library's id of the story that is being written: it is finished there if nobody says ``kept``."""


class Generate(_StoryRequest):
    """Write a new story."""

    type: Literal["generate"]


class Rewrite(_Request, WishFields):
    """Write ``selected`` anew; the answer is the passage alone, the ``opening`` as its first chunk."""

    type: Literal["rewrite"]
    before: StoryText
    selected: Annotated[StoryText, Field(min_length=1)]
    after: StoryText

    @property
    def passage(self) -> Passage:
        return Passage(before=self.before, selected=self.selected, after=self.after)


class Continue(_StoryRequest):
    """Write on from the end of ``text``."""

    type: Literal["continue"]
    text: StoryText


class Insert(_Request):
    """Write a passage to stand between ``before`` and ``after``; the answer has the space it needs there."""

    type: Literal["insert"]
    before: StoryText
    after: StoryText
    instruction: Instruction = ""


class Titles(_Request):
    """Find titles for ``text``; the answer is up to five, one a line."""

    type: Literal["titles"]
    text: StoryText


class Summary(_Request):
    """Tell ``text`` in a few sentences."""

    type: Literal["summary"]
    text: StoryText


class WordsAfter(_Request):
    """Tell which words the model would write after ``before``; ``sampling`` and ``seed`` change nothing."""

    type: Literal["words"]
    before: StoryText


class Stop(_Message):
    """End the request with this id; its ``done`` says ``cancelled``."""

    type: Literal["stop"]


class Kept(_Message):
    """Whoever sends this has what was told of the story, and keeps it: it is not finished in the library."""

    type: Literal["kept"]


class Resume(_Message):
    """Tell everything of the request with this id, wherever it was begun, from chunk ``seq`` on."""

    type: Literal["resume"]
    seq: Annotated[int, Field(strict=True, ge=0)] = 0


WriteRequest = Generate | Rewrite | Continue | Insert | Titles | Summary | WordsAfter
ClientMessage = Annotated[WriteRequest | Stop | Kept | Resume, Field(discriminator="type")]
client_message: TypeAdapter[WriteRequest | Stop | Kept | Resume] = TypeAdapter(ClientMessage)


class Started(_Message):
    """The model has the prompt. ``prompt_tokens`` is null where the engine counts only afterwards."""

    type: Literal["started"] = "started"
    model: str
    prompt_tokens: int | None


class ProgressReport(_Message):
    """Before the first word: the model is being loaded (bytes) or reads the prompt (tokens)."""

    type: Literal["progress"] = "progress"
    stage: Stage
    done: int
    total: int


class ChunkMessage(_Message):
    """The next piece of text; ``seq`` counts from 0 without gaps."""

    type: Literal["chunk"] = "chunk"
    seq: int
    text: str


class Word(BaseModel):
    model_config = ConfigDict(frozen=True)

    text: str
    probability: float


class WordsMessage(_Message):
    """The answer to ``words``: at most ten, likeliest first, without the space around them."""

    type: Literal["words"] = "words"
    words: tuple[Word, ...]


class TokenUsage(BaseModel):
    model_config = ConfigDict(frozen=True)

    prompt: int
    cached: int
    completion: int


class Done(_Message):
    """The request ended. ``words`` counts what was delivered by this request."""

    type: Literal["done"] = "done"
    finish_reason: FinishReason
    words: int
    usage: TokenUsage
    tokens_per_second: float
    time_to_first_token_ms: float


class Error(BaseModel):
    """The request failed; text already sent stays valid. ``id`` is null when none could be read."""

    model_config = ConfigDict(frozen=True)

    type: Literal["error"] = "error"
    id: str | None
    code: str
    message: str
    field: str | None = None


class Changed(BaseModel):
    """Told to every connection: a story of the library was changed, by whomever."""

    model_config = ConfigDict(frozen=True)

    type: Literal["changed"] = "changed"
    story: str
    revision: int
    trashed: bool


ServerMessage = Started | ProgressReport | ChunkMessage | WordsMessage | Done | Error | Changed
