"""How errors look from outside: one JSON body on REST, one sentence for each broken rule."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from storaiteller.errors import InvalidRequestError, StoraitellerError
from storaiteller.registry import MAX_STRENGTH
from storaiteller.story import MAX_TEXT_CHARACTERS, MAX_WORDS, MIN_WORDS, Genre, Register

log = logging.getLogger(__name__)

_TEXT = f"text of at most {MAX_TEXT_CHARACTERS:,} characters, without NULs or lone surrogates"
_NAMES = "each one line of 1 to 80 characters"
RULES = {
    "characters": f"a list of at most 20 names, {_NAMES}",
    "keywords": f"a list of at most 40 keywords, {_NAMES}",
    "genre": f"one of {', '.join(Genre)}",
    "register": f"one of {', '.join(Register)}",
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
    "type": "one of generate, rewrite, continue, stop",
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
} | dict.fromkeys(("before", "after", "text", "initialpart", "finalpart"), _TEXT)
"""What is allowed in each field, in words."""


class ErrorBody(BaseModel):
    """Every error on REST. ``field`` names the field at fault, with dots: ``settings.max_words``."""

    code: str
    message: str
    field: str | None = None


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of a route that may answer with these errors, besides those of every route."""
    return {status: {"model": ErrorBody} for status in (401, 403, 413, 422, *statuses)}


def describe(errors: Sequence[Mapping[str, Any]]) -> InvalidRequestError:
    """The first of pydantic's errors as a sentence that names the field and what is allowed."""
    error = errors[0]
    kind, shown = error["type"], _shown(error.get("input"))
    if kind == "json_invalid":
        return InvalidRequestError(UNREADABLE)
    if kind.startswith("union_tag"):
        return InvalidRequestError(f"type must be {RULES['type']}.", field="type")
    names = [part for part in error["loc"] if isinstance(part, str)]
    names = [name for name in names if name not in _PLACES]
    field = ".".join(names)
    if isinstance(error.get("input"), bytes):
        return InvalidRequestError("Send a JSON object, with the header Content-Type: application/json.")
    if not names:
        return InvalidRequestError(f"A JSON object was expected, not {shown}.")
    if kind in ("missing", "missing_argument"):
        return InvalidRequestError(f"{field} is missing: {_rule(names)}.", field=field)
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return InvalidRequestError(f"{field} is not a field that is known here.", field=field)
    return InvalidRequestError(f"{field} must be {_rule(names, error['msg'])}, not {shown}.", field=field)


def _rule(names: Sequence[str], otherwise: str = "it is needed") -> str:
    return next((RULES[name] for name in reversed(names) if name in RULES), otherwise)


def _shown(value: object) -> str:
    if isinstance(value, str | int | float | bool | None):
        text = ascii(value)  # a lone surrogate could not be sent back as it is
        return text if len(text) <= 60 else f"{text[:57]}… ({len(str(value)):,} characters)"
    return f"a {type(value).__name__}"


def install(app: FastAPI) -> None:
    """Let every error of ``app`` be answered in the one form."""

    def known(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, RequestValidationError):
            error = describe(error.errors())
        if isinstance(error, HTTPException) and error.status_code == 400:
            error = InvalidRequestError(UNREADABLE)  # FastAPI's only one: what JSON's parser choked on
        if isinstance(error, HTTPException):
            body = ErrorBody(code=_code(error.status_code), message=_sentence(error, request))
            return JSONResponse(body.model_dump(), error.status_code, error.headers)
        assert isinstance(error, StoraitellerError)  # noqa: S101 (the only other one registered)
        body = ErrorBody(code=error.code, message=error.message, field=error.field)
        return JSONResponse(body.model_dump(), error.status)

    def unknown(request: Request, error: Exception) -> JSONResponse:
        log.exception("unexpected error on %s", request.url.path, exc_info=error)
        body = ErrorBody(code="internal", message=UNEXPECTED)
        return JSONResponse(body.model_dump(), 500)

    for kind in (StoraitellerError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, known)
    app.add_exception_handler(Exception, unknown)


UNREADABLE = "That is not JSON that can be read; a lone surrogate (half a character) cannot be either."
UNEXPECTED = "Something went wrong that should not have. Your text is safe in the editor; please try again."


_PLACES = frozenset({"body", "path", "generate", "rewrite", "continue", "stop"})
"""Names in pydantic's locations that are no fields."""


def _sentence(error: HTTPException, request: Request) -> str:
    path = request.url.path
    return {404: f"There is nothing at {path}.", 405: f"{request.method} is not possible at {path}."}.get(
        error.status_code, str(error.detail)
    )


def _code(status: int) -> str:
    return {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(status, "error")
