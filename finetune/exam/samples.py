"""What each model writes for the same prompts with the same seeds, through the engine that serves the app.

The engine is asked directly and not through ``storaiteller.writer``, which ends every story within its
words: here it matters whether the model ends it by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from finetune.stories.examples import Example, settings_of
from storaiteller.engines.base import GenerationOptions
from storaiteller.engines.llama_cpp import LlamaCppEngine
from storaiteller.story import StorySettings

TOKENS_PER_WORD, SLACK = 4, 64
"""As much room as the app gives a story, in tokens for each word of its settings, and some more."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A held-out prompt: the question, the writer's own story, and how it is asked.

    ``settings`` is None for a story that came without. ``tokens`` are those that were trained on: the model
    is given them as they are, by whatever template and whichever server they were rendered.
    """

    story_id: str
    question: str
    liked: str
    settings: StorySettings | None
    seed: int
    tokens: tuple[int, ...]
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Written:
    """A whole text, and whether the model ended it by itself, before ``max_tokens``."""

    text: str
    ended: bool


def choose(held_out: Sequence[Example], count: int, longest: int, seed: int) -> list[Prompt]:
    """``count`` prompts of the held-out stories, those with settings first, in turns if they are few.

    ``longest``: tokens of the longest story there is. A model gets twice that to come to an end, and no
    more than the app would give it.
    """
    asked = sorted(_beginnings(held_out), key=lambda example: settings_of(example.settings) is None)
    liked = whole_stories(held_out)
    return [
        Prompt(
            story_id=example.story_id,
            question=example.question,
            liked=liked[example.story_id],
            settings=settings_of(example.settings),
            seed=seed + number,
            tokens=tuple(example.prompt_tokens),
            max_tokens=_room(settings_of(example.settings), longest),
        )
        for number, example in enumerate(islice(cycle(asked), count))
    ]


def whole_stories(examples: Sequence[Example]) -> dict[str, str]:
    """Every story by its id, its parts joined."""
    whole: dict[str, str] = {}
    for example in sorted(examples, key=lambda each: each.part):
        whole[example.story_id] = whole.get(example.story_id, "") + example.story
    return whole


async def write(
    base: Path,
    adapters: Sequence[Path],
    speakers: Mapping[str, Sequence[float]],
    prompts: Sequence[Prompt],
    *,
    threads: int | None,
    report: Callable[[int], None],
) -> dict[str, list[Written]]:
    """What every speaker (a name, and the adapters' strengths) writes for every prompt, in their order.

    ``report`` is told how many texts there are. Raises ``EngineError``.
    """
    window = max(len(prompt.tokens) + prompt.max_tokens for prompt in prompts) + SLACK
    engine = await LlamaCppEngine.load(base, threads=threads, window=window, adapters=adapters)
    done = 0

    async def one(scales: Sequence[float], prompt: Prompt) -> Written:
        nonlocal done
        written = await _story(engine, scales, prompt)
        done += 1
        report(done)
        return written

    try:
        async with asyncio.TaskGroup() as group:  # the engine lets in as many at once as it has room for
            tasks = {
                name: [group.create_task(one(scales, prompt)) for prompt in prompts]
                for name, scales in speakers.items()
            }
    except* Exception as group_of_errors:
        raise _first(group_of_errors) from None
    finally:
        await engine.aclose()
    return {name: [task.result() for task in of_one] for name, of_one in tasks.items()}


async def _story(engine: LlamaCppEngine, scales: Sequence[float], prompt: Prompt) -> Written:
    """With the app's own way of choosing words: the defaults of ``SamplingOptions``."""
    text, ended = "", False
    options = GenerationOptions(prompt.max_tokens, seed=prompt.seed)
    async with aclosing(engine.complete(prompt.tokens, options, scales)) as stream:
        async for chunk in stream:
            text += chunk.text
            ended = chunk.finish_reason == "stop"
    return Written(text.strip(), ended)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _room(settings: StorySettings | None, longest: int) -> int:
    room = 2 * longest + SLACK
    return room if settings is None else min(room, TOKENS_PER_WORD * settings.max_words + SLACK)


def _beginnings(examples: Sequence[Example]) -> list[Example]:
    """Of every story the part it begins with; only that answers a question."""
    first: dict[str, Example] = {}
    for example in examples:
        known = first.setdefault(example.story_id, example)
        if example.part < known.part:
            first[example.story_id] = example
    return list(first.values())
