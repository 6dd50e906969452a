"""What is allowed in each field of a message or a request, in words for whoever broke a rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from storaiteller.library.checks import MAX_NAME, MAX_TAG, MAX_TAGS, MAX_TITLE
from storaiteller.library.passages import MAX_TAKES
from storaiteller.library.values import By, Finish, Outcome, PassageKind, Reason, Sort
from storaiteller.registry import MAX_STRENGTH
from storaiteller.story import MAX_TEXT_CHARACTERS, MAX_WORDS, MIN_WORDS, Action, Genre, Register

_TEXT = f"text of at most {MAX_TEXT_CHARACTERS:,} characters, without NULs or lone surrogates"
_NAMES = "each one line of 1 to 80 characters"
MESSAGES = (
    *("generate", "rewrite", "continue", "insert", "titles", "summary", "words"),
    *("stop", "kept", "resume"),
)
"""The types of messages that a client may send on the socket."""

_RULES = {
    "characters": f"a list of at most 20 names, {_NAMES}",
    "keywords": f"a list of at most 40 keywords, {_NAMES}",
    "genre": f"one of {', '.join(Genre)}",
    "register": f"one of {', '.join(Register)}",
    "action": f"one of {', '.join(Action)}",
    "max_words": f"a whole number from {MIN_WORDS} to {MAX_WORDS:,}",
    "child_friendly": "true or false",
    "final_twist": "true or false",
    "progress": "true or false",
    "selected": f"the words to rewrite: at least one character, {_TEXT}",
    "selectedpart": f"the words to rewrite: at least one character, {_TEXT}",
    "story": f"at least one word, {_TEXT}",
    "story_id": "1 to 128 letters, digits, dots, colons, dashes or underscores",
    "instruction": "at most 1,000 characters",
    "seed": "a whole number from 0 to 4294967294",
    "id": "text of 1 to 128 characters",
    "type": f"one of {', '.join(MESSAGES)}",
    "seq": "the number of the next chunk: a whole number from 0",
    "model": "the id of one of the models in the list of models",
    "settings": "an object with at least genre, register and max_words",
    "sampling": 'an object such as {"temperature": 0.8}',
    "temperature": "a number from 0 to 2",
    "top_p": "a number above 0, up to 1",
    "top_k": "a whole number from 0 to 1,000",
    "min_p": "a number from 0 to 1",
    "name": "a version's name, such as v3",
    "version": "a version's name, such as v3, or null for the base model",
    "strength": f"a number from 0 to {MAX_STRENGTH}",
    "repeat_penalty": "a number from 0.5 to 2",
} | dict.fromkeys(("before", "after", "text", "opening", "initialpart", "finalpart"), _TEXT)
"""What is allowed in each field, in words."""

_A_STORY_ID = "32 characters of 0 to 9 and a to f"
_RULES_BY_PLACE = {
    "body.id": _A_STORY_ID,
    "path.id": _A_STORY_ID,
    "generate.story": _A_STORY_ID,
    "continue.story": _A_STORY_ID,
    "path.number": "the number of a version, from 1",
    "body.text": "text without lone surrogates",
    "body.origins": 'a list of runs such as [12, "model"]: a length from 1, and model, edited or writer',
    "path.passage": _A_STORY_ID,
    "path.pair": _A_STORY_ID,
    "body.kind": f"one of {', '.join(get_args(PassageKind))}",
    "body.by": f"one of {', '.join(get_args(By))}",
    "body.outcome": f"one of {', '.join(get_args(Outcome))}",
    "body.finish": f"one of {', '.join(get_args(Finish))}, or null",
    "body.takes": f"a list of at most {MAX_TAKES} takes, each with its id and text",
    "body.title": f"one line of at most {MAX_TITLE} characters",
    "body.tags": f"a list of at most {MAX_TAGS} tags, each one line of at most {MAX_TAG} characters",
    "body.revision": "the revision of the story that was changed: a whole number from 1",
    "body.reason": f"one of {', '.join(get_args(Reason))}",
    "body.name": f"one line of at most {MAX_NAME} characters, or null for no name",
    "body.files": "one or more files, sent as multipart/form-data",
    "query.sort": f"one of {', '.join(get_args(Sort))}",
    "query.offset": "a whole number from 0",
    "query.limit": "a whole number from 0 to 1,000",
    "query.trash": "true or false",
    "query.format": "one of txt, md, docx",
}
"""The same for names that mean something else in the library; they go before those of ``_RULES``."""

_AT_MOST_THOUSAND = "at most 1,000 characters"
_RULES_BY_PATH = {
    "/preferences kind": "one of passage, insertion, story",
    "/preferences chosen": f"the text that was chosen: at least one word, {_TEXT}",
    "/preferences rejected": f"a list of 1 to 20 texts that were not chosen, each {_TEXT}",
    "/preferences reason": _AT_MOST_THOUSAND,
    "/preferences story": f"{_A_STORY_ID}, or null",
    "/preferences asked": "the message that was sent to the model",
    "/preferences asked.id": "text of 1 to 128 characters",
    "/preferences type": "one of generate, rewrite, continue, insert",
    "/preferences/not-for-me reason": _AT_MOST_THOUSAND,
}
"""The same for names that mean something else on one route; they go first."""


def rule_for(path: str, place: str, names: Sequence[str], otherwise: str = "it is needed") -> str:
    """What is allowed in the field that ``names`` lead to, or ``otherwise`` where nothing is told of it.

    ``path`` is the route's; ``place`` is the type of the message, or the part of the request: ``body``,
    ``path``, ``query``.
    """
    for name in (".".join(names), names[-1]):
        if rule := _RULES_BY_PATH.get(f"{path} {name}"):
            return rule
    for name in reversed(names):
        if rule := _RULES_BY_PLACE.get(f"{place}.{name}") or _RULES.get(name):
            return rule
    return otherwise
