"""Admit or refuse a request by its token, Host and Origin; add security headers to each response.

The decisions are functions of headers; `DoorKeeper` is the ASGI middleware that applies them.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

LOOPBACK = ("localhost", "127.0.0.1", "::1")
TOKEN_PREFIXES = ("token.", "openai-insecure-api-key.")
"""Prefixes of the subprotocol in which a browser shows the token."""
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "font-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"microphone=(self), camera=(), geolocation=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
BY_KEY = "/v1/realtime"
"""End of the path to which pages of other origins may connect: the token alone admits them."""
UNKNOWN = "the request's Host is not a name of this server; 'vflow serve --allow-host NAME' adds one"

NO_TOKEN = "the token is missing or wrong; show it as 'Authorization: Bearer TOKEN'"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP status, and the reason in words."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Doors:
    """The conditions that a request must meet. `hosts` are the server's names besides localhost. `addresses`
    admits every numeric Host: DNS rebinding cannot fake one. Set `any_scheme` if a proxy in front speaks
    TLS."""

    token: str
    hosts: tuple[str, ...] = ()
    addresses: bool = False
    any_scheme: bool = False
    unknown: str = UNKNOWN
    """Text of the response to a request for another Host."""

    def refusal(self, headers: Headers, scheme: str, by_key: bool = False) -> Refusal | None:
        """Return why a request is refused for its Host or Origin; None if it is not. `scheme` is the
        request's: http, https, ws or wss. With `by_key` a page of any origin is let in, if there is a token
        for it to show."""
        hosts = values(headers, b"host")
        if len(hosts) != 1:
            return Refusal(400, "the request needs exactly one Host header")
        name = host_of(f"//{hosts[0]}")
        if name is None or not self._knows(name):
            return Refusal(421, self.unknown)
        origins = values(headers, b"origin")
        if not origins:
            return None  # no browser, or a page's own request
        if by_key and self.token and len(origins) == 1:
            return None
        if len(origins) > 1 or not self._is_own(origins[0], hosts[0], scheme):
            return Refusal(403, "requests from pages of another origin are refused")
        return None

    def _is_own(self, origin: str, host: str, scheme: str) -> bool:
        """Return whether a page of `origin` comes from this server."""
        secure = "https" if scheme in ("https", "wss") else "http"
        wanted, _, place = origin.partition("://")
        if wanted not in (("http", "https") if self.any_scheme else (secure,)):
            return False
        if place.lower() == host.lower():
            return True
        name = host_of(origin)  # a proxy may have put its own Host in place of the page's
        return self.any_scheme and name is not None and name in map(str.lower, self.hosts)

    def _knows(self, name: str) -> bool:
        return name in LOOPBACK or name in map(str.lower, self.hosts) or (self.addresses and is_address(name))

    def admits(self, headers: Headers, subprotocols: Iterable[str]) -> bool:
        """Return whether a request shows the token. The comparison takes constant time."""
        if not self.token:
            return True
        shown = [value[len("bearer ") :] for value in values(headers, b"authorization") if is_bearer(value)]
        for prefix in TOKEN_PREFIXES:
            shown += [name[len(prefix) :] for name in subprotocols if name.startswith(prefix)]
        return len(shown) == 1 and same(shown[0], self.token)

    def locked(self, headers: Headers, subprotocols: Sequence[str]) -> Refusal | None:
        """Why a WebSocket does not open for who shows no token, or a wrong one; None where it opens.

        A page can read no HTTP status of a WebSocket, so that of a client with a browser's means, an Origin
        or a token among the subprotocols, opens, and is closed in words.
        """
        if values(headers, b"origin") or any(name.startswith(TOKEN_PREFIXES) for name in subprotocols):
            return None
        return None if self.admits(headers, subprotocols) else Refusal(401, NO_TOKEN)


def new_token() -> str:
    """Return 256 random bits as text that is safe in a URL."""
    return secrets.token_urlsafe(32)


def same(shown: str, token: str) -> bool:
    """Compare two tokens in a time that does not depend on where they differ."""
    return hmac.compare_digest(shown.encode("utf-8", "replace"), token.encode("utf-8", "replace"))


def is_bearer(value: str) -> bool:
    return value[: len("bearer ")].lower() == "bearer "


def values(headers: Headers, name: bytes) -> list[str]:
    """Return all values of a header; `name` is in small letters."""
    return [value.decode("latin-1").strip() for key, value in headers if key.lower() == name]


def host_of(address: str) -> str | None:
    """Return the host name of an address, in small letters. None if it has none, or has anything besides a
    scheme, name and port."""
    try:
        parts = urlsplit(address)
        if parts.username is not None or parts.path or parts.query or parts.fragment or parts.port == 0:
            return None
        return parts.hostname
    except ValueError:
        return None


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class DoorKeeper:
    """Middleware: refuse requests by Host and Origin, and add SECURITY_HEADERS to each response."""

    def __init__(self, app: App, doors: Doors, count: Callable[[str], None] = lambda code: None) -> None:
        self._app, self._doors, self._count = app, doors, count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        by_key = scope["type"] == "websocket" and scope["path"].endswith(BY_KEY)
        refusal = self._doors.refusal(scope["headers"], scope["scheme"], by_key)
        if refusal is None and scope["type"] == "websocket":
            refusal = self._doors.locked(scope["headers"], scope["subprotocols"])
        if refusal is None:
            await self._app(scope, receive, _with_headers(send))
            return
        self._count({401: "token", 403: "origin"}.get(refusal.status, "host"))
        await _refuse(scope, receive, send, refusal)


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            message["headers"] = [*message.get("headers", ()), *SECURITY_HEADERS]
        await send(message)

    return sending


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    kind = "http.response"
    if scope["type"] == "websocket":
        await receive()
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
            return
        kind = "websocket.http.response"
    body = f"{refusal.text}\n".encode()
    headers = [
        *([(b"www-authenticate", b"Bearer")] if refusal.status == 401 else []),
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        *SECURITY_HEADERS,
    ]
    await send({"type": f"{kind}.start", "status": refusal.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
