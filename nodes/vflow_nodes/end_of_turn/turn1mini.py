"""`end_of_turn.turn1mini`: judge a pause by how the utterance sounds, with the model turn-1-mini.

    audio ── step, 2 ms each 160 ms ── pause ── verdict ── step ── a higher one? verdict ── ...

The model has heard everything when the pause comes, so that its verdict costs one step. It rates the silence
too: often its probability rises in the first half second. Of a pause the highest one counts.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vflow import SECOND, Audio, AudioPacket, Event, In, Node, Out, Pause, QueueOptions, Text, TextPacket
from vflow_nodes.lib import turn1mini
from vflow_nodes.lib.turn1mini import Stream
from vflow_nodes.lib.utterance import Utterance
from vflow_nodes.lib.verdicts import too_old, verdict


class Turn1MiniEndOfTurn(Node):
    """Judge a pause by the sound, with a small model that listens all the time: 1 % of a core. English.

    Its probability is passed on as the model gives it: it was never fitted to vflow's own pauses. So the
    candidates with smart-turn rank higher.
    """

    heavy = True
    rank = 40
    swallows = (Event,)
    example = "end_of_turn: {use: end_of_turn.turn1mini}"

    audio = In(
        Audio(rate=turn1mini.RATE, channels=1, features={"turns"}),
        doc="utterances",
        queue=QueueOptions(packets=400, time_ns=10 * SECOND, policy="leaky-oldest"),
    )
    transcript = In(Text("final"), doc="not needed", optional=True)
    verdict = Out(Text("verdict"), doc="one for each pause, and more while its rating rises", bus=True)

    @classmethod
    def unavailable(cls) -> str:
        return turn1mini.problem()

    def open(self) -> None:
        """Load the model, or share the one that another node loaded. Raises: Unavailable."""
        self.ctx.progress("loading turn-1-mini")
        self._model = self.ctx.shared("turn-1-mini", turn1mini.load)
        self._utterance = Utterance(keep_s=0)
        self._stream = Stream(self._model)
        self._highest: float | None = None
        """The verdict on the present pause; None if it has none."""

    def warm_up(self) -> None:
        for _ in Stream(self._model).add(np.zeros(turn1mini.STEP, np.float32)):
            pass

    def process_transcript(self, packet: TextPacket) -> None:
        """Drop the transcript."""

    def process_audio(self, packet: AudioPacket) -> Iterator[TextPacket]:
        self._utterance.add(packet)
        if packet.turn == self._utterance.turn:
            for probability in self._stream.add(packet.mono()):
                yield from self._rated(probability)

    def on_event(self, event: Event) -> Iterator[TextPacket]:
        turn = self._utterance.turn
        if not self._utterance.follow(event):
            return
        if self._utterance.turn != turn:
            self._stream = Stream(self._model)
        self._highest = None
        if isinstance(event, Pause) and not too_old(event, self.ctx.now_ns()):
            self._highest = -1.0
            yield from self._rated(self._stream.now())

    def _rated(self, probability: float) -> Iterator[TextPacket]:
        """Yield a verdict if the probability is the highest of a pause that is judged."""
        pause = self._utterance.pause
        if pause is not None and self._highest is not None and probability > self._highest:
            self._highest = probability
            yield verdict(pause, min(max(probability, 0.0), 1.0))
