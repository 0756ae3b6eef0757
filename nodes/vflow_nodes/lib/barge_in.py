"""Whether voice over a reply interrupts it: a policy over times and looks at the words, without audio.

    voice ── 0.25 s ── look: words of a backchannel ── goes on, softer
                       look: other words ── held ── a second look: other words ── 0.45 s ── interrupts
    voice ends ── held no longer; it was a backchannel, unless two looks in a row say otherwise

A backchannel ("mm-hmm", "okay") says: I am listening. It is no turn, and is not answered.
"""

from __future__ import annotations

from typing import Literal

from vflow import MS

SURE_NS = 448 * MS
"""Voice with other words that interrupts: less of it may be the first half of a hum that is misheard."""
LOOKS = 2
"""How many looks in a row have to find other words: a hum is heard as words now and then."""
LATEST_NS = 704 * MS
"""Voice that interrupts where nobody has looked at it by then."""
LONGEST_NS = 1500 * MS
"""Voice that interrupts whatever its words: nobody assents for so long."""
Step = Literal["", "hold", "go_on", "interrupt"]


class BargeIn:
    """Follows one utterance that began while a reply is heard, in ns of the stream. One thread."""

    def __init__(self, onset_ns: int) -> None:
        """`onset_ns` is where its voice began."""
        self._onset_ns = onset_ns
        self._looked_ns = -1
        self._other = 0
        """Looks in a row that found other words."""
        self._held = self._sure = False

    def looked(self, at_ns: int, backchannel: bool | None, sure: bool = False) -> None:
        """Take a look at the words up to `at_ns`; None where there are none. Of looks at one time the first
        counts. Who is `sure` that it is no backchannel needs neither a second look nor more voice."""
        if at_ns > self._looked_ns:
            self._looked_ns = at_ns
            self._other = self._other + 1 if backchannel is False else 0
            self._sure = sure and backchannel is False

    def step(self, now_ns: int, paused: bool) -> Step:
        """Say what becomes of the reply now. `paused`: the user is silent at the moment."""
        voice_ns = now_ns - self._onset_ns
        sure = self._sure or (self._other >= LOOKS and (paused or voice_ns >= SURE_NS))
        late = not paused and voice_ns >= (LATEST_NS if self._looked_ns < 0 else LONGEST_NS)
        if sure or late:
            return "interrupt"
        if (holds := bool(self._other) and not paused) == self._held:
            return ""
        self._held = holds
        return "hold" if holds else "go_on"
