"""Serve a model hub on this machine: the requests of huggingface_hub for a pull, and faults.

Repositories are folders, `ROOT/OWNER/NAME/FILE`. Answers follow the real one: metadata with git SHA-1 for
small files and SHA-256 for large ones, and downloads that redirect to another origin, where the caller's
token must not arrive.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

LARGE = 100_000
"""Bytes from which on a file is stored as LFS: named by SHA-256, and served by another origin."""
TOKEN = "hf_open-sesame"


@dataclass(frozen=True, slots=True)
class Status:
    """Fault: answer with this status."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Cut:
    """Fault: send this many bytes of the file, and close the connection."""

    after: int


@dataclass(frozen=True, slots=True)
class Stall:
    """Fault: send this many bytes, and then nothing until the server ends."""

    after: int


@dataclass(frozen=True, slots=True)
class Wrong:
    """Fault: send as many bytes, but wrong ones."""


Fault = Status | Cut | Stall | Wrong


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that arrived; `origin` tells the hub (127.0.0.1) from its store (localhost)."""

    method: str
    path: str
    origin: str
    range: str | None
    authorization: str | None
    agent: str


@dataclass
class Hub:
    """A running server. `faults[NAME]`: the faults of the next requests for that file's bytes, in order; the
    name `"info"` stands for a repository's listing, `"tree"` for the listing with checksums, `"HEAD"` for the
    request before a file. `gated`: repositories whose files need TOKEN. `tags`: of every repository."""

    root: Path
    url: str = ""
    faults: defaultdict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    gated: set[str] = field(default_factory=set)
    tags: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    """Headers that replace a file's own in the answer to HEAD."""
    seen: list[Seen] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)
    """Set once a stall has begun."""
    closing: threading.Event = field(default_factory=threading.Event)

    def put(self, repository: str, files: Mapping[str, bytes]) -> None:
        """Write a repository's files."""
        for name, data in files.items():
            target = self.root / repository / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)

    def commit(self, repository: str) -> str:
        """Return the revision of its files: 40 hexadecimal digits."""
        digest = hashlib.sha1()
        for path, data in self.files(repository).items():
            digest.update(path.encode() + data)
        return digest.hexdigest()

    def files(self, repository: str) -> dict[str, bytes]:
        """Return its files by path."""
        folder = self.root / repository
        found = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}

    def downloads(self, name: str) -> list[Seen]:
        """Return the requests for bytes of a file: those to the store, and those that the hub answered."""
        return [seen for seen in self.seen if seen.method == "GET" and seen.path.endswith(f"/{name}")]


def etag(data: bytes) -> str:
    """Return the hub's name for a file's content: SHA-256 if it is large, git's SHA-1 if it is small."""
    if len(data) >= LARGE:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def entry(path: str, data: bytes) -> dict[str, object]:
    """Return a file's entry in the listing of its repository."""
    about: dict[str, object] = {"rfilename": path, "size": len(data), "blobId": etag(data)}
    if len(data) >= LARGE:
        about["blobId"] = hashlib.sha1(data).hexdigest()  # the real one has the pointer's
        about["lfs"] = {"sha256": etag(data), "size": len(data), "pointerSize": 134}
    return about


def leaf(path: str, data: bytes) -> dict[str, object]:
    """Return a file's entry in the tree of its repository."""
    about: dict[str, object] = {"type": "file", "path": path, "size": len(data), "oid": etag(data)}
    if len(data) >= LARGE:
        about["lfs"] = {"oid": etag(data), "size": len(data), "pointerSize": 134}
    return about


@contextmanager
def serve(root: Path) -> Iterator[Hub]:
    """Serve the repositories below `root` until the block ends."""
    hub = Hub(root)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Requests,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def point_at(hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process, and those that it starts, use only this hub, with a cache of its own."""
    for variable in os.environ:
        if variable.startswith("HF_") or variable.lower().endswith("_proxy"):
            monkeypatch.delenv(variable)
    monkeypatch.delenv("HUGGINGFACE_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(home))
    monkeypatch.setenv("HF_ENDPOINT", hub.url)


class _Requests(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def _serve(self) -> None:
        path = unquote(urlsplit(self.path).path)
        origin = (self.headers["Host"] or "").partition(":")[0]
        token = self.headers["Authorization"]
        agent = self.headers["User-Agent"] or ""
        self.hub.seen.append(Seen(self.command, path, origin, self.headers["Range"], token, agent))
        match path.strip("/").split("/"):
            case ["api", "models", owner, name, *rest]:
                self._info(f"{owner}/{name}", "/".join(rest))
            case [owner, name, "resolve", _, *rest]:
                self._resolve(f"{owner}/{name}", "/".join(rest))
            case ["store", owner, name, *rest]:
                self._file(f"{owner}/{name}", "/".join(rest))
            case _:
                self._answer(404)

    def _info(self, repository: str, rest: str) -> None:
        if self._failed("tree" if rest.startswith("tree/") else "info"):
            return
        files, commit = self.hub.files(repository), self.hub.commit(repository)
        if not files:
            # the real one hides from a stranger whether a repository exists
            self._answer(404 if self.headers["Authorization"] else 401, {"X-Error-Code": "RepoNotFound"})
        elif rest.startswith("tree/"):
            tree = [leaf(path, data) for path, data in files.items()]
            self._answer(200, body=json.dumps(tree).encode())
        elif rest.removeprefix("revision/") not in ("", "main", "v1", commit):
            self._answer(404, {"X-Error-Code": "RevisionNotFound"})
        else:
            siblings = [entry(path, data) for path, data in files.items()]
            about = {"id": repository, "modelId": repository, "sha": commit, "siblings": siblings}
            about["tags"] = list(self.hub.tags)
            self._answer(200, body=json.dumps(about).encode())

    def _resolve(self, repository: str, path: str) -> None:
        if self.command == "HEAD" and self._failed("HEAD"):
            return
        if repository in self.hub.gated and self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(403 if self.headers["Authorization"] else 401, {"X-Error-Code": "GatedRepo"})
            return
        data = self.hub.files(repository).get(path)
        if data is None:
            self._answer(404, {"X-Error-Code": "EntryNotFound"})
            return
        headers = {"X-Repo-Commit": self.hub.commit(repository), "ETag": f'"{etag(data)}"'}
        if self.command == "HEAD":
            headers |= self.hub.metadata
        if len(data) < LARGE:
            self._file(repository, path, headers)
            return
        store = self.hub.url.replace("127.0.0.1", "localhost")
        headers = {"X-Linked-Etag": f'"{etag(data)}"', "X-Linked-Size": str(len(data)), **headers}
        self._answer(302, {**headers, "Location": f"{store}/store/{repository}/{path}"})

    def _file(self, repository: str, path: str, headers: Mapping[str, str] | None = None) -> None:
        fault = None
        if self.command == "GET" and (waiting := self.hub.faults[path]):
            fault = waiting.popleft()
        if isinstance(fault, Status):
            self._answer(fault.code, fault.headers, fault.body)
            return
        data = self.hub.files(repository)[path]
        about = dict(headers or {})
        begun = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
        if begun:
            start = int(begun[1])
            about["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            data = data[start:]
            self._answer(206, about, data, fault)
        else:
            self._answer(200, about, data, fault)

    def _failed(self, name: str) -> bool:
        if not (waiting := self.hub.faults[name]):
            return False
        match waiting.popleft():
            case Status(code, headers, body):
                self._answer(code, headers, body)
            case fault:
                self._answer(200, body=b"{" * 2000, fault=fault)
        return True

    def _answer(
        self,
        code: int,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        fault: Fault | None = None,
    ) -> None:
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        match fault:
            case Cut(after):
                self._send(body[:after])
                self.close_connection = True
            case Stall(after):
                self._send(body[:after])
                self.hub.stalled.set()
                self.hub.closing.wait()
                self.close_connection = True
            case Wrong():
                self._send(bytes(byte ^ 1 for byte in body))
            case _:
                self._send(body)

    def _send(self, body: bytes) -> None:
        try:
            self.wfile.write(body)
        except OSError:  # the other side has left: killed, or tired of waiting
            self.close_connection = True
