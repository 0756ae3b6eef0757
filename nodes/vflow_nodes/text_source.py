"""Say a given text as one reply, in the place of a generator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vflow import Event, Node, Out, Text, TextPacket, TurnEnd, Unavailable, call_within, prop

_MOST_LETTERS = 10_000_000
"""Weeks of speech. The bound is for devices such as /dev/zero, which never end."""
_READ_WITHIN_S = 5.0


class TextSource(Node):
    """Say a text word by word, as the reply of one turn, and end. An interruption drops the rest."""

    generates = True
    example = "script: {use: text_source, text: 'How can I help you?'}"

    text: str = prop("", doc="the text to say")
    file: str | None = prop(None, file="reads", doc="path of a UTF-8 text to say instead")
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


def _read_bounded(file: str) -> str:
    with open(file, encoding="utf-8-sig") as stream:
        text = stream.read(_MOST_LETTERS + 1)
    if len(text) > _MOST_LETTERS:
        raise Unavailable(f"{file} holds more than {_MOST_LETTERS:,} letters; name a shorter text")
    return text


def _read(file: str) -> str:
    try:
        return call_within(_READ_WITHIN_S, lambda: _read_bounded(file), file)
    except TimeoutError as error:
        raise Unavailable(f"{file} is a pipe to which nobody writes; name a text file") from error
    except FileNotFoundError as error:
        raise Unavailable(f"no such file: {file} (looked in {Path.cwd()}); check the path") from error
    except UnicodeDecodeError as error:
        raise Unavailable(f"{file} is not UTF-8 (byte {error.start}); save it as UTF-8 text") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unavailable(f"{file} cannot be read: {reason}; name a text file") from error
