"""Take text from the application: what its user typed, and what the agent is to say."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping

from vflow import Node, Out, Text, TextPacket, VflowError, prop

MOST_LETTERS = 100_000
"""More than any model's context."""
MOST_WAITING = 1_000


class AppText(Node):
    """Hand in text of the application, which calls `ask` and `say` from any thread.

    A text for `ask` is a turn of the user: it interrupts the reply, as speech does, and the generator answers
    it. A text for `say` follows the reply that is being made, as a reply of its own; an interruption drops
    it, unless it is protected and has begun to sound.
    """

    sparse = True
    example = "typed: {use: app_text}"

    interrupts: bool = prop(True, doc="whether a text asked interrupts the reply before it; else it waits")
    text = Out(Text("final"), doc="what the user typed", bus=True)
    reply = Out(Text("reply"), doc="what the agent is to say")

    _open = False

    def open(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Out, TextPacket]] = deque()  # guarded by _lock
        self._ending = False  # guarded by _lock
        self._open = True

    def close(self) -> None:
        self._open = False

    # the application's side

    def ask(self, text: str, language: str = "") -> int:
        """Hand in a turn of the user and return its number. Any thread; does not block.

        `language` (ISO 639-1) is passed on to the voice. Raises: VflowError if there is no text, if nothing
        is linked to `text`, after `end`, and if MOST_WAITING texts wait.
        """
        return self._hand_in(self.text, text, language)

    def say(self, text: str, language: str = "", barge_in: bool = True) -> int:
        """Have the agent say a text word for word; return the turn's number. Without `barge_in` nobody
        interrupts it once it sounds. Raises: as `ask`, if nothing is linked to `reply`."""
        return self._hand_in(self.reply, text, language, protect=not barge_in)

    def prompt(self, instructions: str | None = None) -> int:
        """Have the generator reply to the history as it is; `instructions`, if given, replace its persona.
        Return the number of the turn. Does not interrupt. Raises: as `ask`."""
        meta: dict[str, object] = {"prompted": True}
        if instructions:
            meta["instructions"] = _whole(instructions)
        return self._wait(self.text, "", meta)

    def end(self) -> None:
        """End the stream after what was handed in. Any thread; may be called twice."""
        if self._open:
            with self._lock:
                self._ending = True
            self.ctx.notify()

    def _hand_in(self, port: Out, text: str, language: str, protect: bool = False) -> int:
        if not isinstance(text, str) or not text.strip():
            raise VflowError(f"a text with words in it is wanted, not {str(text)[:40]!r}")
        if len(text) > MOST_LETTERS:
            raise VflowError(
                f"a text of {len(text):,} letters; at most {MOST_LETTERS:,} are taken: hand in a part of it"
            )
        if not isinstance(language, str):
            raise VflowError(f"a language is a code as 'en', or '' for the voice's own; not {language!r}")
        return self._wait(port, _whole(text), {"language": language} if language else {}, protect)

    def _wait(self, port: Out, text: str, meta: Mapping[str, object], protect: bool = False) -> int:
        if not self._open:
            raise VflowError("nobody takes a text: the pipeline is not open; start one")
        if not self.ctx.linked(port.name):
            raise VflowError(
                f"nothing takes what the application hands in at {port.name!r}; link it to a generator"
            )
        with self._lock:
            if self._ending:
                raise VflowError("a text after end(): the stream is over; start a new session or pipeline")
            if len(self._waiting) >= MOST_WAITING:
                raise VflowError(f"{MOST_WAITING:,} texts wait to be answered; wait for replies")
            turn = self.ctx.new_turn()  # under the lock: in the order of the numbers
            if protect:
                self.ctx.conversation.protect(turn)
            self._waiting.append((port, TextPacket(text=text, turn=turn, meta=meta)))
        self.ctx.notify()
        return turn

    # the node's thread

    def produce(self) -> Iterator[tuple[Out, TextPacket]]:
        while True:
            with self._lock:
                port, packet = self._waiting.popleft() if self._waiting else (None, None)
                ended = self._ending
            if port is None or packet is None:
                if ended:
                    return
                self.ctx.wait_until()
                continue
            interrupts = self.interrupts and port is self.text and not packet.meta.get("prompted")
            if interrupts and not self.ctx.protected():
                self.ctx.interrupt(packet.turn - 1)
            yield port, packet.replace(pts_ns=self.ctx.now_ns())


def _whole(text: str) -> str:
    """Replace lone halves of surrogate pairs, which JSON may contain and no tokenizer takes."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
