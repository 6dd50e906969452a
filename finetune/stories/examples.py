"""From a good story to what the model is trained on: its prompt and its text, as tokens.

The prompt is what the app would send for that story, by the model's own chat template; llama.cpp
itself renders and tokenizes, so that training and serving cannot differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError

from finetune.stories.parts import cut, tail
from storaiteller.errors import ConfigError
from storaiteller.feedback import GoodStory
from storaiteller.prompts import story_messages
from storaiteller.story import Message, StorySettings

PLAIN_PROMPT = "Write a story."
"""Asked for a story that came without settings and without a prompt, or with one that fills the window."""

_LEAST_ROOM = 32
_settings = TypeAdapter(StorySettings)
_known = {field.name for field in fields(StorySettings)}


class Reader(Protocol):
    """The part of ``LlamaProbe`` that is needed here."""

    def render(self, messages: Sequence[Message]) -> str: ...
    def tokens(self, text: str, *, prompt: bool) -> list[int]: ...
    def end_of_turn(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Example:
    """A story, or part ``part`` (from 1) of the ``parts`` of a long one.

    All parts joined are the story, but for empty lines that would fill a window of their own.

    ``question`` is what the writer's settings ask for, ``prompt`` that as the model is given it: with its
    chat template around it and, in a later part, the story so far.

    The loss is on ``story_tokens`` alone. They end with the end of the turn in the last part only: the
    others stop because the window is full, and the model is not to learn that.
    """

    story_id: str
    part: int
    parts: int
    question: str
    prompt: str
    story: str
    settings: dict[str, Any] | None
    prompt_tokens: list[int]
    story_tokens: list[int]

    def __len__(self) -> int:
        """Tokens, prompt and story together."""
        return len(self.prompt_tokens) + len(self.story_tokens)


@dataclass(frozen=True, slots=True)
class _Asked:
    messages: list[Message]
    prompt: str
    tokens: list[int]


def read_examples(path: Path) -> list[Example]:
    """What the dataset stage wrote."""
    with path.open(encoding="utf-8") as lines:
        return [Example(**json.loads(line)) for line in lines]


class Examples:
    """Makes examples of at most ``window`` tokens, prompt and end of turn included."""

    def __init__(self, reader: Reader, window: int) -> None:
        self._reader = reader
        self._window = window
        self._end = reader.end_of_turn()

    def of(self, story: GoodStory) -> list[Example]:
        """The story's parts in order. A later part's prompt is that of the app's Continue.

        Raises ``ConfigError`` when the model's own chat template leaves no room for a story.
        """
        parts = list(self._parts(story))
        last = parts[-1]
        parts[-1] = replace(last, story_tokens=[*last.story_tokens, self._end])
        return [replace(part, part=number, parts=len(parts)) for number, part in enumerate(parts, start=1)]

    def _parts(self, story: GoodStory) -> Iterator[Example]:
        settings = read_settings(story.settings_json)
        stored = _settings.dump_python(settings, mode="json") if settings else None
        first = self._question(story_messages(settings)[0].content if settings else story.prompt.strip())
        text = story.story.strip()
        at = 0
        while at < len(text):
            asked = self._going_on(first, text[:at])
            room = self._window - len(asked.tokens) - 1
            if room < _LEAST_ROOM:
                raise ConfigError(
                    f"A window of {self._window:,} tokens leaves no room for a story. Set a larger one.",
                    field="window",
                )
            end = at + cut(text[at:], room, self._count)
            part = text[at:end]
            if part.strip():
                tokens = self._tokens(part)
                question = first.messages[0].content
                yield Example(
                    story.story_id, 0, 0, question, asked.prompt, part, stored, asked.tokens, tokens
                )
            at = end

    def _question(self, asked: str) -> _Asked:
        """What the model is asked for a story: in half the window, or it is asked the plain thing."""
        if asked:
            question = self._ask([Message("user", asked)])
            if len(question.tokens) <= self._window // 2:
                return question
        return self._ask([Message("user", PLAIN_PROMPT)])

    def _going_on(self, question: _Asked, before: str) -> _Asked:
        """The question, and as the beginning of the answer what half the window holds of the text before
        with it: an eighth of the window at least."""
        room = max(self._window // 2 - len(question.tokens), self._window // 8)
        begun = tail(before, room, self._count)
        if not begun.strip():
            return question
        return self._ask([*question.messages, Message("assistant", begun)])

    def _ask(self, messages: list[Message]) -> _Asked:
        prompt = self._reader.render(messages)
        return _Asked(messages, prompt, self._reader.tokens(prompt, prompt=True))

    def _tokens(self, text: str) -> list[int]:
        return self._reader.tokens(text, prompt=False)

    def _count(self, text: str) -> int:
        return len(self._tokens(text))


def read_settings(stored: str) -> StorySettings | None:
    """The settings in a ledger row, whatever else it holds; None if they are not all there or not allowed."""
    try:
        told = json.loads(stored)
        return settings_of({key: value for key, value in told.items() if key in _known})
    except (ValueError, AttributeError, RecursionError):
        return None


def settings_of(told: dict[str, Any] | None) -> StorySettings | None:
    """The settings of an example; None if there are none, or none that hold any more."""
    try:
        return _settings.validate_python(told)
    except ValidationError:
        return None
