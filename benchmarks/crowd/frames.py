"""WebSocket frames of a client (RFC 6455), made once and sent many times.

A client's frames are masked; with a mask of zeros the payload stays as it is, so that one buffer serves all.
"""

from __future__ import annotations

import base64
import os
import socket
import struct
from collections.abc import Sequence

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
NO_MASK = bytes(4)
TIMEOUT_S = 20.0


class Refused(Exception):
    """The server did not open a WebSocket; the text is its first line."""


def frame(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        head = struct.pack(">BB", 0x80 | opcode, 0x80 | size)
    elif size < 1 << 16:
        head = struct.pack(">BBH", 0x80 | opcode, 0xFE, size)
    else:
        head = struct.pack(">BBQ", 0x80 | opcode, 0xFF, size)
    return head + NO_MASK + payload


def text(said: str) -> bytes:
    return frame(TEXT, said.encode())


def pieces(pcm16: bytes, size: int) -> list[bytes]:
    """Binary frames of `size` bytes each; what does not fill one is left out."""
    return [frame(BINARY, pcm16[at : at + size]) for at in range(0, len(pcm16) - size + 1, size)]


def connected(host: str, port: int, path: str, protocols: Sequence[str] = ()) -> tuple[socket.socket, bytes]:
    """Open a WebSocket; returns it with what came after its opening. Blocks. Raises: Refused, OSError."""
    opened = socket.create_connection((host, port), TIMEOUT_S)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
    ]
    if protocols:
        lines.append(f"Sec-WebSocket-Protocol: {', '.join(protocols)}")
    opened.sendall("\r\n".join([*lines, "", ""]).encode())
    came = b""
    while b"\r\n\r\n" not in came:
        if not (more := opened.recv(4096)):
            break
        came += more
    head, _, rest = came.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101"):
        opened.close()
        raise Refused(head.partition(b"\r\n")[0].decode(errors="replace") or "closed without an answer")
    return opened, rest


class Reader:
    """Cuts what a server sends into frames."""

    def __init__(self, came: bytes = b"") -> None:
        self._came = bytearray(came)

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return opcode and payload of each frame that is whole now. Each message is one frame here."""
        came, at = self._came, 0
        came += data
        found: list[tuple[int, bytes]] = []
        while len(came) - at >= 2:
            size, head = came[at + 1] & 0x7F, 2
            if size == 126:
                size, head = int.from_bytes(came[at + 2 : at + 4]), 4
            elif size == 127:
                size, head = int.from_bytes(came[at + 2 : at + 10]), 10
            if len(came) - at < head + size:
                break
            found.append((came[at] & 0x0F, bytes(came[at + head : at + head + size])))
            at += head + size
        del came[:at]
        return found
