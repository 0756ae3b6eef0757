"""Decide how long a silence lasts before it ends a turn, from times and probabilities; no audio is needed."""

from __future__ import annotations

from collections.abc import Mapping

from vflow import MS

LEAST_NS = {"phone": 1500 * MS, "number": 1500 * MS, "email": 1500 * MS, "name": 800 * MS}
"""The shortest wait while an answer of this kind is expected: people say digits in groups."""
MOST_NS = {"yes_no": 400 * MS}
"""The longest wait while an answer of this kind is expected."""
LONGER, MOST_FALSE_ENDS = 1.5, 2
"""By how much each false end of the turn makes its next waits longer, and how many of them count."""
LONGEST_NS = 1500 * MS
"""The longest wait that false ends can give."""


class EndWait:
    """The wait of each silence in turn, `ns` from the end of the sound. One thread.

    A silence begins with the plain wait. A verdict on it, the probability that the user has finished, sets
    the wait of the highest bound in `waits` that it reaches; below all bounds the plain wait stays. A later
    verdict on the same silence replaces the earlier one.
    """

    def __init__(self, plain_ns: int, waits: Mapping[float, int]) -> None:
        self.bound(plain_ns, waits)
        self._pause_ns: int | None = None
        self._expected, self._false_ends = "", 0
        self.ns = plain_ns

    def bound(self, plain_ns: int, waits: Mapping[float, int]) -> None:
        """Take other waits, for the silences that begin from now on."""
        self._plain_ns = plain_ns
        self._waits = sorted(waits.items(), reverse=True)

    def begin(self, expected: str, goes_on: bool) -> None:
        """Begin a turn; `expected` is its kind, one of `vflow.conversation.ANSWERS` or "". It `goes_on` if it
        is the rest of the last turn, whose end was false: each false end makes its waits longer."""
        self._false_ends = min(self._false_ends + 1, MOST_FALSE_ENDS) if goes_on else 0
        self._expected = expected or (self._expected if goes_on else "")
        self.over()

    def pause(self, pts_ns: int) -> None:
        """Note that a silence has become a pause; `pts_ns` is the time of its `Pause`."""
        self._pause_ns = pts_ns

    def over(self) -> None:
        """Return to the plain wait: the silence is over, since the user spoke on or the turn has ended."""
        self._pause_ns, self.ns = None, self._within(self._plain_ns)

    def rate(self, pts_ns: int, finished: object) -> str:
        """Take a verdict on the pause of that time; a verdict on another pause is too late and has no effect.
        Return why it is no valid verdict, or ''."""
        if not isinstance(finished, float | int) or not 0 <= finished <= 1:  # NaN fails this too
            return f"a verdict has the probability meta['finished'], from 0 to 1; not {finished!r}"
        if pts_ns == self._pause_ns:
            wait = next((wait for bound, wait in self._waits if finished >= bound), self._plain_ns)
            self.ns = self._within(wait)
        return ""

    def _within(self, wait_ns: int) -> int:
        longer_ns = max(wait_ns, min(round(wait_ns * LONGER**self._false_ends), LONGEST_NS))
        return max(LEAST_NS.get(self._expected, 0), min(longer_ns, MOST_NS.get(self._expected, longer_ns)))
