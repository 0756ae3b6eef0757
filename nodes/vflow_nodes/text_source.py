"""A given text as one reply: what a generator would say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from vflow import Event, Node, Out, Text, TextPacket, TurnEnd, Unavailable, prop

MAX_BYTES = 10_000_000
"""Of a text file: more is said in weeks."""


class TextSource(Node):
    """Says a text word by word, as the reply of one turn, and ends; an interruption silences the rest."""

    generates = True
    example = "script: {use: text_source, text: 'How can I help you?'}"

    text: str = prop("", doc="what is said")
    file: str | None = prop(None, file="reads", doc="path of a UTF-8 text that is said instead")
    words = Out(Text("word"), doc="the words of the text", bus=True)

    _words: tuple[str, ...] = ()

    def open(self) -> None:
        if self.text and self.file:
            raise Unavailable("a text_source was given both 'text' and 'file'; leave one of them out")
        text = _read(self.file) if self.file else self.text
        self._words = tuple(text.split())
        if not self._words:
            found = f"{self.file} holds no words" if self.file else "a text_source was given no words"
            raise Unavailable(f"{found}; set 'text', or 'file' to a text")

    def produce(self) -> Iterator[TextPacket | Event]:
        turn = self.ctx.new_turn()
        for index, word in enumerate(self._words):
            if self.ctx.cancelled(turn):
                return
            yield TextPacket(text=word, index=index, turn=turn, pts_ns=self.ctx.now_ns())
        meta = {"tokens": len(self._words), "stop_reason": "eos"}
        yield TurnEnd(turn=turn, pts_ns=self.ctx.now_ns(), meta=meta)


def _read(file: str) -> str:
    path = Path(file)
    try:
        if path.is_fifo() and os.path.exists(os.path.realpath(path)):  # not one of `<(...)` or of stdin
            raise Unavailable(f"{file} is a pipe, which may never be written to; name a file")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise Unavailable(f"{file} is larger than {MAX_BYTES:,} bytes; name a shorter text")
        return data.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise Unavailable(f"no such file: {file} (looked in {Path.cwd()}); check the path") from error
    except OSError as error:
        raise Unavailable(f"{file} cannot be read: {error.strerror}; name a text file") from error
    except UnicodeDecodeError as error:
        raise Unavailable(f"{file} is not UTF-8 (byte {error.start}); save it as UTF-8 text") from error
    except ValueError as error:  # a NUL in it, or half of a surrogate pair
        raise Unavailable(f"{file!r} is not the name of a file ({error})") from error
