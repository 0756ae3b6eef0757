"""`end_of_turn.smart_turn`: smart-turn listens to how the utterance sounds at a pause."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vflow import (
    SECOND,
    Audio,
    AudioPacket,
    Event,
    In,
    Node,
    Out,
    Pause,
    QueueOptions,
    Text,
    TextPacket,
)
from vflow_nodes.lib import smart_turn
from vflow_nodes.lib.turn_text import AUDIO, finished, log_odds
from vflow_nodes.lib.utterance import Utterance
from vflow_nodes.lib.verdicts import too_old, verdict


class SmartTurnEndOfTurn(Node):
    """Judge a pause by its sound, the last 8 s: 50 ms of CPU a pause. English, and 22 other languages."""

    heavy = True
    rank = 50
    swallows = (Event,)
    example = "end_of_turn: {use: end_of_turn.smart_turn}"

    audio = In(
        Audio(rate=smart_turn.RATE, channels=1, features={"turns"}),
        doc="utterances",
        queue=QueueOptions(packets=400, time_ns=10 * SECOND, policy="leaky-oldest"),
    )
    transcript = In(Text("final"), doc="not needed", optional=True)
    verdict = Out(Text("verdict"), doc="one for each pause", bus=True)

    @classmethod
    def unavailable(cls) -> str:
        return smart_turn.problem()

    def open(self) -> None:
        """Load the model, shared by all that use it. Raises: Unavailable."""
        self.ctx.progress("loading smart-turn")
        self._model = self.ctx.shared("smart-turn", smart_turn.load)
        self._utterance = Utterance(smart_turn.SECONDS)

    def warm_up(self) -> None:
        self._model.finished(np.zeros(0, np.float32))

    def process_audio(self, packet: AudioPacket) -> None:
        self._utterance.add(packet)

    def process_transcript(self, packet: TextPacket) -> None:
        """Drop it."""

    def on_event(self, event: Event) -> Iterator[TextPacket]:
        if not self._utterance.follow(event) or not isinstance(event, Pause):
            return
        if not too_old(event, self.ctx.now_ns()):
            sound = log_odds(self._model.finished(self._utterance.samples()))
            yield verdict(event, finished(AUDIO, {"sound": sound}))
