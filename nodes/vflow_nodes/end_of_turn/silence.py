"""`end_of_turn.silence`: never judge, so that `turn` uses its plain wait."""

from __future__ import annotations

from vflow import Audio, Event, In, Node, Out, Packet, Text


class SilenceEndOfTurn(Node):
    """Judge nothing: a plain wait decides when the turn ends. Runs on any machine."""

    rank = 0
    swallows = (Event,)
    example = "end_of_turn: {use: end_of_turn.silence}"

    audio = In(Audio(rate=16_000, channels=1, features={"turns"}), doc="utterances")
    transcript = In(Text("final"), doc="what the user said", optional=True)
    verdict = Out(Text("verdict"), doc="none, ever")

    def process(self, packet: Packet) -> None:
        """Drop the utterance."""
