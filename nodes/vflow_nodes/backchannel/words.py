"""`backchannel.words`: transcribe speech over a reply while it goes on (Moonshine tiny), and use a lexicon.

voice of 0.25 s ── look ── 0.1 s ── look ── ... ── pause ── look
"""

from __future__ import annotations

from collections.abc import Iterator

from vflow import (
    MS,
    SECOND,
    Audio,
    AudioPacket,
    Event,
    In,
    Node,
    Out,
    Pause,
    QueueOptions,
    SpeechEnd,
    SpeechStart,
    SpeechVoid,
    Text,
    TextPacket,
)
from vflow_nodes.lib import moonshine
from vflow_nodes.lib.backchannels import is_backchannel
from vflow_nodes.lib.barge_in import LOOKS
from vflow_nodes.lib.utterance import Utterance

FIRST_NS, STEP_NS = 256 * MS, 96 * MS
"""Voice before the first look, and between two looks: from less, the model hears arbitrary words."""
LAST_NS = 1500 * MS
"""Voice after which no look is needed any more."""
LATE_NS = 200 * MS
"""Audio that has waited for longer is skipped if more follows."""


class BackchannelWords(Node):
    """Look at the words of an utterance over a reply every 0.1 s: 40 ms of CPU a look, English.

    Each look is a packet with `meta["backchannel"]`: true, false, or None if there are no words.
    """

    heavy = True
    rank = 50
    swallows = (Event,)
    example = "backchannel: {use: backchannel.words}"

    audio = In(
        Audio(rate=moonshine.RATE, channels=1, features={"turns"}),
        doc="utterances",
        queue=QueueOptions(packets=400, time_ns=10 * SECOND, policy="leaky-oldest"),
    )
    looks = Out(Text("backchannel"), doc="one for each look", bus=True)

    @classmethod
    def unavailable(cls) -> str:
        return moonshine.problem()

    def open(self) -> None:
        """Load the model, or share the one that another node loaded. Raises: Unavailable."""
        self.ctx.progress("loading Moonshine")
        folder = moonshine.folder_of("tiny-en")
        threads = self.ctx.threads("onnxruntime")
        self._transcriber = self.ctx.shared(
            f"moonshine:{folder}", lambda: moonshine.Transcriber(folder, threads)
        )
        self._utterance = Utterance(keep_s=4)
        self._onset_ns = self._next_ns = -1
        """When the voice of an utterance over a reply began, -1 if nothing is to be looked at; and when to
        look next."""
        self._other = 0
        """How many looks in a row found other words."""

    def warm_up(self) -> None:
        self._transcriber.warm_up()

    def process(self, packet: AudioPacket) -> Iterator[TextPacket]:
        self._utterance.add(packet)
        end_ns = packet.pts_ns + packet.duration_ns
        if self._onset_ns < 0 or packet.turn != self._utterance.turn or end_ns < self._next_ns:
            return
        if self._utterance.pause is None and self.ctx.now_ns() - end_ns < LATE_NS:
            yield from self._look(end_ns)

    def on_event(self, event: Event) -> Iterator[TextPacket]:
        if not self._utterance.follow(event):
            return
        if isinstance(event, SpeechStart):
            self._onset_ns = int(event.meta.get("over_reply_ns", -1))
            self._next_ns, self._other = self._onset_ns + FIRST_NS, 0
        elif isinstance(event, SpeechEnd | SpeechVoid):
            self._onset_ns = -1
        elif isinstance(event, Pause) and self._onset_ns >= 0:
            yield from self._look(event.pts_ns)

    def _look(self, at_ns: int) -> Iterator[TextPacket]:
        if at_ns - self._onset_ns > LAST_NS:
            return
        self._next_ns = at_ns + STEP_NS
        text = self._transcriber.text(self._utterance.samples())
        found = is_backchannel(text)
        self._other = self._other + 1 if found is False else 0
        if self._other >= LOOKS:  # it interrupts: a look more would only hold up the transcript
            self._onset_ns = -1
        meta = {"backchannel": found}
        yield TextPacket(text=text, turn=self._utterance.turn, pts_ns=at_ns, meta=meta)
