"""`end_of_turn.smart_turn`: judge a pause by how the utterance sounds, with the model smart-turn."""

from __future__ import annotations

from collections.abc import Iterator

from vflow import Event, In, Text, TextPacket
from vflow_nodes.lib.sound_judge import SoundJudge
from vflow_nodes.lib.turn_text import AUDIO, finished
from vflow_nodes.lib.verdicts import verdict


class SmartTurnEndOfTurn(SoundJudge):
    """Judge a pause by the sound of the last 8 s: 50 ms of CPU a pause. English, and 22 other languages."""

    rank = 50
    example = "end_of_turn: {use: end_of_turn.smart_turn}"

    transcript = In(Text("final"), doc="not needed", optional=True)

    def process_transcript(self, packet: TextPacket) -> None:
        """Drop the transcript."""

    def on_event(self, event: Event) -> Iterator[TextPacket]:
        if self._utterance.follow(event) and (sound := self.look(event)) is not None:
            yield verdict(event, finished(AUDIO, {"sound": sound}))
