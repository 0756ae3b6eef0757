"""Cut a network: a proxy between a server, and a client that comes back."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.stand_ins import PATIENCE_S
from tests.web.live import TOKEN, Live

READY = 8_000
"""Approximate size of a `ready` in bytes; most of it is the drawing of the graph."""


class Cutting:
    """Forwards connections to a port. Each is cut after a number of bytes of the server's; data on its way is
    lost."""

    def __init__(self, port: int, budgets: Iterator[int]) -> None:
        self._port, self._budgets = port, budgets
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.cuts = 0
        self._wire = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []  # those not cut yet; guarded by _wire
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(self, *exc: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def cut(self) -> None:
        """Cut all connections that are open now."""
        with self._wire:
            cut, self._pairs = self._pairs, []
            self.cuts += bool(cut)
        for pair in cut:
            end_of(pair)

    def _run(self, work: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                with self._wire:
                    self._pairs.append((client, server))
                self._run(self._forward, client, server, 1 << 60)
                self._run(self._forward, server, client, next(self._budgets))

    def _forward(self, source: socket.socket, target: socket.socket, budget: int) -> None:
        with contextlib.suppress(OSError):
            while budget > 0 and (data := source.recv(min(budget, 4096))):
                target.sendall(data)
                budget -= len(data)
        with self._wire:
            mine = [pair for pair in self._pairs if source in pair]
            self._pairs = [pair for pair in self._pairs if source not in pair]
            self.cuts += bool(mine) and budget <= 0
        for pair in mine:
            end_of(pair)


def end_of(pair: tuple[socket.socket, socket.socket]) -> None:
    for end in pair:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


def budgets(seed: int, cuts: int, opening: int = READY) -> Iterator[int]:
    """Yield the bytes until each of `cuts` cuts, then no more cuts. `opening`: bytes before a reply."""
    drawn = random.Random(seed)
    yield from (opening + drawn.randint(2_500, 12_000) for _ in range(cuts))
    while True:
        yield 1 << 60


class Returning:
    """A client that keeps messages that may not have arrived, and comes back after a loss."""

    def __init__(self, port: int, path: str = "/ws", **start: Any) -> None:
        self._url, self._start = f"ws://127.0.0.1:{port}{path}", start
        self.socket: ClientConnection
        self.about: dict[str, Any] = {}
        self.texts: list[dict[str, Any]] = []
        self.audio = b""
        self.received = 0
        self._said: list[str | bytes] = []
        self.returns = 0
        self._opened = contextlib.ExitStack()

    def connect(self) -> None:
        """Connect: begin a session, or go on with it."""
        again = bool(self.about)
        raw = "/raw" in self._url
        url = self._url + ("?resume" if raw and again else "")
        self.close()
        opened = connect(
            url,
            subprotocols=["vflow.1", f"token.{TOKEN}"],  # type: ignore[list-item]
            open_timeout=PATIENCE_S,
            close_timeout=0.1,
        )
        self.socket = self._opened.enter_context(opened)
        if again:
            fields = {"session": self.about["session"], "token": self.about["resume"]}
            self.socket.send(json.dumps({"type": "resume", **fields, "received": self.received}))
            self.returns += 1
        elif not raw:
            self.socket.send(json.dumps({"type": "start", **self._start}))
        self.about = json.loads(self.socket.recv(PATIENCE_S))
        assert self.about["type"] == "ready", self.about
        taken = self.about["received"]
        for message in self._said[taken:]:
            self.socket.send(message)

    def close(self) -> None:
        self._opened.close()

    def say(self, message: str | bytes) -> None:
        self._said.append(message)
        with contextlib.suppress(ConnectionClosed):
            self.socket.send(message)

    def read(self) -> dict[str, Any] | None:
        """Return the next message; None for audio. Come back as often as the connection is lost."""
        while True:
            try:
                data = self.socket.recv(PATIENCE_S)
                break
            except ConnectionClosed:
                while True:
                    with contextlib.suppress(ConnectionClosed, OSError, EOFError):
                        self.connect()
                        break
        self.received += 1
        if isinstance(data, bytes):
            self.audio += data[4:] if "/ws" in self._url else data
            return None
        message: dict[str, Any] = json.loads(data)
        self.texts.append(message)
        return message

    def wait_for(self, kind: str) -> dict[str, Any]:
        while True:
            message = self.read()
            if message is not None and message["type"] == kind:
                return message

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.texts if message["type"] == kind]


@contextmanager
def returning(live: Live, cuts: int = 0, seed: int = 1, path: str = "/ws", **start: Any) -> Iterator[Any]:
    """Yield a client of a server, and the network between them, which is cut `cuts` times."""
    with Cutting(live.port, budgets(seed, cuts, 0 if path == "/raw" else READY)) as network:
        client = Returning(network.port, path, **start)
        client.connect()
        try:
            yield client, network
        finally:
            client.close()
