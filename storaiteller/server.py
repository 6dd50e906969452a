"""Serving the app: a free port, the address to open, and an orderly end."""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import sys
import threading
import webbrowser

import uvicorn
from fastapi import FastAPI

from storaiteller.api.security import new_token
from storaiteller.api.socket import MAX_MESSAGE_BYTES
from storaiteller.app import create_app
from storaiteller.config import Config
from storaiteller.errors import ConfigError

PORTS_TO_TRY = 20


def serve(config: Config) -> None:
    """Serve until interrupted. Prints one line with the address to open, once it can be opened.

    Raises ``ConfigError`` when no port is free.
    """
    listener = listen(config.host, config.port)
    port = listener.getsockname()[1]
    if config.port not in (0, port):
        print(f"Port {config.port} is taken; using {port}.", file=sys.stderr)  # noqa: T201
    config = config.model_copy(update={"port": port})
    token = config.token.get_secret_value() if config.token else new_token()
    address = f"http://{_named(config.host)}:{port}/"
    if not config.password:
        address += f"?token={token}"
    app = create_app(config, token=token)
    server = _Server(uvicorn_config(app), address, open_browser=config.browser)
    # uvicorn ends in good order, and then raises the signal once more.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def _is_news(record: logging.LogRecord) -> bool:
    """Uvicorn calls every WebSocket that the gate refuses an error of the app; it is none."""
    return "without completing handshake" not in record.getMessage()


def uvicorn_config(app: FastAPI) -> uvicorn.Config:
    """How the app is served: here, in the tests and in the measurements."""
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # costs time, and saves nothing on the way to oneself
        timeout_graceful_shutdown=3,
    )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, address: str, *, open_browser: bool) -> None:
        super().__init__(config)
        self._address = address
        self._open_browser = open_browser

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"StorAIteller is ready. Open {self._address}", flush=True)  # noqa: T201
            if self._open_browser:
                threading.Thread(target=_open_browser, args=[self._address], daemon=True).start()


def listen(host: str, port: int) -> socket.socket:
    """A socket on the first free port from ``port`` on (0: any); ``ConfigError`` if none is free.

    The protocol is spelled out: asyncio switches off Nagle's algorithm, which would hold a story's
    pieces back for 40 ms, only for sockets that say they are TCP.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for attempt in range(port, min(port + PORTS_TO_TRY, 65_536)) if port else (0,):
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, attempt))
            listener.listen(128)
        except OSError as error:
            listener.close()
            reason = error
            continue
        return listener
    raise ConfigError(f"No port from {port} on is free at {host}: {reason.strerror}.", field="port")


def _named(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _open_browser(address: str) -> None:
    """Open a real browser, if there is one; never one that would take over the terminal."""
    with contextlib.suppress(webbrowser.Error):
        browser = webbrowser.get()
        if type(browser) is not webbrowser.GenericBrowser:
            browser.open(address)
