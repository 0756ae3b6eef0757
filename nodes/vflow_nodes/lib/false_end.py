"""The false end of a turn: decide when voice after it holds the reply, and when the reply goes on."""

from __future__ import annotations

from vflow import MS

QUIET_NS = 300 * MS
"""How long a hold lasts after the voice's end: after a cough or a noise the reply soon goes on."""
LONGEST_NS = 1000 * MS
"""The longest hold by voice that does not become an utterance."""


class FalseEnd:
    """Follows the voice after the end of a turn, in ns of the stream. One thread.

    Voice that begins within `grace_ns` of the decision holds the reply once there is `hold_after_ns` of it.
    """

    def __init__(self, grace_ns: int, hold_after_ns: int) -> None:
        self._grace_ns, self._hold_after_ns = grace_ns, hold_after_ns
        self._until_ns = -1
        """When the grace ends."""
        self._held_ns = -1
        """Since when the reply is on hold; -1: it is not."""
        self._voice_ns = 0
        """The end of the last voice."""
        self.turn = 0
        """The turn whose end is not sure; 0: none."""
        self.doubted = False
        """Whether voice began within the grace. If it becomes an utterance, the end was false."""

    def decided(self, now_ns: int, turn: int) -> bool:
        """Note that the end of a turn is decided. Return whether it may be taken back."""
        if self._grace_ns:
            self._until_ns, self.turn = now_ns + self._grace_ns, turn
        return bool(self._grace_ns)

    def onset(self, now_ns: int) -> None:
        """Note that voice begins."""
        self.doubted = now_ns < self._until_ns or self._held_ns >= 0

    def passed(self) -> None:
        """Note that the voice was too short for an utterance; more may follow while the reply is on hold."""
        self.doubted = self._held_ns >= 0

    def begin_hold(self, now_ns: int, voiced_ns: int) -> bool:
        """Take voice, `voiced_ns` of it until now. Return whether it puts the reply on hold now."""
        self._voice_ns = now_ns
        if not self.doubted or self._held_ns >= 0 or voiced_ns < self._hold_after_ns:
            return False
        self._held_ns = now_ns
        return True

    def end_hold(self, now_ns: int) -> bool:
        """End a hold that is due. Return whether the reply goes on now."""
        if self._held_ns < 0:
            return False
        if now_ns - self._voice_ns < QUIET_NS and now_ns - self._held_ns < LONGEST_NS:
            return False
        self._held_ns, self._until_ns, self.doubted = -1, -1, False
        return True

    def sure(self, now_ns: int) -> bool:
        """Return whether nothing can take the end back any more."""
        return bool(self.turn) and now_ns >= self._until_ns and self._held_ns < 0 and not self.doubted

    def over(self) -> None:
        """Forget the end of the turn: it is sure, or an utterance has begun, which ends a hold by itself."""
        self._held_ns, self._until_ns, self.turn, self.doubted = -1, -1, 0, False
