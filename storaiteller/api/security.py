"""The gate before every route: who may come in, from which page, and with how much.

A browser runs pages of every site, and each of them can send requests to a server on this machine.
So a request must name a host of ours (a foreign name that leads here is DNS rebinding), must not come
from another site's page, and must know the launch token. The token comes in once, with the printed
address; from then on the browser holds a cookie made from it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, parse_qsl, urlencode

import anyio
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from storaiteller.api.bodies import limited, read_body
from storaiteller.api.headers import new_nonce, secured
from storaiteller.api.sites import check_site, values
from storaiteller.errors import InvalidRequestError, NotAllowedError, StoraitellerError

_MAX_LOGIN_BYTES = 4_096
_CHALLENGE = {"www-authenticate": "Bearer"}


class NoLoginError(InvalidRequestError):
    """There is no password, so there is nothing to log in with."""

    code = "no_login"
    status = 404


@dataclass(frozen=True, slots=True)
class Knock:
    """Somebody at the door: what the page that they are shown depends on.

    ``nonce`` is for its style sheet, as it can fetch none. With ``asks_password`` it has a form that
    posts the field ``password`` to ``/login``. ``was_wrong``: a token or password was tried.
    """

    nonce: str
    asks_password: bool
    was_wrong: bool


def new_token() -> str:
    """A launch token of 256 bits, fit for an address."""
    return secrets.token_urlsafe(32)


class Gate:
    """ASGI middleware. Wrap it around the whole app, so that its error pages pass the gate as well.

    It puts a nonce for style sheets into ``request.state.csp_nonce``, and takes ``?token=`` out of
    every address before the app, or the access log, sees it. Once a WebSocket is let in, the gate
    is out of the way. ``wrong_password_wait`` is in seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str,
        hosts: frozenset[str],
        port: int,
        door: Callable[[Knock], str],
        password: str | None = None,
        wrong_password_wait: float = 1.0,
    ) -> None:
        if not token or password == "":
            raise ValueError("an empty token or password would let everybody in")
        self._app = app
        self._token = token
        self._hosts = hosts
        self._door = door
        self._password = password
        self._wrong_password_wait = wrong_password_wait
        self._one_guess_at_a_time = anyio.Lock()
        # Cookies do not know ports: the name tells two instances on one machine apart. The value is
        # not the token, which may be a favourite of its owner, and hold what no cookie may.
        self._cookie_name = f"storaiteller-{port}"
        self._cookie_value = hmac.digest(token.encode(), b"browser", hashlib.sha256).hex()
        self._cookie = f"{self._cookie_name}={self._cookie_value}; HttpOnly; SameSite=Strict; Path=/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._handshake(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        nonce = scope.setdefault("state", {})["csp_nonce"] = new_nonce()
        token = _take_token(scope)
        app, cookie = self._app, None
        try:
            check_site(scope, self._hosts)
            if _is(scope, "POST", "/login"):
                app = await self._login(scope, receive)
            else:
                cookie = self._identify(scope, token)
                receive = await limited(scope, receive)
        except StoraitellerError as error:
            app = self._refusal(scope, error, was_wrong=bool(token))
        await app(scope, receive, secured(send, nonce, cookie))

    async def _handshake(self, scope: Scope, receive: Receive, send: Send) -> None:
        _take_token(scope)
        try:
            check_site(scope, self._hosts)
            self._identify(scope)
        except StoraitellerError as error:
            await receive()  # the ``websocket.connect`` that is being answered
            if "websocket.http.response" in scope.get("extensions", {}):
                await _answer(error)(scope, receive, secured(send, new_nonce()))
            else:
                await send({"type": "websocket.close", "code": 1008})
        else:
            await self._app(scope, receive, send)

    def _identify(self, scope: Scope, token: str = "") -> str | None:
        """The cookie to hand out, if any; ``NotAllowedError`` for a stranger.

        The page comes at once and not after a redirect: a browser that follows one out of a mail or
        another site leaves a Strict cookie at home.
        """
        if _is(scope, "GET", "/") and _same(token, self._token):
            return self._cookie
        if not any(_same(one, self._token) for one in _bearers(scope)) and not any(
            _same(one, self._cookie_value) for one in _cookies(scope, self._cookie_name)
        ):
            raise NotAllowedError(
                "StorAIteller does not know you yet. Open the whole address that it printed when it "
                "started: the key is in it."
            )
        return None

    async def _login(self, scope: Scope, receive: Receive) -> Response:
        if self._password is None:
            raise NoLoginError("There is no password here: the printed address is the key.")
        form = parse_qs((await read_body(scope, receive, _MAX_LOGIN_BYTES)).decode("latin-1"))
        async with self._one_guess_at_a_time:  # or guessing would be quick: many side by side
            if _same(form.get("password", [""])[0], self._password):
                return RedirectResponse("/", 303, {"set-cookie": self._cookie})
            await anyio.sleep(self._wrong_password_wait)
        return self._door_page(scope, was_wrong=True)

    def _refusal(self, scope: Scope, error: StoraitellerError, *, was_wrong: bool) -> Response:
        wants_page = any("text/html" in accepted for accepted in values(scope, b"accept"))
        if isinstance(error, NotAllowedError) and scope["method"] == "GET" and wants_page:
            return self._door_page(scope, was_wrong=was_wrong)
        return _answer(error)

    def _door_page(self, scope: Scope, *, was_wrong: bool) -> Response:
        knock = Knock(scope["state"]["csp_nonce"], self._password is not None, was_wrong)
        # Not ``no-referrer``: a browser would post the form with ``Origin: null``, which is foreign.
        headers = {**_CHALLENGE, "referrer-policy": "same-origin"}
        return HTMLResponse(self._door(knock), NotAllowedError.status, headers)


def _answer(error: StoraitellerError) -> Response:
    body = {"code": error.code, "message": error.message, "field": error.field}
    return JSONResponse(body, error.status, _CHALLENGE if error.status == 401 else None)


def _is(scope: Scope, method: str, path: str) -> bool:
    return bool(scope.get("method") == method and scope["path"] == path)


def _same(offered: str, secret: str) -> bool:
    """Takes as long for a nearly right guess as for a wrong one."""
    return hmac.compare_digest(offered.encode(), secret.encode())


def _take_token(scope: Scope) -> str:
    """Remove ``token`` from the query, for whoever reads the scope later, and return its value."""
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    tokens = [value for name, value in query if name == "token"]
    if tokens:
        rest = [(name, value) for name, value in query if name != "token"]
        scope["query_string"] = urlencode(rest).encode()
    return tokens[0] if tokens else ""


def _bearers(scope: Scope) -> Iterator[str]:
    for value in values(scope, b"authorization"):
        scheme, _, credentials = value.partition(" ")
        if scheme.lower() == "bearer":
            yield credentials.strip()


def _cookies(scope: Scope, name: str) -> Iterator[str]:
    """By hand: the standard parser stops at an odd cookie, and other programs on this host set some."""
    for pair in ";".join(values(scope, b"cookie")).split(";"):
        key, _, value = pair.strip().partition("=")
        if key == name:
            yield value
