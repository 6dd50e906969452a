"""How much a request may bring along."""

from __future__ import annotations

from starlette.types import Message, Receive, Scope

from storaiteller.api.sites import values
from storaiteller.errors import InvalidRequestError

MAX_BODY_BYTES = 8 * 1024 * 1024
"""A story of a million characters, four bytes each, fits with its prompt; nothing longer is a story."""

MAX_LIBRARY_BODY_BYTES = 16 * 1024 * 1024
"""The longest text that is kept, with a backslash before every letter, and its origins and settings."""

MAX_IMPORT_BYTES = 512 * 1024 * 1024
"""The export of a large library comes back in one piece; it lies on the disk while it is read."""

MAX_UNDECLARED_IMPORT_BYTES = 64 * 1024 * 1024
"""A body that does not say how long it is has to be held in memory."""

FEWER = (
    "Import fewer files at once. If it is a single zip, unpack it, and import the .txt files in its folder "
    "“stories”: the stories without titles and versions. To bring all of it into a new, empty library, close "
    "StorAIteller, and copy the file library.db from the old data folder into the new one."
)

_LIBRARY, _IMPORT = "/library/", ("POST", "/library/import")


class BodyTooLargeError(InvalidRequestError):
    """The request is longer than what it may bring; both numbers are in the message."""

    code = "too_large"
    status = 413

    def __init__(self, limit: int, declared: int | None = None) -> None:
        much = f"{declared:,} bytes" if declared else f"more than {limit:,} bytes"
        advice = "Shorten it." if limit <= MAX_LIBRARY_BODY_BYTES else FEWER
        super().__init__(f"This is {much} long, and at most {limit:,} bytes are taken. {advice}")


async def limited(scope: Scope, receive: Receive) -> Receive:
    """A ``receive`` that brings no more than this route takes, or ``BodyTooLargeError`` now.

    A declared length is believed: the server hands on no more than that. A body without one is read
    here, so that it is refused before the route has done anything.
    """
    declared, undeclared = _limits(scope["method"], scope["path"])
    if _is_declared(scope, declared):
        return receive
    pending = [await _read(receive, undeclared)]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body, or ``BodyTooLargeError``; empty when the client went away."""
    _is_declared(scope, limit)
    message = await _read(receive, limit)
    return bytes(message.get("body", b""))


def _limits(method: str, path: str) -> tuple[int, int]:
    """For a body that says how long it is, and for one that does not."""
    if (method, path) == _IMPORT:
        return MAX_IMPORT_BYTES, MAX_UNDECLARED_IMPORT_BYTES
    limit = MAX_LIBRARY_BODY_BYTES if path.startswith(_LIBRARY) else MAX_BODY_BYTES
    return limit, limit


def _is_declared(scope: Scope, limit: int) -> bool:
    declared = values(scope, b"content-length")
    if not declared or not declared[0].isdecimal() or values(scope, b"transfer-encoding"):
        return False  # a chunked body is as long as it is, whatever the header says
    if int(declared[0]) > limit:
        raise BodyTooLargeError(limit, int(declared[0]))
    return True


async def _read(receive: Receive, limit: int) -> Message:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return message
        body += message.get("body", b"")
        if len(body) > limit:
            raise BodyTooLargeError(limit)
        if not message.get("more_body", False):
            return {"type": "http.request", "body": bytes(body), "more_body": False}
