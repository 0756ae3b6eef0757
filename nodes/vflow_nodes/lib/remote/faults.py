"""Say in one sentence why a request failed, and what mends it."""

from __future__ import annotations

import email.utils
import json
import math
import os
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any, Literal

from vflow_nodes.lib.remote.endpoint import Endpoint

SHOWN = 200
"""Most characters of a server's own message that are repeated."""
_TRANSIENT = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529))
"""Statuses after which the same request may succeed. OpenAI uses 409 for a lock."""

Kind = Literal["", "unreached", "key", "redirect"]


class RemoteError(Exception):
    """A request that failed, and what mends it. Its text has no key.

    `retry`: the same request may succeed, after `wait_s` seconds if the server names them. `about`: the
    server's text about a request that it refuses, which names the parameter that it does not take. `kind` is
    set if no other request would succeed either.
    """

    def __init__(
        self, text: str, *, retry: bool = False, wait_s: float | None = None, about: str = "", kind: Kind = ""
    ) -> None:
        super().__init__(text)
        self.retry, self.wait_s, self.about, self.kind = retry, wait_s, about, kind


def of_status(
    endpoint: Endpoint, path: str, model: str, status: int, headers: Mapping[str, str], body: bytes
) -> RemoteError:
    """Return the error for an answer with an error status. Never raises."""
    said = endpoint.hide(message_in(body))
    quoted = f": {said}" if said else ""
    place = endpoint.place
    if 300 <= status < 400:
        return RemoteError(_redirect(endpoint, headers.get("location", "")), kind="redirect")
    if status in (401, 403):
        kind: Kind = "key" if status == 401 else ""  # 403 may concern this request only
        if not endpoint.key:
            return RemoteError(
                f"{place} asks for a key ({status}){quoted}; put it into an environment variable, and name "
                "that as 'key_env'",
                kind=kind,
            )
        return RemoteError(
            f"{place} refuses the key in {endpoint.key_env} ({status}){quoted}; put a valid one there",
            kind=kind,
        )
    if status in (404, 405):
        if model and (model in said or "model" in said.lower()):
            return RemoteError(
                f"{place} has no model {model!r} ({status}){quoted}; set 'model' to one that it has"
            )
        return RemoteError(f"{place} has nothing at {path} ({status}){quoted}; {address_mend(endpoint)}")
    if status == 429:
        if b"insufficient_quota" in body:
            return RemoteError(
                f"the account at {place} has no quota left (429){quoted}; see to its plan and payment"
            )
        wait_s = retry_after(headers)
        asks = f", and asks to wait {wait_s:.0f} s" if wait_s else ""
        return RemoteError(
            f"{place} gets more requests than it allows (429){asks}{quoted}; wait, or have the limit raised",
            retry=True, wait_s=wait_s,
        )  # fmt: skip
    if status >= 500 or status in _TRANSIENT:
        return RemoteError(
            f"{place} failed ({status}){quoted}; try again later, or look into its log",
            retry=status in _TRANSIENT, wait_s=retry_after(headers),
        )  # fmt: skip
    about = said if status in (400, 422) else ""
    return RemoteError(
        f"{place} refuses the request ({status}){quoted or '; look into its log'}", about=about
    )


def address_mend(endpoint: Endpoint) -> str:
    """Return how to mend an address at which there is no such endpoint."""
    if endpoint.url.endswith("/v1"):
        return f"'base_url' is {endpoint.url}; see to its host and port"
    return f"'base_url' is {endpoint.url}, and usually ends with /v1"


def _redirect(endpoint: Endpoint, location: str) -> str:
    """Return a message about a redirect. None is followed: speech and key would go where nobody sent them."""
    to = endpoint.hide(location.partition("?")[0])[:SHOWN]
    return (
        f"{endpoint.place} sends the request on to {to or 'nowhere'}, where nothing is sent unasked; "
        "set 'base_url' to that server if you trust it"
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait, which it gives as seconds or a date; None if it gives
    neither."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
        return None if math.isnan(seconds) else max(0.0, seconds)
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def message_in(body: bytes) -> str:
    """Return a server's error message in one line: the one in its JSON, or its text unless that is a page."""
    text = body.decode("utf-8", "replace").strip()
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return "" if text.startswith("<") else _line(text)
    return message_of(found)


def message_of(found: Any) -> str:
    """Return the error message in JSON; '' if there is none."""
    for name in ("error", "message", "detail", "msg"):
        while isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, dict) and found.get(name):
            found = found[name]
    return _line(found) if isinstance(found, str) else ""


def _line(text: str) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}..."


def of_certificate(error: BaseException | None) -> bool:
    """Tell whether a connection failed because of its certificate."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


def reason(error: BaseException) -> str:
    """Return the innermost error's own words, such as `Connection refused`."""
    inner: BaseException = error
    while (cause := inner.__cause__ or inner.__context__) is not None:
        inner = cause
    if isinstance(inner, ssl.SSLCertVerificationError):
        return inner.verify_message
    if isinstance(inner, socket.gaierror):
        return inner.strerror or "its name is not known"
    if isinstance(inner, OSError) and inner.errno:
        return os.strerror(inner.errno)  # asyncio's text repeats the address
    return " ".join(str(inner).split()) or type(inner).__name__
