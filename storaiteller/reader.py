"""The reader: what the model says about a text. Titles, a summary, the words it would write next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from storaiteller.answers.candidates import may_begin, merged, word_in
from storaiteller.answers.fitting import fitted
from storaiteller.answers.gist import LONGEST_TITLE, MOST_LINES, SUMMARY_MOST, SummaryFilter, TitlesFilter
from storaiteller.answers.streams import ATTEMPTS, Choice, ChunkStream, Filter, another, bounded, filtered
from storaiteller.engines.base import Engine, GenerationOptions
from storaiteller.errors import GenerationFailedError, InvalidRequestError
from storaiteller.excerpt import ending, excerpt
from storaiteller.prompts import story_messages, summary_messages, titles_messages
from storaiteller.story import Candidate, Chunk, Message, SamplingOptions, StorySettings

READ_FOR_TITLES = 8_000
"""Characters of a story that are read for its titles; of a longer one, parts."""

READ_FOR_SUMMARY = 16_000
"""About 2,700 words: twenty seconds of reading for the demo model on two cores."""

READ_FOR_WORDS = 4_000
"""Characters before a word that are read where all of them are too much: five seconds for the same model.
A story that fits has mostly been read already."""

SUMMARY_TEMPERATURE = 0.3

MOST_WORDS = 10
TOKENS_LOOKED_AT = 20
"""More than the words told: some are no words, some begin the same one. Ollama tells of no more."""

LEAST_PROBABILITY = 0.001
TOKENS_OF_A_WORD = 4
_GREEDY = SamplingOptions(temperature=0, repeat_penalty=1)


def titles(engine: Engine, text: str, choice: Choice) -> ChunkStream:
    """Up to five titles for ``text``, one a line, each as soon as its line has ended."""
    _check(text, "to find titles for")
    options = bounded(choice, LONGEST_TITLE * MOST_LINES // 2)
    return _read(engine, text, READ_FOR_TITLES, titles_messages, options, TitlesFilter)


def summary(engine: Engine, text: str, choice: Choice) -> ChunkStream:
    """``text`` in a few sentences."""
    _check(text, "to sum up")
    cool = min(choice.sampling.temperature, SUMMARY_TEMPERATURE)
    choice = replace(choice, sampling=replace(choice.sampling, temperature=cool))
    return _read(
        engine, text, READ_FOR_SUMMARY, summary_messages, bounded(choice, SUMMARY_MOST), SummaryFilter
    )


def words_after(engine: Engine, settings: StorySettings, before: str) -> ChunkStream:
    """The words that the model would write after ``before``, likeliest first, in one chunk."""

    def ask(most: int) -> ChunkStream:
        read = most if most == len(before) else min(most, READ_FOR_WORDS)
        return _words_after(engine, story_messages(settings, ending(before, read)))

    return fitted(len(before), ask)


async def _words_after(engine: Engine, messages: Sequence[Message]) -> ChunkStream:
    tokens: tuple[Candidate, ...] = ()
    end = Chunk(finish_reason="stop")
    async with aclosing(engine.next_tokens(messages, TOKENS_LOOKED_AT)) as stream:
        async for chunk in stream:
            tokens = chunk.candidates or tokens
            if chunk.progress is not None:
                yield chunk
            elif chunk.finish_reason is not None:
                end = chunk
    # Only now: each stream takes a place at the model, and nobody may wait for two.
    begun = messages[-1].content if messages[-1].role == "assistant" else ""
    words: list[Candidate] = []
    for token in tokens:
        if token.probability < LEAST_PROBABILITY or len({each.text for each in words}) == MOST_WORDS:
            break
        if may_begin(token.text, begun) and (word := await _whole(engine, messages, token.text)):
            words.append(Candidate(word, token.probability))
    yield Chunk(candidates=merged(words, MOST_WORDS))
    yield end


async def _whole(engine: Engine, messages: Sequence[Message], token: str) -> str:
    """The word that ``token`` begins: what the model most likely goes on with, as far as the word's end.

    Mostly the next token shows that it has ended already; only where it does not, more are asked for.
    """
    text = token
    for more in (1, TOKENS_OF_A_WORD):
        if word_in(text)[1]:
            break
        options = GenerationOptions(more, _GREEDY)
        async with aclosing(engine.stream(_going_on(messages, text), options)) as stream:
            async for chunk in stream:
                text += chunk.text
    return word_in(text)[0]


def _going_on(messages: Sequence[Message], text: str) -> list[Message]:
    *asked, last = messages
    if last.role == "assistant":
        return [*asked, Message("assistant", last.content + text)]
    return [*messages, Message("assistant", text)]


def _check(text: str, purpose: str) -> None:
    if not text.strip():
        raise InvalidRequestError(f"There is no story {purpose} yet.", field="text")


async def _read(
    engine: Engine,
    text: str,
    most: int,
    messages: Callable[[str], list[Message]],
    options: GenerationOptions,
    kept: Callable[[], Filter],
) -> ChunkStream:
    """Ask about as much of ``text`` as the model can hold; again where it says nothing."""

    def ask(room: int, attempt: int) -> ChunkStream:
        return filtered(engine, messages(excerpt(text, room)), another(options, attempt), kept())

    for attempt in range(ATTEMPTS):
        said = False
        stream = fitted(min(most, len(text)), partial(ask, attempt=attempt))
        async with aclosing(stream) as chunks:
            async for chunk in chunks:
                said = said or bool(chunk.text)
                if chunk.finish_reason is not None and not said:
                    break
                yield chunk
            else:
                return
    raise GenerationFailedError("The model found nothing to say. Try again, or choose another model.")
