"""What went wrong with a request, in a sentence with its mend."""

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
"""Characters of a server's own message that are repeated."""
_TRANSIENT = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529))
"""Statuses after which the same request may succeed. 409 is OpenAI's for a lock."""

Kind = Literal["", "unreached", "key", "redirect"]


class RemoteError(Exception):
    """A request that failed: what, and what mends it. No key is in its text.

    `retry`: the same request may succeed, in `wait_s` seconds where the server names them. `about` is what
    the server says of a request that it refuses: it names the parameter that it does not take. `kind` is set
    where no other request would fare better.
    """

    def __init__(
        self, text: str, *, retry: bool = False, wait_s: float | None = None, about: str = "", kind: Kind = ""
    ) -> None:
        super().__init__(text)
        self.retry, self.wait_s, self.about, self.kind = retry, wait_s, about, kind


def of_status(
    endpoint: Endpoint, path: str, model: str, status: int, headers: Mapping[str, str], body: bytes
) -> RemoteError:
    """The error of an answer that is none. Never raises."""
    said = endpoint.hide(message_in(body))
    quoted = f": {said}" if said else ""
    place = endpoint.place
    if 300 <= status < 400:
        return RemoteError(_redirect(endpoint, headers.get("location", "")), kind="redirect")
    if status in (401, 403):
        kind: Kind = "key" if status == 401 else ""  # 403 may be of this request alone
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
    """How to mend an address at which there is something else."""
    if endpoint.url.endswith("/v1"):
        return f"'base_url' is {endpoint.url}; see to its host and port"
    return f"'base_url' is {endpoint.url}, and usually ends with /v1"


def _redirect(endpoint: Endpoint, location: str) -> str:
    """No redirect is followed: what was said, and the key, would go where nobody sent them."""
    to = endpoint.hide(location.partition("?")[0])[:SHOWN]
    return (
        f"{endpoint.place} sends the request on to {to or 'nowhere'}, where nothing is sent unasked; "
        "set 'base_url' to that server if you trust it"
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a server asks to wait: it writes them, or a date; None where it does not say."""
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
    """Return in one line what a server says went wrong: the message of its JSON, or its text if no page."""
    text = body.decode("utf-8", "replace").strip()
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return "" if text.startswith("<") else _line(text)
    return message_of(found)


def message_of(found: Any) -> str:
    """The message in JSON that tells of an error; '' where there is none."""
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
    """Whether a connection failed for its certificate."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


def reason(error: BaseException) -> str:
    """The innermost error's own words: `Connection refused`."""
    inner: BaseException = error
    while (cause := inner.__cause__ or inner.__context__) is not None:
        inner = cause
    if isinstance(inner, ssl.SSLCertVerificationError):
        return inner.verify_message
    if isinstance(inner, socket.gaierror):
        return inner.strerror or "its name is not known"
    if isinstance(inner, OSError) and inner.errno:
        return os.strerror(inner.errno)  # asyncio's own text has the address once more
    return " ".join(str(inner).split()) or type(inner).__name__
