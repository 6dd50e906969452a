"""The writer: story values in, a stream of chunks out. Write, continue, rewrite, insert.

Of a story that is longer than the model's window, it is shown what is next to the place.
What comes back is a stream as ``streams.filtered`` has it.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace

from storaiteller.answers.fitting import fitted
from storaiteller.answers.insertion import InsertionFilter
from storaiteller.answers.length import LONGEST_SENTENCE, SentenceKeeper
from storaiteller.answers.proofreading import ProofreadFilter
from storaiteller.answers.splice import ContinuationFilter, PassageFilter
from storaiteller.answers.streams import Choice, ChunkStream, another, bounded, filtered, insisting
from storaiteller.bounds import insertion_words, lengths
from storaiteller.engines.base import Engine
from storaiteller.errors import InvalidRequestError, StoryFullError
from storaiteller.excerpt import around, ending
from storaiteller.prompts import as_spoken, insert_messages, rewrite_messages, story_messages
from storaiteller.story import MAX_WORDS, Action, Chunk, Passage, StorySettings, Wish, count_words

PROOFREADING_TEMPERATURE = 0.1
"""A proofreader has nothing to invent, and has to say again what was said."""


def write(engine: Engine, settings: StorySettings, choice: Choice) -> ChunkStream:
    """A new story of at most ``settings.max_words`` words."""
    keeper = SentenceKeeper(settings.max_words)
    options = bounded(choice, settings.max_words)
    return filtered(engine, story_messages(settings), options, keeper)


def continue_story(engine: Engine, settings: StorySettings, text: str, choice: Choice) -> ChunkStream:
    """What comes after ``text``, so that both together keep within ``settings.max_words``.

    Raises ``StoryFullError`` when there is no room left for another sentence.
    """
    words = count_words(text)
    room = settings.max_words - words
    if room <= 0:
        raise _full(words, settings.max_words)
    options = bounded(choice, room)

    def ask(most: int) -> ChunkStream:
        messages = story_messages(settings, ending(text, most))
        return filtered(engine, messages, options, ContinuationFilter(text, room))

    return fitted(len(text), ask)


def _full(words: int, most: int) -> StoryFullError:
    told = f"The story has {words:,} of at most {most:,} words."
    if words >= MAX_WORDS:
        return StoryFullError(f"{told} To go on, put the cursor at its end and choose “Write at the cursor”.")
    way = "Raise the number of words in the settings to go on."
    return StoryFullError(f"{told} {way}", field="settings.max_words")


def rewrite(
    engine: Engine, settings: StorySettings, passage: Passage, wish: Wish, choice: Choice
) -> ChunkStream:
    """A new wording of ``passage.selected`` alone, with the space around it that the old one had."""
    check_passage(passage)
    if wish.action is Action.PROOFREAD:
        return insisting(lambda attempt: _proofread(engine, settings, passage, wish, choice, attempt))
    wish = as_spoken(passage, wish)
    options = bounded(
        choice, lengths(passage.selected, wish).most + (LONGEST_SENTENCE if wish.opening else 0)
    )

    def ask(most: int) -> ChunkStream:
        before, after = around(passage.before, passage.after, most)
        messages = rewrite_messages(settings, replace(passage, before=before, after=after), wish)
        return insisting(
            lambda attempt: filtered(
                engine, messages, another(options, attempt), PassageFilter(passage, wish)
            )
        )

    stream = fitted(len(passage.before) + len(passage.after), ask)
    return _opened(stream, passage, wish) if wish.opening else stream


def _proofread(
    engine: Engine, settings: StorySettings, passage: Passage, wish: Wish, choice: Choice, attempt: int
) -> ChunkStream:
    """Where the model talked about the passage at first, its first word is put into its mouth."""
    if attempt and not wish.opening:
        wish = replace(wish, opening=passage.selected.split()[0])
    cool = min(choice.sampling.temperature, PROOFREADING_TEMPERATURE)
    choice = replace(choice, sampling=replace(choice.sampling, temperature=cool, repeat_penalty=1))
    options = another(bounded(choice, lengths(passage.selected, wish).most), attempt)
    messages = rewrite_messages(settings, passage, wish)
    stream = filtered(engine, messages, options, ProofreadFilter(passage, wish))
    return _opened(stream, passage, wish) if wish.opening else stream


def insert(
    engine: Engine, settings: StorySettings, before: str, after: str, instruction: str, choice: Choice
) -> ChunkStream:
    """A passage to stand between ``before`` and ``after``, with the space it needs there."""
    check_insertion(before, after)
    options = bounded(choice, insertion_words(instruction).most)

    def ask(most: int) -> ChunkStream:
        messages = insert_messages(settings, *around(before, after, most), instruction)
        return insisting(
            lambda attempt: filtered(
                engine, messages, another(options, attempt), InsertionFilter(before, after, instruction)
            )
        )

    return fitted(len(before) + len(after), ask)


def check_passage(passage: Passage) -> None:
    """``InvalidRequestError`` where there is nothing to rewrite."""
    if not passage.selected.strip():
        raise InvalidRequestError("Select some words to rewrite first.", field="selected")


def check_insertion(before: str, after: str) -> None:
    """``InvalidRequestError`` where there is nothing to insert into."""
    if not before.strip() and not after.strip():
        raise InvalidRequestError("There is no text to put a passage into.", field="before")


async def _opened(stream: ChunkStream, passage: Passage, wish: Wish) -> ChunkStream:
    """``stream`` with the opening as its first text, even where nothing comes after it."""
    opening, begun = wish.opening_of(passage), False
    async with aclosing(stream) as chunks:
        async for chunk in chunks:
            if not begun and chunk.progress is None:
                begun = True
                yield Chunk(text=opening if chunk.text else opening + _trail(passage))
            yield chunk


def _trail(passage: Passage) -> str:
    return passage.selected[len(passage.selected.rstrip()) :]
