"""Run a server on loopback as `vflow serve` does, and clients that talk with it."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State
from websockets.sync.client import ClientConnection, connect
from websockets.uri import parse_uri

from tests import scripted_agent
from tests.stand_ins import PATIENCE_S
from vflow.node import Node
from vflow.session.preloaded import Preloaded, load_for_sessions
from vflow.web.application import build
from vflow.web.doors import Doors
from vflow.web.limits import Limits
from vflow.web.roster import Roster
from vflow.web.server import Place, Server, bind, configure, run
from vflow.web.supply import Supply, serving_options

TOKEN = "a-token-of-a-test"
QUIET = Limits(sessions=4)


class Live:
    """A server in a thread; `notes` are the lines that its operator sees."""

    def __init__(
        self,
        agent: Preloaded,
        limits: Limits = QUIET,
        token: str = TOKEN,
        certificate: Path | None = None,
        tidy: Callable[[], None] | None = None,
    ) -> None:
        """With `certificate`, a file with certificate and private key, the server speaks TLS."""
        self.notes: list[str] = []
        supply = Supply(agent)
        self.app = build(supply, Doors(token), limits, self.notes.append)
        self.roster: Roster = self.app.state.roster
        pem = None if certificate is None else str(certificate)
        place = Place("127.0.0.1", 0, pem, pem)
        self._bound = bind(place)
        self.port: int = self._bound.getsockname()[1]
        self._up = threading.Event()
        config = configure(self.app, place, limits.largest_bytes)
        self.server = Server(config, self.roster, self._up.set, tidy)
        self._thread = threading.Thread(target=run, args=(self.server, self._bound), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(PATIENCE_S)
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        self._thread.join(PATIENCE_S)
        self._bound.close()
        assert not self._thread.is_alive()

    def stop(self) -> None:
        """Stop the server as SIGTERM does."""
        self.server.handle_exit(15, None)

    def until(self, wanted: Any) -> None:
        """Wait until `wanted` returns true, by an act of the server's thread."""
        deadline = time.monotonic() + PATIENCE_S
        while not wanted():
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def loop_timers(self) -> list[str]:
        """Return the timers that are set in the server's loop."""
        (connection, *_) = self.server.server_state.connections
        timers = list(connection.loop._scheduled)  # type: ignore[attr-defined]
        return [repr(timer) for timer in timers if not timer.cancelled()]

    @property
    def closed(self) -> dict[str, int]:
        """Return the counts of connections that have ended."""
        return dict(self.roster.closed)

    @contextlib.contextmanager
    def client(self, path: str = "/ws", token: str | None = TOKEN, **options: Any) -> Iterator[Client]:
        protocols = [] if path.startswith("/raw") else ["vflow.1"]
        if token is not None:
            protocols.append(f"token.{token}")
        with connect(f"ws://127.0.0.1:{self.port}{path}", subprotocols=protocols, **options) as socket:  # type: ignore[arg-type]
            yield Client(socket)

    @contextlib.contextmanager
    def deaf(self, *texts: str) -> Iterator[socket.socket]:
        """Connect a client that sends these texts and never reads."""
        address = parse_uri(f"ws://127.0.0.1:{self.port}/ws")
        protocol = ClientProtocol(address, subprotocols=["vflow.1", f"token.{TOKEN}"])  # type: ignore[list-item]
        with socket.socket() as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            raw.settimeout(PATIENCE_S)
            raw.connect(("127.0.0.1", self.port))
            protocol.send_request(protocol.connect())
            raw.sendall(b"".join(protocol.data_to_send()))
            while protocol.state is not State.OPEN:
                protocol.receive_data(raw.recv(1))
            for text in texts:
                protocol.send_text(text.encode())
            raw.sendall(b"".join(protocol.data_to_send()))
            yield raw


class Client:
    """One client of a server."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.audio: dict[int, bytes] = {}
        """The audio that it was sent, by turn."""
        self.texts: list[dict[str, Any]] = []

    def say(self, kind: str, **fields: Any) -> None:
        self.socket.send(json.dumps({"type": kind, **fields}))

    def begin(self, **fields: Any) -> dict[str, Any]:
        """Send `start`, and return the server's `ready`."""
        self.say("start", **{"input_rate": 16_000, **fields})
        return self.wait_for("ready")

    def read(self) -> dict[str, Any] | None:
        """Return the next message; None for audio, which is kept."""
        data = self.socket.recv(PATIENCE_S)
        if isinstance(data, bytes):
            (turn,) = struct.unpack_from("<I", data)
            self.audio[turn] = self.audio.get(turn, b"") + data[4:]
            return None
        message: dict[str, Any] = json.loads(data)
        self.texts.append(message)
        return message

    def wait_for(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Read until a message of a kind comes, with these fields."""
        while True:
            message = self.read()
            if message is not None and {"type": kind, **fields}.items() <= message.items():
                return message

    def closed(self) -> tuple[int, str]:
        """Read until the server closes; return the close code, and the word of the error before it."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.read()
        errors = [message["code"] for message in self.texts if message["type"] == "error"]
        return self.socket.close_code or 0, errors[-1] if errors else ""


def agent(folder: Path, nodes: dict[str, type[Node]] | None = None, **graph: Any) -> Preloaded:
    """Preload the scripted agent."""
    file = scripted_agent.graph(folder, **graph)
    return Preloaded(
        load_for_sessions(file, nodes={**scripted_agent.NODES, **(nodes or {})}, **serving_options())
    )


def spoken(rate: int = 16_000) -> bytes:
    """Return the PCM16 of an utterance that the agent's detector hears, and of the silence after it."""
    clip = scripted_agent.utterance()
    samples = np.pad(clip.samples, (0, 8_000))
    return (samples[:: 16_000 // rate] * 32767).astype("<i2").tobytes()
