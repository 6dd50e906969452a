"""What the gate promises: only this machine's writer, only from our own page, only so much."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from typing import Any

import anyio
import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request, WebSocket
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from storaiteller.api.bodies import MAX_BODY_BYTES
from storaiteller.api.security import Gate, Knock, new_token
from storaiteller.api.sites import allowed_hosts

TOKEN = "the-launch-token"
PASSWORD = "öffne dich & sei + lieb"
BEARER = {"authorization": f"Bearer {TOKEN}"}
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def inner_app() -> FastAPI:
    """A page, a route that takes a body, one that breaks, and a socket."""
    app = FastAPI()

    @app.get("/")
    def page(request: Request) -> HTMLResponse:
        return HTMLResponse(f"{request.state.csp_nonce} {request.url.query}")

    @app.post("/savestory")
    async def save(request: Request) -> int:
        return len(await request.body())

    @app.get("/kept")
    def kept() -> Response:
        return Response(headers={"cache-control": "max-age=60"})

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("on purpose")

    @app.websocket("/ws")
    async def ws(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text())
        await websocket.close()

    return app


def door(knock: Knock) -> str:
    return f"{knock.nonce} password={knock.asks_password} wrong={knock.was_wrong}"


def gate(app: ASGIApp | None = None, *, port: int = 8000, password: str | None = None, **more: Any) -> Gate:
    hosts = allowed_hosts("127.0.0.1", port)
    return Gate(app or inner_app(), token=TOKEN, hosts=hosts, port=port, door=door, password=password, **more)


def client(app: ASGIApp, **more: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", **more)


@pytest.fixture
async def stranger() -> AsyncIterator[httpx.AsyncClient]:
    async with client(gate()) as http:
        yield http


@pytest.fixture
async def writer() -> AsyncIterator[httpx.AsyncClient]:
    async with client(gate(), headers=BEARER) as http:
        yield http


def assert_refused(response: httpx.Response, status: int, code: str) -> None:
    assert response.status_code == status
    if response.request.method != "HEAD":
        body = response.json()
        assert (body["code"], body["field"]) == (code, None)
        assert body["message"].endswith(".")


# --- the key --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/savestory/x", "/openapi.json", "/no/such/page"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "DELETE", "BREW"])
async def test_a_stranger_is_refused_everywhere(stranger: httpx.AsyncClient, method: str, path: str) -> None:
    response = await stranger.request(method, path)
    assert_refused(response, 401, "not_allowed")
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "credentials",
    [f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN],
)
async def test_a_wrong_key_is_no_key(stranger: httpx.AsyncClient, credentials: str) -> None:
    response = await stranger.get("/", headers={"authorization": credentials})
    assert_refused(response, 401, "not_allowed")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_program_shows_the_token(stranger: httpx.AsyncClient, scheme: str) -> None:
    response = await stranger.get("/", headers={"authorization": f"{scheme} {TOKEN}"})
    assert response.status_code == 200
    assert "set-cookie" not in response.headers


async def test_a_browser_without_the_key_sees_the_door(stranger: httpx.AsyncClient) -> None:
    response = await stranger.get("/", headers=BROWSER)
    assert response.status_code == 401
    assert response.headers["content-type"].startswith("text/html")
    nonce, *said = response.text.split()
    assert said == ["password=False", "wrong=False"]
    assert f"'nonce-{nonce}'" in response.headers["content-security-policy"]
    assert "set-cookie" not in response.headers
    wrong = await stranger.get("/?token=wrong", headers=BROWSER)
    assert (wrong.status_code, wrong.text.split()[1:]) == (401, ["password=False", "wrong=True"])


async def test_the_printed_address_serves_the_page_itself_and_leaves_a_cookie(
    stranger: httpx.AsyncClient,
) -> None:
    """No redirect: a browser coming from another site would not send a Strict cookie along."""
    foreign_link = {**BROWSER, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    response = await stranger.get(f"/?token={TOKEN}", headers=foreign_link)
    assert response.status_code == 200
    [(name, cookie)] = SimpleCookie(response.headers["set-cookie"]).items()
    assert name == "storaiteller-8000"
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert not cookie["secure"]  # it would never be sent over plain HTTP
    assert not cookie["domain"]
    assert TOKEN not in response.headers["set-cookie"]
    again = await stranger.get("/")
    assert again.status_code == 200
    assert "set-cookie" not in again.headers


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/?token="), ("GET", "/kept?token="), ("HEAD", "/?token=")]
)
async def test_the_token_opens_nothing_but_the_page(
    stranger: httpx.AsyncClient, method: str, path: str
) -> None:
    assert_refused(await stranger.request(method, path + TOKEN), 401, "not_allowed")


async def test_the_app_never_sees_the_token_in_an_address(stranger: httpx.AsyncClient) -> None:
    response = await stranger.get(f"/?a=1&token={TOKEN}&%74oken=x&b=%26")
    assert response.text.split()[1:] == ["a=1&b=%26"]


async def test_two_instances_on_one_host_keep_their_cookies_apart() -> None:
    second = Gate(
        inner_app(),
        token="another",
        hosts=allowed_hosts("127.0.0.1", 8001),
        port=8001,
        door=door,
    )
    async with client(gate()) as http:
        await http.get(f"/?token={TOKEN}")
        jar = dict(http.cookies)
    async with client(second, cookies=jar) as http:
        at = {"host": "127.0.0.1:8001"}
        assert (await http.get("/", headers=at)).status_code == 401
        assert (await http.get("/?token=another", headers=at)).status_code == 200
        assert set(http.cookies) == {"storaiteller-8000", "storaiteller-8001"}


async def test_cookies_of_other_programs_do_not_hide_ours(stranger: httpx.AsyncClient) -> None:
    response = await stranger.get(f"/?token={TOKEN}")
    ours = response.headers["set-cookie"].split(";")[0]
    async with client(gate()) as http:
        cookies = f'odd[1]={{"a": b}}; ; storaiteller-8000=stale; {ours}'
        assert (await http.get("/", headers={"cookie": cookies})).status_code == 200
        assert (await http.get("/", headers={"cookie": f"x{ours}"})).status_code == 401


def test_a_launch_token_has_256_bits_and_fits_an_address() -> None:
    assert len(new_token()) == 43
    assert new_token() != new_token()
    assert httpx.URL(f"http://x/?token={new_token()}").query.isascii()


@pytest.mark.parametrize(("token", "password"), [("", None), ("x", "")])
def test_an_empty_secret_is_refused_at_the_start(token: str, password: str | None) -> None:
    with pytest.raises(ValueError, match="everybody"):
        Gate(inner_app(), token=token, password=password, hosts=frozenset(), port=1, door=door)


# --- from another site ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1",
        "127.0.0.1:8001",
        "127.0.0.1:8000.evil.example",
        "localhost.:8000",
        "",
    ],
)
async def test_dns_rebinding_a_foreign_name_is_refused_even_with_the_key(
    writer: httpx.AsyncClient, host: str
) -> None:
    response = await writer.get(f"/?token={TOKEN}", headers={"host": host})
    assert_refused(response, 403, "foreign_origin")
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "LocalHost:8000", "[::1]:8000"])
async def test_every_name_of_this_machine_is_answered(writer: httpx.AsyncClient, host: str) -> None:
    assert (await writer.get("/", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://evil.example",
        "http://127.0.0.1:9000",
        "http://127.0.0.1",
        "file://127.0.0.1:8000",
        "127.0.0.1:8000",
        "",
        "http://127.0.0.1:8000/",
        "http://x@127.0.0.1:8000",
    ],
)
async def test_another_sites_page_can_do_nothing(writer: httpx.AsyncClient, origin: str) -> None:
    """Such as a form posted as text/plain, which a browser sends without asking first."""
    headers = {"origin": origin, "content-type": "text/plain"}
    response = await writer.post("/savestory", headers=headers, content="{}")
    assert_refused(response, 403, "foreign_origin")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_what_the_browser_calls_another_site_can_do_nothing(
    writer: httpx.AsyncClient, site: str
) -> None:
    """``same-site`` is another port of this machine."""
    for method in ("POST", "PUT", "DELETE"):
        response = await writer.request(method, "/savestory", headers={"sec-fetch-site": site})
        assert_refused(response, 403, "foreign_origin")
    assert (await writer.get("/", headers={"sec-fetch-site": site})).status_code == 200  # a link


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8000", "https://localhost:8000"])
async def test_our_own_page_may_post(writer: httpx.AsyncClient, origin: str) -> None:
    headers = {"origin": origin, "sec-fetch-site": "same-origin"}
    response = await writer.post("/savestory", headers=headers, content="{}")
    assert response.json() == 2


@pytest.mark.parametrize("name", ["host", "origin"])
async def test_a_doubled_header_is_refused(writer: httpx.AsyncClient, name: str) -> None:
    value = {"host": "127.0.0.1:8000", "origin": "http://127.0.0.1:8000"}[name]
    headers = [(name, value), (name, value), *BEARER.items()]
    assert_refused(await writer.post("/savestory", headers=headers), 403, "foreign_origin")


def test_allowed_hosts_are_exact() -> None:
    loopback = {"127.0.0.1:8000", "localhost:8000", "[::1]:8000"}
    assert allowed_hosts("127.0.0.1", 8000) == loopback
    assert allowed_hosts("127.0.0.1", 8000, ["", " "]) == loopback
    assert allowed_hosts("192.168.1.5", 8000, ["Desk.lan:8000", " stories.example"]) == loopback | {
        "192.168.1.5:8000",
        "desk.lan:8000",
        "stories.example",
    }
    assert allowed_hosts("localhost", 80) == {"127.0.0.1", "localhost", "[::1]"}


def test_all_interfaces_answer_to_their_addresses_and_no_names() -> None:
    hosts = allowed_hosts("0.0.0.0", 8000)
    assert {"127.0.0.1:8000", "localhost:8000"} <= hosts
    assert "0.0.0.0:8000" not in hosts
    assert [one for one in hosts if one[0].isalpha() and ":" not in one[:-5]] == ["localhost:8000"]


# --- the password ---------------------------------------------------------------------------------


async def log_in(http: httpx.AsyncClient, password: str) -> httpx.Response:
    headers = {"origin": "http://127.0.0.1:8000", **BROWSER}
    return await http.post("/login", data={"password": password}, headers=headers)


async def test_the_password_opens_the_door() -> None:
    async with client(gate(password=PASSWORD)) as http:
        assert (await http.get("/", headers=BROWSER)).text.endswith("password=True wrong=False")
        response = await log_in(http, PASSWORD)
        assert (response.status_code, response.headers["location"]) == (303, "/")
        assert "HttpOnly; SameSite=Strict; Path=/" in response.headers["set-cookie"]
        assert (await http.get("/")).status_code == 200


@pytest.mark.parametrize("body", [b"", b"password=", b"password=x", b"\xff\0=%ff", b"a" * 5_000])
async def test_anything_else_leaves_it_shut(body: bytes) -> None:
    async with client(gate(password=PASSWORD, wrong_password_wait=0)) as http:
        response = await http.post("/login", content=body)
        assert response.status_code == (413 if len(body) > 4_096 else 401)
        assert "set-cookie" not in response.headers
        assert (await http.get("/")).status_code == 401


async def test_a_wrong_password_waits_and_shows_the_door_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(anyio, "sleep", sleep)
    async with client(gate(password=PASSWORD)) as http:
        response = await log_in(http, "open sesame")
    assert (response.status_code, waits) == (401, [1.0])
    assert response.text.endswith("password=True wrong=True")


async def test_guesses_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a thousand guesses sent side by side would take no longer than one."""
    waiting, most = 0, 0

    async def sleep(seconds: float) -> None:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        await asyncio.sleep(0.01)
        waiting -= 1

    monkeypatch.setattr(anyio, "sleep", sleep)
    async with client(gate(password=PASSWORD)) as http:
        await asyncio.gather(*(log_in(http, f"guess {number}") for number in range(5)))
    assert (waiting, most) == (0, 1)


async def test_there_is_no_login_without_a_password(stranger: httpx.AsyncClient) -> None:
    assert_refused(await log_in(stranger, ""), 404, "no_login")


async def test_a_foreign_form_cannot_log_in() -> None:
    async with client(gate(password=PASSWORD)) as http:
        headers = {"origin": "http://evil.example"}
        response = await http.post("/login", data={"password": PASSWORD}, headers=headers)
    assert_refused(response, 403, "foreign_origin")


async def test_the_login_form_can_be_posted_from_the_door_page() -> None:
    """Under ``no-referrer`` browsers post forms with ``Origin: null``, and the gate refuses that."""
    async with client(gate(password=PASSWORD)) as http:
        response = await http.get("/", headers=BROWSER)
    assert response.headers.get_list("referrer-policy") == ["same-origin"]


# --- how much -------------------------------------------------------------------------------------


async def pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 1024 * 1024


async def test_a_body_up_to_the_limit_arrives(writer: httpx.AsyncClient) -> None:
    declared = await writer.post("/savestory", content=b"x" * MAX_BODY_BYTES)
    assert declared.json() == MAX_BODY_BYTES
    chunked = await writer.post("/savestory", content=pieces(8))
    assert chunked.json() == MAX_BODY_BYTES


async def test_a_declared_body_over_the_limit_is_refused_unread(writer: httpx.AsyncClient) -> None:
    async def unread() -> AsyncIterator[bytes]:
        raise AssertionError("the body was asked for")
        yield b""

    headers = {"content-length": "8388609"}
    response = await writer.post("/savestory", headers=headers, content=unread())
    assert_refused(response, 413, "too_large")
    assert "8,388,609" in response.json()["message"]
    assert "8,388,608" in response.json()["message"]


async def test_an_undeclared_body_is_cut_at_the_limit(writer: httpx.AsyncClient) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 1024 * 1024

    response = await writer.post("/savestory", content=endless())
    assert_refused(response, 413, "too_large")
    assert taken == 9


async def test_a_strangers_body_is_not_read(stranger: httpx.AsyncClient) -> None:
    response = await stranger.post("/savestory", content=pieces(9))
    assert_refused(response, 401, "not_allowed")


# --- what goes out --------------------------------------------------------------------------------

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def assert_secured(response: httpx.Response) -> None:
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS
    [policy] = response.headers.get_list("content-security-policy")
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self' 'nonce-")
    assert "unsafe" not in policy
    for directive in ("base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"):
        assert directive in policy


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", BEARER, 200),
        ("GET", "/nowhere", BEARER, 404),
        ("PATCH", "/savestory", BEARER, 405),
        ("GET", "/broken", BEARER, 500),
        ("GET", "/", {}, 401),
        ("GET", "/", {"host": "evil.example"}, 403),
        ("POST", "/login", {}, 404),
        ("POST", "/savestory", {**BEARER, "content-length": "9999999"}, 413),
    ],
)
async def test_the_security_headers_are_on_every_answer(
    stranger: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    response = await stranger.request(method, path, headers=headers)
    assert response.status_code == status
    assert_secured(response)


async def test_the_page_gets_a_fresh_nonce_that_its_policy_names(writer: httpx.AsyncClient) -> None:
    nonces = set()
    for _ in range(3):
        response = await writer.get("/")
        nonce = response.text.split()[0]
        assert f"'nonce-{nonce}'" in response.headers["content-security-policy"]
        nonces.add(nonce)
    assert len(nonces) == 3


async def test_a_route_may_choose_how_long_it_is_kept(writer: httpx.AsyncClient) -> None:
    response = await writer.get("/kept")
    assert response.headers.get_list("cache-control") == ["max-age=60"]


# --- the WebSocket, and a real server -------------------------------------------------------------


@contextlib.asynccontextmanager
async def serving(**more: Any) -> AsyncIterator[int]:
    """The gate on a free port of a real uvicorn."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        config = uvicorn.Config(gate(port=port, **more), log_config=None, ws="websockets-sansio")
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        try:
            yield port
        finally:
            server.should_exit = True
            await task


async def test_a_socket_opens_with_the_cookie_or_the_token() -> None:
    async with serving() as port, httpx.AsyncClient() as http:
        page = await http.get(f"http://127.0.0.1:{port}/?token={TOKEN}")
        cookie = {"cookie": page.headers["set-cookie"].split(";")[0]}
        address, origin = f"ws://127.0.0.1:{port}/ws", {"origin": f"http://127.0.0.1:{port}"}
        async with connect(address, additional_headers=cookie | origin, proxy=None) as ws:
            await ws.send("Once")
            assert await ws.recv() == "Once"
        async with connect(address, additional_headers=BEARER, proxy=None) as ws:
            await ws.send("upon")
            assert await ws.recv() == "upon"


@pytest.mark.parametrize(
    ("name", "headers", "status"),
    [
        ("127.0.0.1", {}, 401),
        ("127.0.0.1", {"authorization": "Bearer wrong"}, 401),
        ("127.0.0.1", {**BEARER, "origin": "http://evil.example"}, 403),
        ("127.0.0.1", {**BEARER, "origin": "http://127.0.0.1:1"}, 403),
        ("127.0.0.1", {**BEARER, "origin": "null"}, 403),
        ("127.0.0.1", {**BEARER, "sec-fetch-site": "cross-site"}, 403),
        ("evil.example", BEARER, 403),
    ],
)
async def test_a_hijacked_socket_is_refused_before_it_opens(
    name: str, headers: dict[str, str], status: int
) -> None:
    async with serving() as port:
        with pytest.raises(InvalidStatus) as caught:
            await connect(
                f"ws://{name}:{port}/ws?token={TOKEN}",
                host="127.0.0.1",
                additional_headers=headers,
                proxy=None,
            )
    response = caught.value.response
    assert response.status_code == status
    assert b'"code"' in (response.body or b"")
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("known", [True, False])
async def test_the_gate_costs_a_socket_nothing_once_it_is_open(known: bool) -> None:
    """The app is handed the server's own functions; an old server is told to close, unaccepted."""
    seen: list[object] = []
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend((receive, send))

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1:8000")]
    if known:
        headers.append((b"authorization", f"Bearer {TOKEN}".encode()))
    scope = {"type": "websocket", "path": "/ws", "query_string": b"", "headers": headers}
    await gate(app)(scope, receive, send)
    assert seen == ([receive, send] if known else [])
    assert sent == ([] if known else [{"type": "websocket.close", "code": 1008}])


async def test_no_log_line_holds_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="uvicorn")
    async with serving() as port, httpx.AsyncClient() as http:
        for query in (f"token={TOKEN}&a=1", f"%74oken={TOKEN}", f"token={TOKEN}%20"):
            await http.get(f"http://127.0.0.1:{port}/?{query}")
        with contextlib.suppress(InvalidStatus):
            await connect(f"ws://127.0.0.1:{port}/ws?token={TOKEN}", proxy=None)
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("uvicorn")]
    assert any('"GET /?a=1 HTTP/1.1" 200' in line for line in lines)
    assert not [line for line in lines if TOKEN in line]


async def test_a_real_client_reads_why_its_body_was_refused() -> None:
    async with serving() as port, httpx.AsyncClient(headers=BEARER) as http:
        address = f"http://127.0.0.1:{port}/savestory"
        assert_refused(await http.post(address, content=b"x" * 9_000_000), 413, "too_large")
        assert_refused(await http.post(address, content=pieces(9)), 413, "too_large")
        assert (await http.post(address, content=pieces(1))).json() == 1024 * 1024
