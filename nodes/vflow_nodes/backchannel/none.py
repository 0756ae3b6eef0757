"""`backchannel.none`: judge nothing. Speech over a reply interrupts it, whatever its words."""

from __future__ import annotations

from vflow import Audio, AudioPacket, Event, In, Node, Out, SpeechStart, Text, TextPacket


class NoBackchannel(Node):
    """Treat every utterance over a reply as an interruption; only its length counts. Runs on any machine."""

    rank = 0
    swallows = (Event,)
    example = "backchannel: {use: backchannel.none}"

    audio = In(Audio(rate=16_000, channels=1, features={"turns"}), doc="utterances")
    looks = Out(Text("backchannel"), doc="one for each utterance over a reply: it is none")

    def process(self, packet: AudioPacket) -> None:
        """Drop the utterance."""

    def on_event(self, event: Event) -> TextPacket | None:
        if not (isinstance(event, SpeechStart) and "over_reply_ns" in event.meta):
            return None
        meta = {"backchannel": False, "sure": True}
        return TextPacket(text="", turn=event.turn, pts_ns=event.pts_ns, meta=meta)
