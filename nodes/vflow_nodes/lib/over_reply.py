"""Decide what the user's voice does to the reply that sounds: duck, hold, interrupt, take back, or nothing.

voice ── duck ── an utterance ──┬── nobody judges it ── interrupt
                                └── judged ── `lib/barge_in` ── interrupt, or it was no turn: goes on
voice soon after the end of a turn ── `lib/false_end` ── hold ── an utterance ── take back

Voice over protected words (`Conversation.protect`) changes nothing of the reply: what the user says is kept,
and becomes a turn when the last protected word has sounded.
"""

from __future__ import annotations

from vflow import MS
from vflow_nodes.lib.barge_in import BargeIn
from vflow_nodes.lib.false_end import FalseEnd
from vflow_nodes.lib.turn_properties import TurnProperties
from vflow_nodes.lib.turn_text import MARKS

LAST_WORDS_NS = 1000 * MS
"""How much of a question may still have to sound when somebody answers it with a word of assent."""
HOLD_AFTER_NS = 96 * MS
"""Voice that puts a reply on hold within the grace: three windows, shorter than a cough."""


class OverReply:
    """Follows the voice that a `turn` hears, in ns of the stream, and acts on the reply through its `ctx`.
    The node's thread."""

    def __init__(self, turn: TurnProperties) -> None:
        """`turn` is open; its hot properties may change."""
        self._turn, self._ctx = turn, turn.ctx
        self._gain = 10 ** (turn.duck / 20)
        """Linear, 0 to 1, of the reply while voice may interrupt it; 1 leaves it as loud as it is."""
        self._false_end = FalseEnd(turn.grace, HOLD_AFTER_NS)
        self._ducked = False
        self._doubt: BargeIn | None = None
        """Set during an utterance over a reply that may be a backchannel, or is kept."""
        self._kept = False
        """Whether protected words sounded during this utterance."""
        self.onset_ns = 0
        """When the newest voice began."""

    @property
    def doubtful(self) -> bool:
        """Whether the present utterance may be no turn."""
        return self._doubt is not None

    @property
    def heard(self) -> bool:
        """Whether a reply is heard that voice may interrupt; the voice has to be longer then."""
        return self._turn.barge_in and self._ctx.speaking()

    def onset(self, pts_ns: int) -> None:
        """Note that voice begins outside an utterance."""
        self.onset_ns = pts_ns
        self._false_end.onset(pts_ns)
        self._duck(self.heard and not self._ctx.protected())

    def passed(self) -> None:
        """Note that the voice was too short for an utterance."""
        self._false_end.passed()
        self._duck(False)

    def voice(self, now_ns: int, voiced_ns: int) -> None:
        """Take voice that goes on, `voiced_ns` of it until now, and is no utterance yet."""
        if self._false_end.begin_hold(now_ns, voiced_ns) and not self._ctx.protected():
            self._ctx.hold(True)

    def settle(self, now_ns: int) -> None:
        """Let the reply go on, and settle a turn's end, once it is time; called outside an utterance."""
        if self._false_end.end_hold(now_ns):
            self._ctx.hold(False)
        if self._false_end.sure(now_ns):
            self._ctx.settle(self._false_end.turn)
            self._false_end.over()

    def begun(self, turn: int) -> bool:
        """Begin an utterance. Return whether it is the rest of the last one, whose end was false."""
        goes_on, last = self._false_end.doubted, self._false_end.turn
        self._false_end.over()
        if self._turn.barge_in and self._ctx.protected():
            self._doubt, self._kept = BargeIn(self.onset_ns), True
            return False
        if goes_on:
            self._ctx.take_back(last)
        if self._turn.detect and self.heard and not goes_on and self._ctx.sources("backchannel"):
            self._doubt = BargeIn(self.onset_ns)
            return False
        if self._turn.barge_in and not (goes_on and turn - 1 == last):
            # even if no reply is heard: one that is being prepared is unwanted too
            self._ctx.interrupt(turn - 1)
        self._ducked = False  # a flush ends the ducking too
        return goes_on

    def looked(self, at_ns: int, backchannel: bool | None, sure: bool) -> None:
        """Take the result of a look at the words up to `at_ns`; see `BargeIn.looked`."""
        if self._doubt is not None:
            self._doubt.looked(at_ns, backchannel, sure)

    def surely(self, turn: int, now_ns: int, paused: bool) -> bool:
        """Let the reply go on, wait or end, while the utterance is doubtful. Return whether the utterance has
        now become a turn; if the reply has ended meanwhile, it has."""
        if self._doubt is None:
            return False
        if self._ctx.protected():
            self._kept = True
            self._duck(False)
            return False
        step = self._doubt.step(now_ns, paused)
        if step == "interrupt" or not self._ctx.speaking():
            self.take(turn)
            return True
        if step:
            self._ctx.hold(step == "hold")
        self._duck(not paused)
        return False

    def take(self, turn: int) -> None:
        """Take the utterance for a turn, if it is in doubt. It interrupts, unless protected words sound: then
        it is answered after the reply."""
        if self._doubt is not None:
            self._doubt, self._kept = None, False
            if not self._ctx.protected():
                self._ctx.interrupt(turn - 1)
                self._ducked = False

    def waits(self, off_ns: int) -> bool:
        """Return whether the end of the utterance, whose voice ended at `off_ns`, has to wait for the end of
        protected words."""
        return self._is_kept(off_ns) and self._ctx.protected()

    def kept(self, turn: int, off_ns: int) -> bool:
        """Take the utterance, which ends, for a turn if it was said over protected words and is no
        backchannel. Return whether it is one."""
        if kept := self._is_kept(off_ns):
            self.take(turn)
        return kept

    def answers(self) -> bool:
        """Take the utterance, which ends, for a turn if it assents to a question of which only the last words
        have still to sound. They are not interrupted. Return whether it is one."""
        if self._doubt is None or not self._doubt.assents or self._ctx.lead_ns() > LAST_WORDS_NS:
            return False
        last = self._ctx.conversation.entries()[-1:]
        if (
            not last
            or last[0].role != "assistant"
            or not last[0].text.rstrip().endswith(tuple(MARKS["asks"]))
        ):
            return False
        self.void()
        return True

    def _is_kept(self, off_ns: int) -> bool:
        return self._kept and self._doubt is not None and self._doubt.speaks(off_ns)

    def void(self) -> None:
        """End an utterance that was no turn: the reply goes on as if nothing had happened."""
        self._doubt, self._kept = None, False
        self._ctx.hold(False)
        self._duck(False)

    def ended(self, now_ns: int, turn: int) -> None:
        """Note that the end of a turn is decided."""
        by_voice = self._turn.detect and self._turn.barge_in  # a button means what it does
        if by_voice and self._false_end.decided(now_ns, turn):
            self._ctx.doubt(turn)

    def close(self) -> None:
        """Stop ducking: no more voice comes."""
        self._duck(False)

    def _duck(self, softer: bool) -> None:
        """Play the reply softer, or as before. Ducking comes before any interruption, so that a cough does
        not end the reply."""
        if softer != self._ducked and self._gain < 1:
            self._ctx.duck(self._gain if softer else 1.0)
            self._ducked = softer
