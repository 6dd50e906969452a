"""The plain values of the house: what a writer asks for, and what a model answers. No I/O."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic.dataclasses import dataclass as validated_dataclass

MIN_WORDS, MAX_WORDS = 20, 5_000
MAX_TEXT_CHARACTERS = 1_000_000
"""The longest story or passage a request may carry, in code points: about 180,000 words."""

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_CJK_MARKS = "\u3001-\u301f\uff01-\uff0f\uff1a-\uff20.,!?…”’"
UNSPACED = re.compile(rf"[{_CJK}\u3001-\u301f\uff01-\uff60]")
"""A character beside which nobody writes a space."""

WORD = re.compile(rf"[{_CJK}][{_CJK_MARKS}]*|[^\s{_CJK}]+")
"""A word: a run without white space, or one Han or kana character, which are written without spaces.

``web/src/text/story.js`` counts with the same expression; ``tests/word_examples.json`` holds both to it.
"""


def count_words(text: str) -> int:
    """Number of words in ``text``, as the page counts them."""
    return sum(1 for _ in WORD.finditer(text))


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain a NUL character")
    return text


def _one_line(text: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text):
        raise ValueError("must be one line of plain text")
    return text


StoryText = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARACTERS), AfterValidator(_no_nul)]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=80),
    AfterValidator(_one_line),
]
ModelId = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=300),
    AfterValidator(_one_line),
]
"""Longer than a name: it ends with a file's name, and those have up to 255 characters."""
Instruction = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=1_000), AfterValidator(_no_nul)
]


class Genre(StrEnum):
    """The genres of the first StorAIteller, in its order."""

    ADVENTURE = "Adventure"
    BIOGRAPHY = "Biography"
    COMEDY = "Comedy"
    DRAMA = "Drama"
    FANTASY = "Fantasy"
    GOTHIC = "Gothic"
    HISTORICAL = "Historical"
    HORROR = "Horror"
    MYSTERY = "Mystery"
    QUIRKY = "Quirky"
    ROMANCE = "Romance"
    SCI_FI = "Sci-fi"
    THRILLER = "Thriller"
    TRAGEDY = "Tragedy"
    WAR = "War"


class Register(StrEnum):
    """The registers of the first StorAIteller, in its order."""

    CASUAL = "Casual"
    CEREBRAL = "Cerebral"
    CONVERSATIONAL = "Conversational"
    DESCRIPTIVE = "Descriptive"
    DIRECT = "Direct"
    ELEGANT = "Elegant"
    FORMAL = "Formal"
    IRREVERENT = "Irreverent"
    PLAYFUL = "Playful"
    VIVID = "Vivid"


class Action(StrEnum):
    """What is to become of a passage; ``REWRITE`` is just another wording."""

    REWRITE = "rewrite"
    SHORTER = "shorter"
    LONGER = "longer"
    VIVID = "vivid"
    DIALOGUE = "dialogue"
    REGISTER = "register"
    PROOFREAD = "proofread"


@validated_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class StorySettings:
    """What the writer asks for. A validated dataclass: a bad value raises ``ValidationError``."""

    genre: Genre
    register: Register
    max_words: Annotated[int, Field(strict=True, ge=MIN_WORDS, le=MAX_WORDS)]
    characters: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    keywords: Annotated[tuple[Name, ...], Field(max_length=40)] = ()
    child_friendly: Annotated[bool, Field(strict=True)] = False
    final_twist: Annotated[bool, Field(strict=True)] = False


@validated_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class SamplingOptions:
    """How boldly the model chooses. Defaults are the ones the nightly tuner evaluates with."""

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.8
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.95
    top_k: Annotated[int, Field(ge=0, le=1_000)] = 40
    min_p: Annotated[float, Field(ge=0, le=1)] = 0.05
    repeat_penalty: Annotated[float, Field(ge=0.5, le=2)] = 1.1


@validated_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Passage:
    """A story cut in three; ``before + selected + after`` is the whole, code point for code point."""

    before: StoryText
    selected: Annotated[StoryText, Field(min_length=1)]
    after: StoryText


@dataclass(frozen=True, slots=True)
class Wish:
    """How a passage is to be written anew. ``register`` is there for the action of that name alone.

    ``opening`` is how the new passage begins, to the letter.
    """

    action: Action = Action.REWRITE
    instruction: str = ""
    register: Register | None = None
    opening: str = ""

    def opening_of(self, passage: Passage) -> str:
        """The opening, after the space that ``passage`` begins with unless it brings its own."""
        if not self.opening or self.opening[0].isspace():
            return self.opening
        return passage.selected[: len(passage.selected) - len(passage.selected.lstrip())] + self.opening


PLAIN = Wish()
"""Just another wording."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a model might write next, a token or a word, and how likely that is, from 0 to 1."""

    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation. A last ``assistant`` turn is continued, not answered."""

    role: Literal["system", "user", "assistant"]
    content: str


FinishReason = Literal["stop", "length", "cancelled"]
Stage = Literal["loading", "reading"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens spent: ``cached_tokens`` of the ``prompt_tokens`` did not have to be read again.

    ``seconds`` went by between the first and the last token of the answer; the writer measures them.
    """

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Work before the first word: ``done`` of ``total`` (bytes when loading, tokens when reading).

    ``cached`` tokens of the prompt did not have to be read again.
    """

    stage: Stage
    done: int
    total: int
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a stream: progress first, then text, then one last chunk with ``finish_reason``.

    Where candidates were asked for, they come in place of the text: once, likeliest first.
    """

    text: str = ""
    candidates: tuple[Candidate, ...] | None = None
    progress: Progress | None = None
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
