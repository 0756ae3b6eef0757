"""The address of a server, as `vflow serve` prints it or as a WebSocket has it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from vflow.errors import VflowError
from vflow.web.doors import TOKEN_PREFIXES

SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
PATH = "ws"


@dataclass(frozen=True, slots=True)
class Address:
    """The URL of the WebSocket that speaks the page's protocol, and the token for it."""

    url: str
    token: str = ""

    @property
    def subprotocols(self) -> list[str]:
        return ["vflow.1", *([TOKEN_PREFIXES[0] + self.token] if self.token else [])]


def address_of(text: str, token: str = "") -> Address:
    """Read the address of a server: `ws://HOST:PORT/ws`, or its page's. `token` is used if the address has
    none. Raises: VflowError for anything else."""
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise VflowError(f"{text.partition('#')[0]!r} is not an address: {error}") from None
    if parts.scheme not in SCHEMES or not host or parts.username is not None:
        wanted = "ws://HOST:PORT/ws, or the address that 'vflow serve' prints"
        raise VflowError(f"{text.partition('#')[0]!r} is not the address of an agent; give {wanted}")
    name = f"[{host}]" if ":" in host else host
    path = parts.path or "/"
    path += PATH if path.endswith("/") else ""
    found = parts.fragment.removeprefix("token=") if parts.fragment.startswith("token=") else ""
    place = name if port is None else f"{name}:{port}"
    return Address(f"{SCHEMES[parts.scheme]}://{place}{path}", found or token)
