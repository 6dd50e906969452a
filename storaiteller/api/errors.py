"""How errors look from outside: one JSON body on REST, one sentence for each broken rule."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from storaiteller.errors import InvalidRequestError, StoraitellerError
from storaiteller.library.checks import MAX_NAME, MAX_TAG, MAX_TAGS, MAX_TITLE
from storaiteller.library.errors import ConflictError
from storaiteller.library.passages import MAX_TAKES
from storaiteller.library.values import By, Finish, Outcome, PassageKind, Reason, Sort
from storaiteller.registry import MAX_STRENGTH
from storaiteller.story import MAX_TEXT_CHARACTERS, MAX_WORDS, MIN_WORDS, Action, Genre, Register

log = logging.getLogger(__name__)

_TEXT = f"text of at most {MAX_TEXT_CHARACTERS:,} characters, without NULs or lone surrogates"
_NAMES = "each one line of 1 to 80 characters"
MESSAGES = (
    *("generate", "rewrite", "continue", "insert", "titles", "summary", "words"),
    *("stop", "kept", "resume"),
)
"""The types of messages that a client may send on the socket."""

RULES = {
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
"""The same for names that mean something else in the library; they go before those of ``RULES``."""

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


class ErrorBody(BaseModel):
    """Every error on REST. ``field`` names the field at fault, with dots: ``settings.max_words``."""

    code: str
    message: str
    field: str | None = None


class CurrentStory(BaseModel):
    """How far the story is that was to be saved over."""

    revision: int
    updated_at: datetime


class ConflictBody(ErrorBody):
    """The story was changed elsewhere; ``current`` is how it is now."""

    current: CurrentStory


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of a route that may answer with these errors, besides those of every route.

    With the schema and not the class: FastAPI would make a validator of its own of each, which doubled the
    time in which the app is made.
    """
    return dict.fromkeys((401, 403, 413, 422, *statuses), _ENTRY)


_ENTRY = {"content": {"application/json": {"schema": ErrorBody.model_json_schema()}}}


def describe(errors: Sequence[Mapping[str, Any]], path: str = "") -> InvalidRequestError:
    """The first of pydantic's errors as a sentence that names the field and what is allowed.

    ``path`` is that of the route, where a name may mean something of its own.
    """
    error = errors[0]
    kind, shown = error["type"], _shown(error.get("input"))
    if kind == "json_invalid":
        return InvalidRequestError(UNREADABLE)
    names = [part for part in error["loc"] if isinstance(part, str)]
    place = names.pop(0) if names and names[0] in _PLACES else ""
    if kind.startswith("union_tag"):
        field = ".".join([*names, "type"])
        return InvalidRequestError(f"{field} must be {_rule(path, place, ['type'])}.", field=field)
    if len(names) > 1 and names[0] == "asked":
        del names[1]  # the type of the message
    field = ".".join(names)
    if isinstance(error.get("input"), bytes):
        return InvalidRequestError("Send a JSON object, with the header Content-Type: application/json.")
    if not names:
        return InvalidRequestError(f"A JSON object was expected, not {shown}.")
    if kind in ("missing", "missing_argument"):
        return InvalidRequestError(f"{field} is missing: {_rule(path, place, names)}.", field=field)
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return InvalidRequestError(f"{field} is not a field that is known here.", field=field)
    return InvalidRequestError(
        f"{field} must be {_rule(path, place, names, error['msg'])}, not {shown}.", field=field
    )


def _rule(path: str, place: str, names: Sequence[str], otherwise: str = "it is needed") -> str:
    for name in (".".join(names), names[-1]):
        if rule := _RULES_BY_PATH.get(f"{path} {name}"):
            return rule
    for name in reversed(names):
        if rule := _RULES_BY_PLACE.get(f"{place}.{name}") or RULES.get(name):
            return rule
    return otherwise


def _shown(value: object) -> str:
    if isinstance(value, str | int | float | bool | None):
        text = ascii(value)  # a lone surrogate could not be sent back as it is
        return text if len(text) <= 60 else f"{text[:57]}… ({len(str(value)):,} characters)"
    return f"a {type(value).__name__}"


def install(app: FastAPI) -> None:
    """Let every error of ``app`` be answered in the one form."""

    def known(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, RequestValidationError):
            error = describe(error.errors(), request.url.path)
        if isinstance(error, HTTPException) and error.status_code == 400:
            error = InvalidRequestError(_unreadable(request, error.detail))  # what a parser choked on
        if isinstance(error, HTTPException):
            body = ErrorBody(code=_code(error.status_code), message=_sentence(error, request))
            return JSONResponse(body.model_dump(), error.status_code, error.headers)
        assert isinstance(error, StoraitellerError)  # noqa: S101 (the only other one registered)
        body = ErrorBody(code=error.code, message=error.message, field=error.field)
        if isinstance(error, ConflictError):
            now = CurrentStory(revision=error.current.revision, updated_at=error.current.updated_at)
            body = ConflictBody(**body.model_dump(), current=now)
        return JSONResponse(body.model_dump(mode="json"), error.status)

    def unknown(request: Request, error: Exception) -> JSONResponse:
        log.exception("unexpected error on %s", request.url.path, exc_info=error)
        body = ErrorBody(code="internal", message=UNEXPECTED)
        return JSONResponse(body.model_dump(), 500)

    for kind in (StoraitellerError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, known)
    app.add_exception_handler(Exception, unknown)


UNREADABLE = "That is not JSON that can be read; a lone surrogate (half a character) cannot be either."
NO_FILES = (
    "The files did not arrive whole. Choose them again; if there are more than a thousand, fewer at once."
)
NO_FILE_NAMES = (
    "What was sent has parts without a file name. Send each file as a part of its own, called “files”, with "
    "its name, and nothing besides."
)
UNEXPECTED = "Something went wrong that should not have. Your text is in the editor still; please try again."


_PLACES = frozenset({"body", "path", "query", *MESSAGES})
"""Names in pydantic's locations that are no fields."""


def _unreadable(request: Request, said: str) -> str:
    if not request.headers.get("content-type", "").startswith("multipart/"):
        return UNREADABLE
    return NO_FILE_NAMES if said.startswith(("Too many fields", "Part exceeded")) else NO_FILES


def _sentence(error: HTTPException, request: Request) -> str:
    path = request.url.path
    return {404: f"There is nothing at {path}.", 405: f"{request.method} is not possible at {path}."}.get(
        error.status_code, str(error.detail)
    )


def _code(status: int) -> str:
    return {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(status, "error")
