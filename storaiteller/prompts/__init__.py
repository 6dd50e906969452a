"""From story values to what the model reads: pure functions over the templates beside this file.

Settings and story text are data: the templates are rendered in a sandbox, and nothing a writer
types is ever compiled as one. Bump ``PROMPT_VERSION`` with every change to a template; the ledger
keeps it with each story, so that a fine-tuner knows which wording a story answers.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from storaiteller.story import Message, Passage, StorySettings, count_words

PROMPT_VERSION = "v1"

_templates = ImmutableSandboxedEnvironment(
    loader=FileSystemLoader(Path(__file__).parent),
    undefined=StrictUndefined,
    autoescape=False,  # plain text for a model, not HTML
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=False,
)


def story_prompt(settings: StorySettings) -> str:
    """The prompt for a whole story, as ``POST /setstory`` shows it."""
    return _templates.get_template("story.j2").render(settings=settings)


def story_messages(settings: StorySettings, text: str = "") -> list[Message]:
    """The conversation for a whole story, or for going on after ``text``."""
    return [Message("user", story_prompt(settings)), *_prefill(text)]


def rewrite_messages(settings: StorySettings, passage: Passage, instruction: str = "") -> list[Message]:
    """The conversation for one passage.

    The text after the passage and the old wording stand in the question, the text before it is the
    beginning of the answer: so the model sees both sides, writes on from the seam, and does not meet
    the old wording where it would be tempted to copy it.
    """
    question = _templates.get_template("rewrite.j2").render(
        story_prompt=story_prompt(settings),
        selected=passage.selected,
        after=passage.after,
        words=count_words(passage.selected),
        instruction=instruction,
    )
    return [Message("user", question), *_prefill(passage.before)]


def rewrite_prompt(settings: StorySettings, passage: Passage, instruction: str = "") -> str:
    """All that the model sees for a rewrite as one text, as ``POST /redopartofstory`` shows it."""
    question = rewrite_messages(settings, passage, instruction)[0]
    return _templates.get_template("rewrite_shown.j2").render(
        question=question.content, before=passage.before
    )


def continue_prompt(settings: StorySettings, text: str) -> str:
    """All that the model sees for going on after ``text``, as one text."""
    return _templates.get_template("rewrite_shown.j2").render(question=story_prompt(settings), before=text)


def _prefill(text: str) -> list[Message]:
    # A trailing space would be a token of its own, and the next word would lack the space it is
    # learned with.
    text = text.rstrip(" \t")
    return [Message("assistant", text)] if text.strip() else []
