"""`end_of_turn.fused`: judge a pause by the sound of the utterance and by its words.

    pause ── look, 50 ms ──┬── transcript within 160 ms of the pause ── verdict by both
                           └── verdict by the sound alone ── transcript ── verdict by both

The transcript is the one that speech-to-text makes in advance at the pause anyway; it costs nothing. The
verdict by the sound alone is not given at once, because the short wait that it may set could end before the
words come. It is not left out either: without any verdict, `turn` ends the turn after its plain wait.
"""

from __future__ import annotations

from collections.abc import Iterator

from vflow import Event, Flush, In, Text, TextPacket
from vflow_nodes.lib.sound_judge import SoundJudge
from vflow_nodes.lib.turn_text import AUDIO, AUDIO_AND_TEXT, cues, finished
from vflow_nodes.lib.verdicts import PATIENCE_NS, verdict


class FusedEndOfTurn(SoundJudge):
    """Judge a pause by its sound and its words; by its sound alone if no transcript comes in time."""

    rank = 60
    example = "end_of_turn: {use: end_of_turn.fused}"

    transcript = In(Text("final"), doc="the user's words, transcribed in advance at the pause", optional=True)

    def open(self) -> None:
        """Load the model, or share the one that another node loaded. Raises: Unavailable."""
        super().open()
        self._text: TextPacket | None = None
        """The newest transcript."""
        self._sound: float | None = None
        """The log-odds by the sound of a pause that has no verdict by sound and words yet."""

    def process_transcript(self, packet: TextPacket) -> Iterator[TextPacket]:
        self._text = packet
        yield from self._by_both()

    def on_event(self, event: Event) -> Iterator[TextPacket]:
        if not self._utterance.follow(event):
            return
        self._forget()
        self._sound = self.look(event)
        if self._sound is not None:
            if self.ctx.sources("transcript"):
                self.ctx.wake_at(event.pts_ns + PATIENCE_NS)
                yield from self._by_both()
            else:
                yield from self.on_timer()

    def on_timer(self) -> Iterator[TextPacket]:
        """Judge by the sound alone: the transcript is late, or there is none."""
        pause, sound = self._utterance.pause, self._sound
        if pause is not None and sound is not None:
            yield verdict(pause, finished(AUDIO, {"sound": sound}))

    def on_flush(self, flush: Flush) -> None:
        """Forget the transcript if the user spoke on; after another flush, set the cancelled timer again."""
        pause = self._utterance.pause
        if flush.retracts and flush.turn == self._utterance.turn:
            self._text = None
            self._forget()
        elif self._sound is not None and pause is not None:
            self.ctx.wake_at(pause.pts_ns + PATIENCE_NS)

    def _forget(self) -> None:
        self._sound = None
        self.ctx.wake_at(None)

    def _by_both(self) -> Iterator[TextPacket]:
        """Yield the verdict once the sound and the words are both here."""
        pause, sound, text = self._utterance.pause, self._sound, self._text
        if pause is None or sound is None or text is None:
            return
        if text.turn != pause.turn or text.pts_ns < pause.pts_ns:
            return  # the transcript is of an earlier pause
        self._forget()
        if text.text.strip():
            said = cues(text.text, self._utterance.seconds, text.meta.get("language", "en"))
            yield verdict(pause, finished(AUDIO_AND_TEXT, {**said, "sound": sound}))
        else:
            yield verdict(pause, finished(AUDIO, {"sound": sound}))
