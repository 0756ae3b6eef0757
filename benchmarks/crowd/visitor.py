"""A client that comes, talks and leaves, in each way that a client can. Blocks; one thread a client."""

from __future__ import annotations

import base64
import json
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from crowd.frames import BINARY, CLOSE, PING, PONG, TEXT, Reader, connected, frame, text

PATIENCE_S = 20.0
PIECE_S = 0.02
PACE_S = PIECE_S
"""Between two pieces; 0 sends them all at once."""


class Unexpected(Exception):
    """The server did something that a client of this kind must not see."""


class Visitor:
    """One connection."""

    path, protocol, rate = "/ws", "vflow.1", 16_000
    begins = "ready"

    def __init__(self, place: tuple[str, int], token: str, path: str = "") -> None:
        self.place, self.token = place, token
        protocols = [*filter(None, [self.protocol]), f"token.{token}"]
        self.socket, came = connected(*place, path or self.path, protocols)
        self._reader, self._came = Reader(), came
        self._heard: deque[dict[str, Any] | bytes] = deque()
        self.about: dict[str, Any] = {}
        self.got = 0
        """Messages since the session has begun."""

    # what it says

    def hello(self) -> None:
        self.say({"type": "start", "input_rate": self.rate})

    def begin(self) -> None:
        """Say the first word, and wait until the server hears."""
        self.hello()
        self.wait_for(self.begins)

    def say(self, message: dict[str, Any]) -> None:
        self.socket.sendall(text(json.dumps(message)))

    def piece(self, pcm16: bytes) -> bytes:
        return frame(BINARY, pcm16)

    def speak(self, pcm16: bytes, deaf: bool = False) -> None:
        """Send audio, by PACE_S at the pace of a microphone, and read what comes meanwhile, unless `deaf`."""
        size = 2 * round(PIECE_S * self.rate)
        due = time.monotonic()
        for at in range(0, len(pcm16) - size + 1, size):
            self.socket.sendall(self.piece(pcm16[at : at + size]))
            due += PACE_S
            while (left_s := due - time.monotonic()) > 0:
                if select.select([] if deaf else [self.socket], [], [], left_s)[0]:
                    self._read()

    # what it hears

    def wait_for(self, kind: str) -> dict[str, Any]:
        """Read until a message of a kind comes. Raises: Unexpected where it does not."""
        return self._until(lambda message: isinstance(message, dict) and message["type"] == kind, kind)

    def wait_for_sound(self) -> None:
        """Read until a reply sounds, while it is silent as a microphone is."""
        self._until(lambda message: isinstance(message, bytes), "sound", bytes(2 * round(0.1 * self.rate)))

    def wait_for_close(self) -> int:
        """Read until the server has closed; returns its code, 0 where it gave none."""
        self.socket.settimeout(PATIENCE_S)
        data, self._came = self._came, b""
        while True:
            for opcode, payload in self._reader.feed(data):
                if opcode == CLOSE:
                    with suppress(OSError):
                        self.socket.sendall(frame(CLOSE, payload[:2]))
                    return int.from_bytes(payload[:2])
                if opcode == PING:
                    with suppress(OSError):
                        self.socket.sendall(frame(PONG, payload))
            try:
                data = self.socket.recv(65_536)
            except ConnectionError:
                return 0
            if not data:
                return 0

    def _until(self, wanted: Callable[[Any], bool], name: str, silence: bytes = b"") -> Any:
        deadline = time.monotonic() + PATIENCE_S
        came, self._came = self._came, b""
        self._take(came)
        while time.monotonic() < deadline:
            while self._heard:
                if wanted(message := self._heard.popleft()):
                    return message
            if silence:
                self.socket.sendall(self.piece(silence))
            if select.select([self.socket], [], [], 0.1)[0]:
                self._read()
        raise Unexpected(f"{name} did not come in {PATIENCE_S:g} s")

    def _read(self) -> None:
        data = self.socket.recv(65_536)
        if not data:
            raise Unexpected("the server has gone")
        self._take(data)

    def _take(self, data: bytes) -> None:
        for opcode, payload in self._reader.feed(data):
            if opcode == PING:
                self.socket.sendall(frame(PONG, payload))
            elif opcode == CLOSE:
                raise Unexpected(f"closed with {int.from_bytes(payload[:2])}")
            elif opcode == BINARY:
                self.got += 1
                self._heard.append(payload)
            elif opcode == TEXT:
                self.got += 1
                self._heard.extend(self._text(json.loads(payload)))

    def _text(self, message: dict[str, Any]) -> Iterator[dict[str, Any] | bytes]:
        if message["type"] == self.begins:
            self.about, self.got = message, 0
        if message["type"] == "error":
            raise Unexpected(f"refused: {message}")
        yield message

    # how it leaves

    def end(self) -> None:
        """Say that no more comes, and wait for the close."""
        self.say({"type": "end"})
        self._finish(1000)

    def close(self) -> None:
        """Close as a browser does."""
        self.socket.sendall(frame(CLOSE, (1000).to_bytes(2)))
        self._finish(1000)

    def _finish(self, wanted: int) -> None:
        code = self.wait_for_close()
        self.socket.close()
        if code != wanted:
            raise Unexpected(f"closed with {code}, not {wanted}")

    def shut(self) -> None:
        """Close the socket without a word."""
        self.socket.close()

    def reset(self) -> None:
        """Be gone, as a machine is that is switched off: TCP's reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def half(self) -> None:
        """Send half a frame, and be gone."""
        whole = self.piece(bytes(640))
        self.socket.sendall(whole[: len(whole) // 2])
        self.socket.close()

    def back(self) -> Visitor:
        """Come back to the session by another connection."""
        again = type(self)(self.place, self.token, self.path_back)
        about = self.about
        again.say(
            {"type": "resume", "session": about["session"], "token": about["resume"], "received": self.got}
        )
        again.wait_for(self.begins)
        return again

    path_back = ""


class RawVisitor(Visitor):
    path, protocol, path_back = "/raw", "", "/raw?resume"

    def hello(self) -> None:
        """It begins by itself."""


class RealtimeVisitor(Visitor):
    path, protocol, rate, begins = "/v1/realtime", "realtime", 24_000, "session.created"

    def hello(self) -> None:
        """It begins by itself."""

    def piece(self, pcm16: bytes) -> bytes:
        audio = base64.b64encode(pcm16).decode()
        return text(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))

    def _text(self, message: dict[str, Any]) -> Iterator[dict[str, Any] | bytes]:
        yield from super()._text(message)
        if message["type"] == "response.output_audio.delta":
            yield base64.b64decode(message["delta"])

    def end(self) -> None:
        """There is no such word."""
        self.close()
