"""Watch a run: its server, and clients of that."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.stand_ins import PATIENCE_S
from vflow.live.feed import Feed
from vflow.live.watch_server import WatchServer

TOKEN = "a-token-of-a-test"


class Watcher:
    """One client."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def say(self, kind: str, **fields: Any) -> None:
        self.socket.send(json.dumps({"type": kind, **fields}))

    def until(self, kind: str) -> dict[str, Any]:
        """Read until a message of a kind comes."""
        while True:
            message: dict[str, Any] = json.loads(self.socket.recv(PATIENCE_S))
            if message["type"] == kind:
                return message

    def closed(self) -> int:
        """Read until the server closes; return the close code."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.socket.recv(PATIENCE_S)
        return self.socket.close_code or 0


@contextlib.contextmanager
def server(feed: Feed) -> Iterator[WatchServer]:
    with WatchServer(feed, token=TOKEN) as served:
        yield served


@contextlib.contextmanager
def client(served: WatchServer, token: str = TOKEN, **options: Any) -> Iterator[Watcher]:
    port = served.url.partition("/#")[0].rpartition(":")[2]
    protocols = ["vflow.1", f"token.{token}"]
    with connect(f"ws://127.0.0.1:{port}/ws", subprotocols=protocols, **options) as socket:  # type: ignore[arg-type]
        yield Watcher(socket)
