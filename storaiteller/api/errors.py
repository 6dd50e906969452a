"""How errors look from outside: one JSON body on REST, one sentence for a rule that was broken."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from storaiteller.api.rules import MESSAGES, rule_for
from storaiteller.errors import InvalidRequestError, StoraitellerError
from storaiteller.library.errors import ConflictError

log = logging.getLogger(__name__)


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
        return InvalidRequestError(f"{field} must be {rule_for(path, place, ['type'])}.", field=field)
    if len(names) > 1 and names[0] == "asked":
        del names[1]  # the type of the message
    field = ".".join(names)
    if isinstance(error.get("input"), bytes):
        return InvalidRequestError("Send a JSON object, with the header Content-Type: application/json.")
    if not names:
        return InvalidRequestError(f"A JSON object was expected, not {shown}.")
    if kind in ("missing", "missing_argument"):
        return InvalidRequestError(f"{field} is missing: {rule_for(path, place, names)}.", field=field)
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return InvalidRequestError(f"{field} is not a field that is known here.", field=field)
    return InvalidRequestError(
        f"{field} must be {rule_for(path, place, names, error['msg'])}, not {shown}.", field=field
    )


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
