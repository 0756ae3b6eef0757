"""Talks to a hub: what a repository holds, and its files, in pieces that a broken download goes on from.

Plain HTTP of the standard library. huggingface_hub 2.4, against a local server, begins a file anew after a
kill, takes wrong bytes of the right size for the file, and lets Ctrl-C wait for its read timeout. Files on
Xet storage come over HTTP too: `hf_xet` writes into the same file that huggingface_hub removes.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit

import msgspec

from vflow.errors import Unavailable
from vflow.models import hub_cache

PAUSES_S: tuple[float, ...] = (0.0, 1.0, 4.0)
"""Waits before each new try of a download; a try that brought bytes begins the count anew."""

_BLOCK = 1 << 18
_LONGEST_LISTING = 64 << 20
"""Bytes; a repository of 10,000 files takes 3 MB."""


class Lfs(msgspec.Struct, frozen=True):
    """What a listing says of a large file."""

    sha256: str
    size: int


class Sibling(msgspec.Struct, frozen=True):
    """A file of a repository, as listed; `blobId` is git's SHA-1 of it, or of the pointer to it."""

    rfilename: str
    size: int | None = None
    blobId: str | None = None
    lfs: Lfs | None = None


class Listing(msgspec.Struct, frozen=True):
    """What a repository holds at a revision; `sha` is its commit."""

    sha: str
    siblings: list[Sibling]
    tags: list[str] = msgspec.field(default_factory=list)


class _Broken(Exception):
    """The connection failed, stalled or ended too early: another try may help."""


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub as one caller sees it. Blocks; `timeout_s` bounds each wait for the other side, not a file."""

    url: str
    token: str | None = field(repr=False)
    timeout_s: float

    @property
    def host(self) -> str:
        """Whom it talks to, as messages say it."""
        return urlsplit(self.url).hostname or self.url

    def listing(self, name: str, revision: str) -> Listing:
        """What a repository holds.

        Raises: Unavailable: no network, no such repository or revision, no access, or an answer of no hub.
        """
        where = f"{self.url}/api/models/{quote(name)}/revision/{quote(revision, safe='')}?blobs=true"
        try:
            with self._open(where, name, revision, {}) as answer, self._reading():
                body = answer.read(_LONGEST_LISTING)
            if answer.length:
                raise _Broken(f"{self.host} ended the connection before its answer")
            return msgspec.json.decode(body, type=Listing)
        except _Broken as error:
            raise Unavailable(f"{error}; check the network, and HF_ENDPOINT if it is set") from error
        except msgspec.DecodeError as error:
            mend = "check HF_ENDPOINT, and whether the network asks for a login"
            raise Unavailable(f"{self.host} does not answer as a hub does ({error}); {mend}") from None

    def fetch(
        self, name: str, commit: str, file: str, size: int, partial: Path, report: Callable[[int], None]
    ) -> None:
        """Bring `partial` to `size` bytes of a repository's file, from what it holds already.

        `report` takes the bytes that each piece added; negative where the server makes us begin anew.
        Raises: Unavailable as `listing`; OSError where the disk refuses. What came stays in `partial`.
        """
        where = f"{self.url}/{quote(name)}/resolve/{commit}/{quote(file)}"
        with open(partial, "ab", buffering=0) as out:  # unbuffered: a kill loses nothing that came
            if out.tell() > size:
                out.truncate(0)
                out.seek(0)
            tries = 0
            while (begun := out.tell()) < size:
                try:
                    self._append(where, name, commit, size, out, report)
                except _Broken as error:
                    tries = 1 if out.tell() > begun else tries + 1
                    if tries > len(PAUSES_S):
                        kept = f"{out.tell()} of {size} bytes of {file} are here and kept"
                        raise Unavailable(f"{error}; {kept}: check the network and pull again") from error
                    time.sleep(PAUSES_S[tries - 1])

    def _append(
        self, where: str, name: str, commit: str, size: int, out: IO[bytes], report: Callable[[int], None]
    ) -> None:
        """One try: append what comes until the file has its size. Raises: _Broken where it ends before."""
        start = out.tell()
        with self._open(where, name, commit, {"Range": f"bytes={start}-"} if start else {}) as answer:
            if start and answer.status != 206:
                out.truncate(0)
                out.seek(0)
                report(-start)
                start = 0
            length = answer.headers.get("Content-Length", "")
            if length.isdigit() and start + int(length) != size:
                found = f"{self.host} sends {start + int(length)} bytes for {urlsplit(where).path}"
                raise Unavailable(f"{found}, where its listing says {size}; pull again, or ask the hub")
            while out.tell() < size:
                with self._reading():
                    block = answer.read1(_BLOCK)
                if not block:
                    raise _Broken(f"{self.host} ended the connection before the file")
                report(out.write(block[: size - out.tell()]))

    def _open(self, where: str, name: str, revision: str, headers: dict[str, str]) -> Any:
        """A response of status 200 or 206. Raises: _Broken; Unavailable where another try would not help."""
        request = urllib.request.Request(where, headers={"User-Agent": "vflow", **headers})
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        with self._reading():
            try:
                return urllib.request.build_opener(_Redirects).open(request, timeout=self.timeout_s)
            except urllib.error.HTTPError as error:
                with error:
                    raise self._refusal(error, name, revision) from None

    @contextlib.contextmanager
    def _reading(self) -> Any:
        """Turns what the network raises into `_Broken`, or into what says how to mend it."""
        try:
            yield
        except TimeoutError:
            raise _Broken(f"{self.host} has sent nothing for {self.timeout_s:g} s") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, TimeoutError):
                raise _Broken(f"{self.host} has sent nothing for {self.timeout_s:g} s") from None
            if isinstance(reason, ssl.SSLCertVerificationError):
                mend = "set SSL_CERT_FILE to the certificates that this network needs"
                raise Unavailable(f"{self.host} is not trusted: {reason.verify_message}; {mend}") from None
            raise _Broken(f"cannot reach {self.host}: {reason}") from None

    def _refusal(self, error: urllib.error.HTTPError, name: str, revision: str) -> Exception:
        """What a status other than 2xx means. The hub hides private repositories from strangers as 401."""
        store = urlsplit(error.url)
        if store.netloc != urlsplit(self.url).netloc:  # its links expire; the hub gives a fresh one
            return _Broken(f"{store.hostname or self.host} answers {error.code} {error.reason}")
        code = error.headers.get("X-Error-Code", "")
        if error.code in (401, 403) and code != "RepoNotFound":
            accept = f"accept its licence at {self.url}/{name}"
            if self.token:
                mend = f"{accept}, or set HF_TOKEN to a token that may read it"
                return Unavailable(f"{self.host} refuses {name} to this HF_TOKEN ({error.code}); {mend}")
            mend = f"{accept}, and set HF_TOKEN to a token from {self.url}/settings/tokens"
            return Unavailable(f"{name} is gated ({error.code}); {mend}")
        if code == "RevisionNotFound":
            return Unavailable(f"{name} has no revision {revision!r}; it is a branch, tag or commit")
        if error.code in (401, 404):
            mend = "check its spelling" if self.token else "check its spelling; a private one needs HF_TOKEN"
            return Unavailable(f"{self.host} has no {name}; {mend}")
        if error.code == 429:
            wait = error.headers.get("Retry-After", "")
            when = f"in {wait} s" if wait.isdigit() else "later"
            mend = "" if self.token else ", or set HF_TOKEN: who is known may ask more often"
            return Unavailable(f"{self.host} is asked too often (429); pull again {when}{mend}")
        if error.code >= 500:
            return _Broken(f"{self.host} fails with {error.code} {error.reason}")
        return Unavailable(f"{self.host} answers {error.code} {error.reason} for {name}; check HF_ENDPOINT")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to the stores that a hub keeps its large files in, which must not see the token."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        made = super().redirect_request(req, fp, code, msg, headers, newurl)
        if made is not None and urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            made.remove_header("Authorization")
        return made


def from_environment() -> Hub:
    """The hub of $HF_ENDPOINT, with the token of $HF_TOKEN or of the file that a login left.

    Raises: Unavailable for an endpoint, token or timeout that cannot be, and under $HF_HUB_OFFLINE.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise Unavailable("HF_HUB_OFFLINE forbids the network; unset it to pull")
    url = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    if not _is_address(url):
        raise Unavailable("HF_ENDPOINT is no address of a hub; one reads https://HOST")
    token = os.environ.get("HF_TOKEN", "")
    if not token.strip():
        with contextlib.suppress(OSError, ValueError):
            token = Path(os.environ.get("HF_TOKEN_PATH") or hub_cache.home() / "token").read_text(
                encoding="utf-8"
            )
    token = token.strip()
    if not re.fullmatch(r"[!-~]*", token):  # http.client would print it
        raise Unavailable("HF_TOKEN holds characters that no token has; copy it again")
    wait = os.environ.get("HF_HUB_DOWNLOAD_TIMEOUT") or "10"
    if not re.fullmatch(r"\d*\.?\d+", wait) or float(wait) == 0:
        raise Unavailable(f"HF_HUB_DOWNLOAD_TIMEOUT is {wait!r}; it takes seconds, such as 10")
    return Hub(url, token or None, float(wait))


def _is_address(url: str) -> bool:
    """Whether a hub may be at an address: HTTP, a host that has a name, nobody's password."""
    if not re.fullmatch(r"https?://[^/@\s]+(/\S*)?", url):
        return False
    try:
        parts = urlsplit(url)
        return bool(parts.hostname and parts.hostname.encode("idna")) and parts.port != 0
    except ValueError:  # no port, no IPv6 address, or a name that nobody can have
        return False
