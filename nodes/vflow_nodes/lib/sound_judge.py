"""The base of candidates of `end_of_turn` that listen: it collects the utterance, and looks at a pause."""

from __future__ import annotations

import numpy as np

from vflow import SECOND, Audio, AudioPacket, Event, In, Node, Out, Pause, QueueOptions, Text
from vflow_nodes.lib import smart_turn
from vflow_nodes.lib.turn_text import log_odds
from vflow_nodes.lib.utterance import Utterance
from vflow_nodes.lib.verdicts import too_old


class SoundJudge(Node):
    """Holds smart-turn and what was said. A subclass has a `transcript`, and says what it makes of a look."""

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
        """Load the model, shared by all that use it. Raises: Unavailable."""
        self.ctx.progress("loading smart-turn")
        self._model = self.ctx.shared("smart-turn", smart_turn.load)
        self._utterance = Utterance(smart_turn.SECONDS)

    def warm_up(self) -> None:
        self._model.finished(np.zeros(0, np.float32))

    def process_audio(self, packet: AudioPacket) -> None:
        self._utterance.add(packet)

    def look(self, event: Event) -> float | None:
        """The log-odds by the sound that the user has finished, which takes 50 ms; None for what is no pause,
        or one that is too old to be judged."""
        if not isinstance(event, Pause) or too_old(event, self.ctx.now_ns()):
            return None
        return log_odds(self._model.finished(self._utterance.samples()))
