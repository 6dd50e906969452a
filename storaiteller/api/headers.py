"""What every response carries, so that no other site can look in, and no text can become code."""

from __future__ import annotations

import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

_ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_STARTS = ("http.response.start", "websocket.http.response.start")


def new_nonce() -> str:
    """Good for one response. CodeMirror puts it on the style sheets it writes itself."""
    return secrets.token_urlsafe(16)


def content_security_policy(nonce: str) -> str:
    """Nothing inline but style sheets that know ``nonce``; nothing from, or to, anywhere else."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "font-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def secured(send: Send, nonce: str, cookie: str | None = None) -> Send:
    """Wrap ``send``: the security headers, unless a response has its own, and perhaps a cookie."""

    async def send_secured(message: Message) -> None:
        if message["type"] in _STARTS:
            headers = MutableHeaders(raw=list(message.get("headers", ())))
            for name, value in _ALWAYS.items():
                headers.setdefault(name, value)
            headers.setdefault("content-security-policy", content_security_policy(nonce))
            if cookie:
                headers.append("set-cookie", cookie)
            message = {**message, "headers": headers.raw}
        await send(message)

    return send_secured
