"""Limits of sizes, rates and times for clients, and meters that enforce them.

Callers pass the time, in seconds; nothing here reads a clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from vflow.web.commands import MALFORMED, POLICY, TOO_LARGE, Closing

USUAL_SESSIONS = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one server; times in seconds."""

    sessions: int | None = None
    """Most sessions at once. None: as many as keep the promised latency; USUAL_SESSIONS if that cannot be
    told."""
    waiting: int = 64
    """Most clients that have connected and not begun a session."""
    message_bytes: int = 65_536
    """Largest message of a client."""
    event_bytes: int = 1_048_576
    """Largest message of a Realtime client: its audio is base64 text, in pieces of any length."""
    event_burst_s: float = 15.0
    """`burst_s` of a Realtime client: it may send half a minute of a file at once."""
    event_idle_s: float = 900.0
    """`idle_s` of a Realtime client: with push to talk it sends nothing between utterances."""
    audio_speed: float = 2.0
    """Highest speed of a client's audio, as a multiple of real time."""
    messages_per_s: float = 400.0
    commands_per_s: float = 10.0
    """Highest rate of messages other than audio and reports of playback: each may cost a turn."""
    burst_s: float = 5.0
    """A client may send at once as much as each rate allows in this time: a stalled network catches up."""
    start_s: float = 10.0
    """Time for a client to send the header of its request, and again to send `start`."""
    idle_s: float = 60.0
    """Longest time without a message."""
    send_s: float = 5.0
    """Time for a client to take a frame that it is sent."""
    resume_for_s: float = 30.0
    """How long a session waits for a client whose connection was lost; 0: not at all."""
    drain_s: float = 2.0
    """Time to finish a reply that is being spoken when the server stops."""

    @property
    def largest_bytes(self) -> int:
        """Largest message of any client, in bytes."""
        return max(self.message_bytes, self.event_bytes)

    def of_events(self) -> Limits:
        """Return the limits for a Realtime client."""
        burst_s, idle_s = max(self.burst_s, self.event_burst_s), max(self.idle_s, self.event_idle_s)
        return replace(self, message_bytes=self.event_bytes, burst_s=burst_s, idle_s=idle_s, resume_for_s=0)


class Allowance:
    """A rate limit: `per_s` each second, and at once as much as that allows in `burst_s`."""

    def __init__(self, per_s: float, burst_s: float) -> None:
        self._per_s, self._most = per_s, per_s * burst_s
        self._left = self._most
        self._at_s: float | None = None

    def take(self, amount: float, now_s: float) -> bool:
        """Count `amount`; return whether it is within the limit."""
        passed_s = 0.0 if self._at_s is None else now_s - self._at_s
        self._at_s = now_s
        self._left = max(self._left, min(self._most, self._left + self._per_s * passed_s)) - amount
        return self._left >= 0

    def excuse(self, seconds: float) -> None:
        """Allow as much more as the rate allows in this time: the server held the client's messages up."""
        self._left += self._per_s * seconds


class Meter:
    """Meters one client. Each method raises Closing if the client exceeds a limit."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._messages = Allowance(limits.messages_per_s, limits.burst_s)
        self._commands = Allowance(limits.commands_per_s, limits.burst_s)
        self._audio = Allowance(limits.audio_speed, limits.burst_s)

    def message(self, size: int, now_s: float) -> None:
        """Count a message of `size` bytes."""
        limits = self._limits
        if size > limits.message_bytes:
            text = f"a message has {size:,} bytes; at most {limits.message_bytes:,} are allowed"
            raise Closing(TOO_LARGE, "too_large", text)
        if not self._messages.take(1, now_s):
            text = f"more than {limits.messages_per_s:g} messages a second; put 20 ms of audio in each"
            raise Closing(POLICY, "flood", text)

    def command(self, now_s: float) -> None:
        """Count a command."""
        if not self._commands.take(1, now_s):
            text = f"more than {self._limits.commands_per_s:g} commands a second"
            raise Closing(POLICY, "flood", text)

    def audio(self, size: int, rate: int, now_s: float) -> None:
        """Count `size` bytes of PCM16 at `rate` Hz."""
        if size % 2:
            raise Closing(MALFORMED, "odd_bytes", f"{size} bytes are not a whole number of 16 bit samples")
        if not self._audio.take(size / 2 / rate, now_s):
            text = (
                f"audio came faster than {self._limits.audio_speed:g} times real time at the announced"
                f" {rate:,} Hz; send it in real time, and announce its true rate"
            )
            raise Closing(POLICY, "too_fast", text)

    def excuse(self, seconds: float) -> None:
        """Raise every allowance: the server did not read for this many seconds, for lack of room."""
        for allowance in (self._messages, self._commands, self._audio):
            allowance.excuse(seconds)
