"""Write a conversation, or one side of it, into a file."""

from __future__ import annotations

import errno
import json
import os
import time
from contextlib import suppress
from typing import Literal, TextIO

from vflow import (
    MS,
    Eos,
    Event,
    Flush,
    In,
    Node,
    Text,
    TextPacket,
    TurnEnd,
    Unavailable,
    join_words,
    prop,
)

_OPEN_WITHIN_S = 5.0
"""How long to wait for a reader if the file is a pipe."""


class TextSink(Node):
    """Write the user's words and the agent's replies into a file, one line each, as soon as each is complete.

    A reply is written as the generator made it, even if the user interrupted it before its end.
    """

    effect = True
    example = "log: {use: text_sink, file: talk.jsonl, format: jsonl}"

    file: str = prop(file="writes", doc="path of the file, UTF-8; an existing file is overwritten")
    format: Literal["text", "jsonl"] = prop(
        "text",
        doc="text: 'user: ...' and 'agent: ...'; jsonl: an object with at_ms, turn, who and text, and with"
        " interrupted for a reply that was",
    )
    append: bool = prop(False, doc="append to an existing file")
    user = In(Text("final"), doc="what the user said", optional=True)
    reply = In(Text("word"), doc="the words of the replies", optional=True)

    _stream: TextIO | None = None
    _begun = False
    """Whether it was open before: a node that is reopened in a run appends to its file."""

    def open(self) -> None:
        mode: Literal["a", "w"] = "a" if self.append or self._begun else "w"
        try:
            self._stream = _opened(self.file, mode)
        except OSError as error:
            if error.errno == errno.ENXIO:
                raise Unavailable(f"{self.file} is a pipe from which nobody reads; name a file") from error
            raise self._refusal(error, "name another file") from error
        self._begun = True
        self._words: list[str] = []
        self._turn = 0

    def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(OSError):  # a pipe's reader may have gone
                stream.close()

    def process_user(self, packet: TextPacket) -> None:
        if packet.text:
            self._write("user", packet.turn, packet.text)

    def process_reply(self, packet: TextPacket) -> None:
        if packet.turn != self._turn:
            self._end_reply()
        self._turn = packet.turn
        self._words.append(packet.text)

    def on_event(self, event: Event) -> None:
        if isinstance(event, Eos) or (isinstance(event, TurnEnd) and event.turn == self._turn):
            self._end_reply()

    def on_flush(self, flush: Flush) -> None:
        if not flush.retracts and self._turn <= flush.turn:
            self._end_reply(interrupted=True)

    def _refusal(self, error: OSError, mend: str) -> Unavailable:
        return Unavailable(f"{self.file!r} cannot be written: {error.strerror or error}; {mend}")

    def _end_reply(self, interrupted: bool = False) -> None:
        words, self._words = self._words, []
        if words:
            self._write("agent", self._turn, join_words(words), interrupted)

    def _write(self, who: str, turn: int, text: str, interrupted: bool = False) -> None:
        if self._stream is None:
            return
        if self.format == "jsonl":
            entry = {"at_ms": self.ctx.now_ns() // MS, "turn": turn, "who": who, "text": text}
            line = json.dumps({**entry, **({"interrupted": True} if interrupted else {})}, ensure_ascii=False)
        else:
            line = f"{who}: {' '.join(text.split())}"
        try:
            self._stream.write(line + "\n")
        except OSError as error:
            raise self._refusal(error, "make room there, or name another file") from error


def _opened(file: str, mode: Literal["a", "w"]) -> TextIO:
    """Open a file; wait for the reader of a pipe. Raises: OSError, with ENXIO if no reader comes."""
    until_s = time.monotonic() + _OPEN_WITHIN_S
    while True:
        try:
            return open(file, mode, encoding="utf-8", errors="backslashreplace", buffering=1, opener=_fd)
        except OSError as error:
            if error.errno != errno.ENXIO or time.monotonic() >= until_s:
                raise
            time.sleep(0.05)


def _fd(file: str, flags: int) -> int:
    fd = os.open(file, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(fd, True)
    return fd
