"""Decide whether voice over a reply interrupts it, from times and looks at the words; no audio is needed.

    voice ── 0.25 s ── look: words of a backchannel ── goes on, softer
                       look: other words ── held ── a second look: other words ── 0.45 s ── interrupts
    voice ends ── held no longer; it was a backchannel, unless two looks in a row say otherwise

A backchannel ("mm-hmm", "okay") says: I am listening. It is no turn, and is not answered.
"""

from __future__ import annotations

from typing import Literal

from vflow import MS

SURE_NS = 448 * MS
"""This much voice with other words interrupts; less may be the first half of a hum, misheard as words."""
LOOKS = 2
"""How many looks in a row must find other words: a hum is now and then misheard as words."""
LATEST_NS = 704 * MS
"""This much voice interrupts if no look has come by then."""
LONGEST_NS = 1500 * MS
"""This much voice interrupts whatever its words: no backchannel lasts so long."""
Step = Literal["", "hold", "go_on", "interrupt"]


class BargeIn:
    """Follows one utterance that began while a reply was heard, in ns of the stream. One thread."""

    def __init__(self, onset_ns: int) -> None:
        """`onset_ns` is when its voice began."""
        self._onset_ns = onset_ns
        self._looked_ns = -1
        self._other = 0
        """Looks in a row that found other words."""
        self._held = self._sure = False
        self.assents = False
        """Whether the last look found words of assent."""

    def speaks(self, off_ns: int) -> bool:
        """Return whether the voice, which ended at `off_ns`, was more than a backchannel or a noise; True
        without any look."""
        return self._looked_ns < 0 or self._other > 0 or off_ns - self._onset_ns >= LONGEST_NS

    def looked(self, at_ns: int, backchannel: bool | None, sure: bool = False) -> None:
        """Take the result of a look at the words up to `at_ns`; None if there were no words. Of two looks at
        one time the first counts. A look that is `sure` needs neither a second look nor more voice."""
        if at_ns > self._looked_ns:
            self._looked_ns = at_ns
            self._other = self._other + 1 if backchannel is False else 0
            self._sure = sure and backchannel is False
            self.assents = backchannel is True

    def step(self, now_ns: int, paused: bool) -> Step:
        """Return what to do with the reply now. `paused`: whether the user is silent at the moment."""
        voice_ns = now_ns - self._onset_ns
        sure = self._sure or (self._other >= LOOKS and (paused or voice_ns >= SURE_NS))
        late = not paused and voice_ns >= (LATEST_NS if self._looked_ns < 0 else LONGEST_NS)
        if sure or late:
            return "interrupt"
        if (holds := bool(self._other) and not paused) == self._held:
            return ""
        self._held = holds
        return "hold" if holds else "go_on"
