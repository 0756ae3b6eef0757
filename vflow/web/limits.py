"""How much a client may ask of the server, and the rates at which it does. Nothing here knows the time: it is
given, in seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vflow.web.commands import MALFORMED, POLICY, TOO_LARGE, Closing

USUAL_SESSIONS = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one server; times in seconds."""

    sessions: int | None = None
    """At once; None: as many as keep the latency promised, where that can be told, else USUAL_SESSIONS."""
    waiting: int = 64
    """Clients that have connected and not begun."""
    message_bytes: int = 65_536
    event_bytes: int = 1_048_576
    """Of a message of a Realtime client, whose audio is text and comes in pieces of any length."""
    event_burst_s: float = 15.0
    """Of such a client, in place of `burst_s`: half a minute of a file may come at once."""
    event_idle_s: float = 900.0
    """Of such a client, in place of `idle_s`: with push to talk it says nothing between utterances."""
    audio_speed: float = 2.0
    """How much faster than real time a client's audio may come."""
    messages_per_s: float = 400.0
    commands_per_s: float = 10.0
    """Messages that are neither audio nor reports of what was played: each may cost a turn."""
    burst_s: float = 5.0
    """Each rate may be exceeded by what it allows in this time: a network that stood still catches up."""
    start_s: float = 10.0
    """Until a client has said `start`, or sent the header of its request."""
    idle_s: float = 60.0
    """Without a message."""
    send_s: float = 5.0
    """Until a client takes what it is sent."""
    resume_for_s: float = 30.0
    """How long a session waits for a client whose connection was lost; 0: not at all."""
    drain_s: float = 2.0
    """Time for a reply that is spoken when the server stops."""

    @property
    def largest_bytes(self) -> int:
        """Of any message."""
        return max(self.message_bytes, self.event_bytes)

    def of_events(self) -> Limits:
        """Those of a Realtime client."""
        burst_s, idle_s = max(self.burst_s, self.event_burst_s), max(self.idle_s, self.event_idle_s)
        return replace(self, message_bytes=self.event_bytes, burst_s=burst_s, idle_s=idle_s, resume_for_s=0)


class Allowance:
    """A rate: `per_s` in a second, and what that allows in `burst_s` at once."""

    def __init__(self, per_s: float, burst_s: float) -> None:
        self._per_s, self._most = per_s, per_s * burst_s
        self._left = self._most
        self._at_s: float | None = None

    def take(self, amount: float, now_s: float) -> bool:
        """Whether so much may come now."""
        passed_s = 0.0 if self._at_s is None else now_s - self._at_s
        self._at_s = now_s
        self._left = max(self._left, min(self._most, self._left + self._per_s * passed_s)) - amount
        return self._left >= 0

    def excuse(self, seconds: float) -> None:
        """Excuse audio that waited this long to be read, and comes at once: the server held it up."""
        self._left += self._per_s * seconds


class Meter:
    """Holds one client against the limits. Its methods raise Closing where it asks for too much."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._messages = Allowance(limits.messages_per_s, limits.burst_s)
        self._commands = Allowance(limits.commands_per_s, limits.burst_s)
        self._audio = Allowance(limits.audio_speed, limits.burst_s)

    def message(self, size: int, now_s: float) -> None:
        """A message of so many bytes has come."""
        limits = self._limits
        if size > limits.message_bytes:
            text = f"a message of {size:,} bytes; at most {limits.message_bytes:,} are taken"
            raise Closing(TOO_LARGE, "too_large", text)
        if not self._messages.take(1, now_s):
            text = f"more than {limits.messages_per_s:g} messages a second; send 20 ms or more at once"
            raise Closing(POLICY, "flood", text)

    def command(self, now_s: float) -> None:
        """The client asks for something."""
        if not self._commands.take(1, now_s):
            text = f"more than {self._limits.commands_per_s:g} commands a second"
            raise Closing(POLICY, "flood", text)

    def audio(self, size: int, rate: int, now_s: float) -> None:
        """So many bytes of 16 bit audio have come."""
        if size % 2:
            raise Closing(MALFORMED, "odd_bytes", f"{size} bytes are no whole number of 16 bit samples")
        if not self._audio.take(size / 2 / rate, now_s):
            text = (
                f"audio came more than {self._limits.audio_speed:g} times as fast as it lasts at the"
                f" {rate:,} Hz that were said; send it at its own pace, and its true rate"
            )
            raise Closing(POLICY, "too_fast", text)

    def excuse(self, seconds: float) -> None:
        """The server did not read for so long: there was no room for what the client says."""
        for allowance in (self._messages, self._commands, self._audio):
            allowance.excuse(seconds)
