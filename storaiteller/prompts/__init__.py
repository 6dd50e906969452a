"""From story values to what the model reads: pure functions over the templates beside this file.

Settings and story text are data: the templates are rendered in a sandbox, and nothing a writer
types is ever compiled as one. Bump ``PROMPT_VERSION`` with every change to a template; the ledger
keeps it with each story, so that a fine-tuner knows which wording a story answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from storaiteller.bounds import insertion_words, words_wished
from storaiteller.story import PLAIN, Action, Message, Passage, StorySettings, Wish, count_words

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


def rewrite_messages(settings: StorySettings, passage: Passage, wish: Wish = PLAIN) -> list[Message]:
    """The conversation for one passage.

    The text after the passage and the old wording stand in the question, the text before it is the
    beginning of the answer: so the model sees both sides, writes on from the seam, and does not meet
    the old wording where it would be tempted to copy it.
    """
    wish = as_spoken(passage, wish)
    if wish.action is Action.PROOFREAD:
        return _proofread_messages(passage, wish)
    register = wish.register or settings.register
    question = _rendered(
        "rewrite.j2",
        story_prompt=story_prompt(replace(settings, register=register)),
        selected=passage.selected,
        after=passage.after,
        words=words_wished(count_words(passage.selected), wish.action),
        instruction=_rendered(
            "wish.j2", action=wish.action, register=wish.register, instruction=wish.instruction
        ).strip(),
    )
    return [Message("user", question), *_prefill(passage.before + wish.opening_of(passage))]


def as_spoken(passage: Passage, wish: Wish) -> Wish:
    """A dialogue begins with a quotation mark: without it a small model seldom lets anybody speak."""
    if wish.action is not Action.DIALOGUE or wish.opening:
        return wish
    return replace(wish, opening="“" if "“" in passage.before + passage.selected + passage.after else '"')


def _proofread_messages(passage: Passage, wish: Wish) -> list[Message]:
    """The passage alone: a model that sees what is around it goes on telling."""
    core = passage.selected.strip()
    question = _rendered("proofread.j2", selected=core, instruction=wish.instruction)
    return [Message("user", question), *_prefill(wish.opening)]


def insert_messages(settings: StorySettings, before: str, after: str, instruction: str) -> list[Message]:
    """The conversation for a passage between two others, the first of which begins the answer."""
    question = _rendered(
        "insert.j2",
        story_prompt=story_prompt(settings),
        after=after,
        words=insertion_words(instruction)[0],
        instruction=instruction,
    )
    return [Message("user", question), *_prefill(before)]


def titles_messages(text: str) -> list[Message]:
    """The conversation for titles of ``text``; begun as a list, or a small model writes one line of all."""
    return [Message("user", _rendered("titles.j2", text=text.strip())), Message("assistant", "1.")]


def summary_messages(text: str) -> list[Message]:
    """The conversation for a summary of ``text``."""
    return [Message("user", _rendered("summary.j2", text=text.strip()))]


def rewrite_prompt(settings: StorySettings, passage: Passage, wish: Wish = PLAIN) -> str:
    """All that the model sees for a rewrite as one text, as ``POST /redopartofstory`` shows it."""
    return shown(rewrite_messages(settings, passage, wish))


def shown(messages: Sequence[Message]) -> str:
    """All that the model is asked for a part of a story, as one text."""
    question, *begun = messages
    before = begun[0].content if begun else ""
    return _rendered("rewrite_shown.j2", question=question.content, before=before)


def _rendered(template: str, **values: object) -> str:
    return _templates.get_template(template).render(**values)


def _prefill(text: str) -> list[Message]:
    # A trailing space would be a token of its own, and the next word would lack the space it is
    # learned with.
    text = text.rstrip(" \t")
    return [Message("assistant", text)] if text.strip() else []
