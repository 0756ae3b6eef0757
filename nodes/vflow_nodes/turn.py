"""`turn`: make utterances out of windows that a detector has rated, with a state machine, and number turns.

    IDLE ──voice──> ONSET ──enough voice──> VOICE ──silence──> HUSH ──pause_after──> PAUSED
      ^               │                      ^  <───voice────────┘                     │ │
      ├─two silences──┘                      └──────────voice: resume──────────────────┘ │
      └──speech_end_after (from HUSH or PAUSED), max_utterance, eos ─────────────────────┘

A window is voice if its probability reaches `threshold`, or `threshold - 0.15` while the user already speaks,
so that a value near the edge does not switch back and forth.

A silence counts from the end of the *sound* (`lib/last_sound`), because the probability falls late;
`meta["voice_off_ns"]` of Pause and SpeechEnd has that time. `lib/end_wait` decides how long a silence lasts
before it ends the utterance, and `lib/over_reply` how voice affects a reply that is heard.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from vflow import (
    Audio,
    AudioPacket,
    Eos,
    Event,
    In,
    Out,
    Pause,
    Resume,
    SpeechEnd,
    SpeechStart,
    SpeechVoid,
    TalkEnd,
    TalkStart,
    Text,
    TextPacket,
    Unavailable,
)
from vflow_nodes.lib.end_wait import EndWait
from vflow_nodes.lib.foreground import FAR_NS, NEAR, Foreground
from vflow_nodes.lib.last_sound import LastSound, power_of
from vflow_nodes.lib.over_reply import OverReply
from vflow_nodes.lib.turn_properties import TurnProperties
from vflow_nodes.lib.turn_states import State

HYSTERESIS = 0.15
"""How far below `threshold` the probability may fall while speech goes on. Source: silero-vad's
VADIterator."""


class Turn(TurnProperties):
    """Cut rated audio into utterances. Only these leave, between speech_start and speech_end."""

    swallows = (TalkStart, TalkEnd)
    example = "turn: {use: turn, speech_end_after: 600ms, barge_in_after: 300ms}"

    audio = In(Audio(rate=16_000, channels=1, features={"speech"}), doc="rated windows")
    verdict = In(
        Text("verdict"), optional=True, feedback=True, doc="ratings of pauses, by a node `end_of_turn`"
    )
    backchannel = In(
        Text("backchannel"),
        optional=True,
        feedback=True,
        doc="judgements of words over a reply, by a node `backchannel`",
    )
    speech = Out(Audio(rate=16_000, channels=1, features={"turns"}), doc="utterances")

    _turn = 0
    _wait: EndWait
    _reply: OverReply
    _sound: LastSound
    _foreground: Foreground
    _start_ns: int
    """When the utterance begins."""
    _end_ns: int
    """The end of the last window."""
    _voiced_ns: int
    """How much voice this onset has had."""
    _dips: int
    """Silent windows in a row, in this onset."""
    _is_near = False
    """Whether the voice of this onset may be the user's."""

    def open(self) -> None:
        if not all(0 <= bound <= 1 for bound in self.waits):
            raise Unavailable(f"{self.ctx.name}.waits are by probabilities from 0 to 1: {[*self.waits]}")
        self._wait = EndWait(self.speech_end_after, self.waits)
        if "_reply" in self.__dict__:
            self._reply.close()
        self._reply = OverReply(self)
        self._sound = LastSound(self.fade)
        self._foreground = Foreground(self.foreground)
        self._told = self._pressed = False
        if self._turn:  # reopened within an utterance: let go of the work held back for it
            self.ctx.commit(self._turn)
        self._state = State.IDLE
        self._end_ns = 0
        self._held: deque[AudioPacket] = deque()
        """The beginning of the next utterance: its pre-roll, then its onset."""
        self._turn = 0

    def process(self, packet: AudioPacket) -> Iterator[AudioPacket | Event]:
        if not self.detect:
            yield from self._by_button(packet)
            return
        outside = not self._state.in_utterance
        goes_on = not outside and self._sound.voice_ns == self._end_ns
        voiced = packet.meta["speech"] >= (self.threshold - HYSTERESIS if goes_on else self.threshold)
        self._end_ns = _end_ns(packet)
        self._foreground.hear(power_of(packet), voiced, self._end_ns, not outside)
        if voiced and self._state is State.IDLE:
            self._sound.begin()
        self._sound.hear(packet, voiced)
        if outside:
            yield from self._outside(packet, voiced)
        else:
            yield from self._inside(packet)

    def process_verdict(self, packet: TextPacket) -> Iterator[Event]:
        if self._state is State.PAUSED and packet.turn == self._turn and not self._reply.doubtful:
            wrong = self._wait.rate(packet.pts_ns, packet.meta.get("finished"))
            if wrong and not self._told:
                self._told = True
                self.ctx.warn(f"{wrong}; it is left out")
            yield from self._silent()

    def process_backchannel(self, packet: TextPacket) -> None:
        if packet.turn == self._turn:
            meta = packet.meta
            self._reply.looked(packet.pts_ns, meta.get("backchannel"), bool(meta.get("sure")))
            self._decide()

    def on_event(self, event: Event) -> Iterator[AudioPacket | Event]:
        inside = self._state.in_utterance
        if isinstance(event, TalkStart) and not self.detect and not inside:
            self._pressed, self._end_ns = True, max(self._end_ns, event.pts_ns)
            yield from self._begin()
        elif isinstance(event, TalkEnd | Eos) and inside:
            if isinstance(event, TalkEnd):  # whoever ends it by hand means it
                self._reply.take(self._turn)
            yield from self._over()
        if isinstance(event, Eos):
            self._reply.close()

    def _by_button(self, window: AudioPacket) -> Iterator[AudioPacket | Event]:
        if self._state.in_utterance and not self._pressed:  # voice began it
            yield from self._over()
        self._end_ns = _end_ns(window)
        self._sound.hear(window, self._pressed)
        if not self._pressed:
            self._state = State.IDLE
            self._hold(window)
            return
        yield window.replace(turn=self._turn)
        if self._end_ns - self._start_ns >= self.max_utterance:
            yield from self._over()

    def _over(self) -> Iterator[Event]:
        """End the utterance, whatever is heard."""
        self._state, self._pressed = State.IDLE, False
        self._held.clear()
        yield from self._ended()

    # outside an utterance

    def _outside(self, window: AudioPacket, voiced: bool) -> Iterator[AudioPacket | Event]:
        if not voiced and self._state is State.ONSET:
            self._dips += 1
            if self._dips > 1:
                self._state = State.IDLE
                if self._is_near:
                    self._reply.passed()
        if voiced and self._state is State.IDLE:
            self._state, self._is_near = State.ONSET, False
            self._voiced_ns = 0
        if voiced and self._foreground.near and not self._is_near:
            self._is_near, self._voiced_ns = True, min(self._voiced_ns, (NEAR - 1) * window.duration_ns)
            self._reply.onset(window.pts_ns - self._voiced_ns)
        self._hold(window)
        if voiced:
            self._dips = 0
            self._voiced_ns += window.duration_ns
        if voiced and self._is_near:
            self._reply.voice(self._end_ns, self._voiced_ns)
            if self._voiced_ns >= (self.barge_in_after if self._reply.heard else self.speech_start_after):
                yield from self._begin()
        self._reply.settle(self._end_ns)

    def _begin(self) -> Iterator[AudioPacket | Event]:
        self._turn = self.ctx.new_turn()
        self._wait.bound(self.speech_end_after, self.waits)
        goes_on = self._reply.begun(self._turn)
        self._wait.begin("" if self._reply.doubtful else self.ctx.conversation.take_expected(), goes_on)
        self._state = State.VOICE
        self._foreground.begin()
        self._start_ns = self._held[0].pts_ns if self._held else self._end_ns
        meta = {"over_reply_ns": self._reply.onset_ns} if self._reply.doubtful else {}
        yield SpeechStart(pts_ns=self._start_ns, turn=self._turn, meta=meta)
        while self._held:
            yield self._held.popleft().replace(turn=self._turn)

    # in an utterance

    def _inside(self, window: AudioPacket) -> Iterator[AudioPacket | Event]:
        speaks = self._sound.speaks()
        if speaks and self._state is State.PAUSED:
            if self.speculate and not self._reply.doubtful:
                self.ctx.retract(self._turn, window.pts_ns)
            self._wait.over()
            yield Resume(pts_ns=window.pts_ns, turn=self._turn)
        yield window.replace(turn=self._turn)
        if speaks:
            self._state = State.VOICE
            self._held.clear()
        else:
            if self._state is State.VOICE:
                self._state = State.HUSH
            # already sent, and kept as well: the next utterance may begin in it
            self._hold(window)
            yield from self._silent()
        self._decide()
        if self._end_ns - self._foreground.near_ns >= FAR_NS and self._state is State.VOICE:
            self._sound.end_at(self._foreground.near_ns)
            yield from self._over()
        elif self._end_ns - self._start_ns >= self.max_utterance and self._state is not State.IDLE:
            yield from self._cut()

    def _silent(self) -> Iterator[Event]:
        over = self._end_ns - self._sound.off_ns >= self._wait.ns
        if over and not self._reply.waits(self._sound.off_ns):
            self._state = State.IDLE
            yield from self._ended()
        elif self._sound.silent_ns() >= self.pause_after and self._state is State.HUSH:
            self._state = State.PAUSED
            self._wait.pause(self._end_ns)
            if self.speculate and not self._reply.doubtful:
                self.ctx.speculate(self._turn)
            yield Pause(pts_ns=self._end_ns, turn=self._turn, meta={"voice_off_ns": self._sound.off_ns})

    def _decide(self) -> None:
        """Decide about the reply while an utterance over it may be a backchannel."""
        if self._state.in_utterance:
            paused = self._state is State.PAUSED
            if self._reply.surely(self._turn, self._end_ns, paused):
                self._wait.begin(self.ctx.conversation.take_expected(), False)
                if paused:  # have the next window post the pause anew, to be answered in advance
                    self._state = State.HUSH

    def _cut(self) -> Iterator[Event]:
        """End an utterance that is too long. If speech goes on, its next voiced window begins another."""
        yield from self._ended()
        if self._state is State.VOICE:
            self._state, self._is_near = State.ONSET, True
            self._voiced_ns = max(self.speech_start_after, self.barge_in_after)
        else:
            self._state = State.IDLE

    def _ended(self) -> Iterator[Event]:
        self._wait.over()
        self._foreground.end(self._end_ns, not self._reply.doubtful)
        if self._reply.kept(self._turn, self._sound.off_ns) or self._reply.answers():
            self.ctx.conversation.take_expected()
        elif self._reply.doubtful:
            self._reply.void()
            yield SpeechVoid(pts_ns=self._end_ns, turn=self._turn)
            return
        self._reply.ended(self._end_ns, self._turn)
        try:
            yield SpeechEnd(pts_ns=self._end_ns, turn=self._turn, meta={"voice_off_ns": self._sound.off_ns})
        finally:  # however the event fares: what is held must not wait for ever
            self.ctx.commit(self._turn)

    # in both

    def _hold(self, window: AudioPacket) -> None:
        """Keep a window for the next utterance; before an onset, keep only the pre-roll."""
        self._held.append(window)
        if self._state is State.ONSET and self._is_near:
            return
        while self._held and self._end_ns - _end_ns(self._held[0]) >= self.pre_roll:
            self._held.popleft()


def _end_ns(packet: AudioPacket) -> int:
    return packet.pts_ns + packet.duration_ns
