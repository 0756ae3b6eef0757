"""How much a client may ask of the server, and the rates at which it does. Nothing here knows the time: it is
given, in seconds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from vflow.web.commands import MALFORMED, POLICY, TOO_LARGE, Closing

PIECES = 20
"""Into how many a window is cut: so many sums are remembered."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one server; times in seconds."""

    sessions: int = 16
    message_bytes: int = 65_536
    audio_speed: float = 2.0
    """How much faster than real time a client's audio may come, over `window_s`."""
    messages_per_s: float = 400.0
    window_s: float = 5.0
    start_s: float = 10.0
    """Until a client has said `start`, or sent the header of its request."""
    idle_s: float = 60.0
    """Without a message."""
    send_s: float = 5.0
    """Until a client takes what it is sent."""
    drain_s: float = 2.5
    """What a reply that is spoken gets when the server stops."""


class Window:
    """The sum of what came in the last `length_s`."""

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s
        self._pieces: deque[tuple[float, float]] = deque()
        self._sum = 0.0

    def add(self, amount: float, now_s: float) -> float:
        """Add an amount, and return the sum."""
        if self._pieces and now_s - self._pieces[-1][0] < self._length_s / PIECES:
            at_s, before = self._pieces.pop()
            self._pieces.append((at_s, before + amount))
        else:
            self._pieces.append((now_s, amount))
        while self._pieces[0][0] <= now_s - self._length_s:
            self._pieces.popleft()
        self._sum = sum(amount for _, amount in self._pieces)
        return self._sum


class Meter:
    """Holds one client against the limits. Each method raises Closing where it asks for too much."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._messages, self._audio = Window(limits.window_s), Window(limits.window_s)

    def message(self, size: int, now_s: float) -> None:
        """A message of so many bytes has come."""
        limits = self._limits
        if size > limits.message_bytes:
            text = f"a message of {size:,} bytes; at most {limits.message_bytes:,} are taken"
            raise Closing(TOO_LARGE, "too_large", text)
        if self._messages.add(1, now_s) > limits.messages_per_s * limits.window_s:
            text = f"more than {limits.messages_per_s:g} messages a second; send 20 ms or more at once"
            raise Closing(POLICY, "flood", text)

    def audio(self, size: int, rate: int, now_s: float) -> None:
        """So many bytes of 16 bit audio have come."""
        if size % 2:
            raise Closing(MALFORMED, "odd_bytes", f"{size} bytes are no whole number of 16 bit samples")
        limits = self._limits
        if self._audio.add(size / 2 / rate, now_s) > limits.audio_speed * limits.window_s:
            text = (
                f"audio came more than {limits.audio_speed:g} times as fast as it lasts at the"
                f" {rate:,} Hz that were said; send it at its own pace, and its true rate"
            )
            raise Closing(POLICY, "too_fast", text)
