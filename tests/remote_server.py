"""Serve an OpenAI-compatible server on this machine, with the faults that a real one may have.

Each request gets the next of `answers`; after the last one, that one again. An answer writes to the socket
itself, so that it can be cut, dripped or malformed at any byte.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Exchange"], None]


@dataclass(slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Exchange(BaseHTTPRequestHandler):
    """One connection; `server` is a `Remote`'s."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._take()

    def do_POST(self) -> None:
        self._take()

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        asked = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        remote = self.server.remote
        try:
            if self.path.endswith("/models"):
                remote.models(self)
                return
            remote.asked.append(asked)
            remote.came.set()
            answer = remote.answers.pop(0) if len(remote.answers) > 1 else remote.answers[0]
            answer(self)
        except (BrokenPipeError, ConnectionResetError):
            remote.left.set()
            self.close_connection = True

    def begin(self, status: int = 200, kind: str = "text/event-stream", **headers: str) -> None:
        """Send the head of an answer; closing the connection ends the answer."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.close_connection = True

    def write(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def wait(self) -> None:
        """Send nothing more until the caller leaves, or the server ends."""
        self.connection.settimeout(0.05)
        while not self.server.remote.over.is_set():
            try:
                if not self.connection.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self.server.remote.left.set()
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    remote: Remote


@dataclass(slots=True)
class Remote:
    """The server, with the requests it got and the answers it gives. `left` is set when a caller closed
    early."""

    url: str
    answers: list[Answer]
    models: Answer
    asked: list[Asked] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def place(self) -> str:
        return self.url.removeprefix("http://").removesuffix("/v1")


def chunk(text: str = "", reason: str | None = None, **delta: Any) -> bytes:
    """Return one event of a streamed reply."""
    choice = {"index": 0, "delta": {"content": text, **delta}, "finish_reason": reason}
    return event({"object": "chat.completion.chunk", "choices": [choice]})


def event(found: Any) -> bytes:
    return b"data: " + json.dumps(found).encode() + b"\n\n"


USAGE = event({"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 7}})
DONE = b"data: [DONE]\n\n"


def stream(*parts: bytes | str, kind: str = "text/event-stream", end: bytes = DONE) -> Answer:
    """Return a streamed reply: events as they are, texts as events; then its end."""

    def answer(exchange: Exchange) -> None:
        exchange.begin(kind=kind)
        for part in parts:
            exchange.write(chunk(part) if isinstance(part, str) else part)
        exchange.write(end)

    return answer


def reply(*texts: str, reason: str = "stop") -> Answer:
    """Return a whole reply, with its usage."""
    return stream(*texts, chunk(reason=reason), USAGE)


def waits(*parts: bytes | str) -> Answer:
    """Return an answer that sends the beginning of a reply, and then nothing."""

    def answer(exchange: Exchange) -> None:
        exchange.begin()
        for part in parts:
            exchange.write(chunk(part) if isinstance(part, str) else part)
        exchange.wait()

    return answer


def silent(exchange: Exchange) -> None:
    """Answer nothing at all."""
    exchange.wait()


def hangs_up(exchange: Exchange) -> None:
    """Close the connection without an answer."""
    exchange.close_connection = True


def sends(status: int, found: Any, **headers: str) -> Answer:
    """Return an answer that is not streamed: bytes as they are, anything else as JSON."""

    def answer(exchange: Exchange) -> None:
        kind = "application/octet-stream" if isinstance(found, bytes) else "application/json"
        exchange.begin(status, headers.pop("kind", kind), **headers)
        exchange.write(found if isinstance(found, bytes) else json.dumps(found).encode())

    return answer


def error(status: int, message: str, **headers: str) -> Answer:
    return sends(status, {"error": {"message": message, "code": None}}, **headers)


NO_LIST = sends(404, {})


@contextmanager
def serve(*answers: Answer, models: Answer = NO_LIST, tls: Any = None) -> Iterator[Remote]:
    """Run a server until the block ends. `tls` is an ssl.SSLContext if it is to have a certificate."""
    server = _Server(("127.0.0.1", 0), Exchange)
    scheme = "http"
    if tls is not None:
        server.socket, scheme = tls.wrap_socket(server.socket, server_side=True), "https"
    remote = Remote(f"{scheme}://127.0.0.1:{server.server_address[1]}/v1", list(answers), models)
    server.remote = remote
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield remote
    finally:
        remote.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
