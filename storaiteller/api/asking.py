"""What a request of the socket asks of the model: as a stream of its answer, and as the text it reads."""

from __future__ import annotations

from storaiteller import prompts, reader, writer
from storaiteller.answers.streams import Choice, ChunkStream
from storaiteller.api.protocol import (
    Continue,
    Generate,
    Insert,
    Rewrite,
    Summary,
    Titles,
    WordsAfter,
    WriteRequest,
)
from storaiteller.engines.base import Engine
from storaiteller.excerpt import excerpt


def ask(engine: Engine, request: WriteRequest) -> ChunkStream:
    """The answer to ``request``. Raises ``InvalidRequestError`` where there is nothing to ask."""
    settings, choice = request.settings, Choice(request.sampling, request.seed)
    match request:
        case Generate():
            return writer.write(engine, settings, choice)
        case Rewrite():
            return writer.rewrite(engine, settings, request.passage, request.wish, choice)
        case Continue():
            return writer.continue_story(engine, settings, request.text, choice)
        case Insert():
            return writer.insert(engine, settings, request.before, request.after, request.instruction, choice)
        case Titles():
            return reader.titles(engine, request.text, choice)
        case Summary():
            return reader.summary(engine, request.text, choice)
        case WordsAfter():
            return reader.words_after(engine, settings, request.before)


def prompt_of(request: WriteRequest) -> str:
    """All that the model is asked by ``request``, as one text: what is kept beside a judged answer.

    Raises ``InvalidRequestError`` where there is nothing to ask.
    """
    settings = request.settings
    match request:
        case Generate():
            return prompts.story_prompt(settings)
        case Rewrite():
            writer.check_passage(request.passage)
            return prompts.rewrite_prompt(settings, request.passage, request.wish)
        case Insert():
            writer.check_insertion(request.before, request.after)
            return prompts.shown(
                prompts.insert_messages(settings, request.before, request.after, request.instruction)
            )
        case Continue():
            return prompts.shown(prompts.story_messages(settings, request.text))
        case WordsAfter():
            return prompts.shown(prompts.story_messages(settings, request.before))
        case Titles():
            return prompts.titles_messages(excerpt(request.text, reader.READ_FOR_TITLES))[0].content
        case Summary():
            return prompts.summary_messages(excerpt(request.text, reader.READ_FOR_SUMMARY))[0].content
