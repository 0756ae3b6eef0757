"""`end_of_turn.text`: judge a pause by the words before it and their punctuation. Needs no model.

It is for speech-to-text that runs elsewhere. It ranks below the plain wait: at the same mean delay it cuts
off hardly fewer turns, and answers half of all turns later.
"""

from __future__ import annotations

from collections.abc import Iterator

from vflow import SECOND, Audio, AudioPacket, Event, Flush, In, Node, Out, QueueOptions, Text, TextPacket
from vflow_nodes.lib.turn_text import TEXT, cues, finished
from vflow_nodes.lib.utterance import RATE, Utterance
from vflow_nodes.lib.verdicts import verdict


class TextEndOfTurn(Node):
    """Judge a pause by its words alone: as good as the punctuation that the speech-to-text writes."""

    rank = -10
    swallows = (Event,)
    example = "end_of_turn: {use: end_of_turn.text}"

    audio = In(
        Audio(rate=RATE, channels=1, features={"turns"}),
        doc="utterances",
        queue=QueueOptions(packets=400, time_ns=10 * SECOND, policy="leaky-oldest"),
    )
    transcript = In(Text("final"), doc="the user's words, transcribed in advance at the pause", optional=True)
    verdict = Out(Text("verdict"), doc="one for each pause with a transcript", bus=True)

    def open(self) -> None:
        self._utterance = Utterance(keep_s=0)
        self._text: TextPacket | None = None
        """The newest transcript; None after it was used, or became void."""

    def process_audio(self, packet: AudioPacket) -> None:
        self._utterance.add(packet)

    def process_transcript(self, packet: TextPacket) -> Iterator[TextPacket]:
        self._text = packet
        yield from self._judged()

    def on_event(self, event: Event) -> Iterator[TextPacket]:
        if self._utterance.follow(event):
            yield from self._judged()

    def on_flush(self, flush: Flush) -> None:
        """Forget the transcript: the user spoke on, and it was made for a pause that is over."""
        if flush.retracts and self._text is not None and flush.turn == self._text.turn:
            self._text = None

    def _judged(self) -> Iterator[TextPacket]:
        """Yield the verdict once a pause and its transcript are here."""
        pause, text = self._utterance.pause, self._text
        if pause is None or text is None or text.turn != pause.turn or text.pts_ns < pause.pts_ns:
            return
        self._text = None
        if text.text.strip():
            values = cues(text.text, self._utterance.seconds, text.meta.get("language", "en"))
            yield verdict(pause, finished(TEXT, values))
