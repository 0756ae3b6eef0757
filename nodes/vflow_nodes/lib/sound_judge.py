"""The base of candidates of `end_of_turn` that use the sound: collect the utterance, and look at a pause."""

from __future__ import annotations

import numpy as np

from vflow import SECOND, Audio, AudioPacket, Event, In, Node, Out, Pause, QueueOptions, Text
from vflow_nodes.lib import smart_turn
from vflow_nodes.lib.turn_text import log_odds
from vflow_nodes.lib.utterance import Utterance
from vflow_nodes.lib.verdicts import too_old


class SoundJudge(Node):
    """Holds smart-turn and the utterance. A subclass has a `transcript`, and makes a verdict of each look."""

    heavy = True
    swallows = (Event,)

    audio = In(
        Audio(rate=smart_turn.RATE, channels=1, features={"turns"}),
        doc="utterances",
        queue=QueueOptions(packets=400, time_ns=10 * SECOND, policy="leaky-oldest"),
    )
    verdict = Out(Text("verdict"), doc="one for each pause", bus=True)

    @classmethod
    def unavailable(cls) -> str:
        return smart_turn.problem()

    def open(self) -> None:
        """Load the model, or share the one that another node loaded. Raises: Unavailable."""
        self.ctx.progress("loading smart-turn")
        self._model = self.ctx.shared("smart-turn", smart_turn.load)
        self._utterance = Utterance(smart_turn.SECONDS)

    def warm_up(self) -> None:
        self._model.finished(np.zeros(0, np.float32))

    def process_audio(self, packet: AudioPacket) -> None:
        self._utterance.add(packet)

    def look(self, event: Event) -> float | None:
        """Return the log-odds by the sound that the user has finished, after 50 ms of work; None if the event
        is no pause, or one too old to judge."""
        if not isinstance(event, Pause) or too_old(event, self.ctx.now_ns()):
            return None
        return log_odds(self._model.finished(self._utterance.samples()))
