"""Which names this server answers to, and which pages may talk to it. Pure checks on a request."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

import psutil
from starlette.types import Scope

from storaiteller.errors import ForeignOriginError

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FOREIGN_PAGES = frozenset({"cross-site", "same-site"})


def allowed_hosts(host: str, port: int, extra: Iterable[str] = ()) -> frozenset[str]:
    """Every ``Host`` that a server bound to ``host`` answers to, as ``name:port`` in lower case.

    Bound to all interfaces it answers to each of the machine's addresses, but to none of its names:
    those come in ``extra``, each exactly as a browser sends it (with the port, unless it is 80 or,
    behind a proxy, 443).
    """
    names = {host, "127.0.0.1", "localhost", "::1"}
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        addresses = [one for card in psutil.net_if_addrs().values() for one in card]
        names = {one.address for one in addresses if _is_address(one.address)} | names - {host}
    ours = {_authority(name, port) for name in names}
    named = {one.strip() for one in extra} - {""}
    return frozenset(one.lower() for one in ours | named)


def values(scope: Scope, name: bytes) -> list[str]:
    """Every value of one header, the name in lower case."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def check_site(scope: Scope, hosts: frozenset[str]) -> None:
    """Raise ``ForeignOriginError`` unless this came to a host of ours, and from no other site's page.

    The ports of one host share their cookies and count as one site, so only an exact ``Origin``
    keeps out the page of another program on this machine.
    """
    host = values(scope, b"host")
    if len(host) != 1 or host[0].lower() not in hosts:
        raise ForeignOriginError(
            "StorAIteller does not go by this name. Open the address that it printed when it started."
        )
    origin = values(scope, b"origin")
    if len(origin) > 1 or not all(_is_ours(one, hosts) for one in origin):
        raise ForeignOriginError("This came from the page of another site, so it was not done.")
    if _can_change_things(scope) and _FOREIGN_PAGES & set(values(scope, b"sec-fetch-site")):
        raise ForeignOriginError("This came from the page of another site, so it was not done.")


def _can_change_things(scope: Scope) -> bool:
    return scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS


def _is_ours(origin: str, hosts: frozenset[str]) -> bool:
    scheme, _, authority = origin.partition("://")
    return scheme in ("http", "https") and authority.lower() in hosts


def _authority(name: str, port: int) -> str:
    bare = name.strip("[]")
    host = f"[{bare}]" if ":" in bare else bare
    return host if port == 80 else f"{host}:{port}"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:  # a hardware address
        return False
    return "%" not in text  # a link-local one: no browser opens those
