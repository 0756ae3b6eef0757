"""`stt.moonshine`: transcribe each utterance with Moonshine tiny, offline, on the CPU.

Source: https://github.com/moonshine-ai/moonshine (MIT); N. Jeffries et al., "Moonshine: Speech Recognition
for Live Transcription and Voice Commands", arXiv:2410.15608. The wheel moonshine-voice 0.1.0 contains the
English model; later ones download theirs.

Measured in CPU time: 2 s of speech take 80 ms, 11 s 290 ms; for 45 s the model repeats itself without end. So
an utterance is transcribed in pieces of 15 s while it goes on, cut at a quiet place, and little is left to do
at its end.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vflow import (
    MS,
    SECOND,
    Audio,
    AudioPacket,
    Event,
    Flush,
    In,
    Node,
    Out,
    Pause,
    QueueOptions,
    Resume,
    Samples,
    SpeechEnd,
    SpeechStart,
    Text,
    TextPacket,
    join_words,
    prop,
)
from vflow_nodes.lib.moonshine import RATE, Guess, Transcriber, folder_of, problem

PIECE = 15 * RATE
"""Most samples that are transcribed at once."""
SEARCH = 5 * RATE
"""Samples at the end of a piece among which the quietest place is sought."""
OTHERS_NS, TAIL_NS = 1400 * MS, 250 * MS
"""If the user's own sound ended this long before the utterance, the rest is silence or another's voice: of
it only the tail is transcribed."""
GRAIN = RATE // 20
"""Samples, 50 ms, over which quietness is measured."""


def quiet_place(samples: Samples) -> int:
    """Return where to cut: the middle of the quietest 50 ms in the last 5 s of `samples`, `(frames,)`."""
    grains = samples[-SEARCH:].reshape(-1, GRAIN)
    quietest = int(np.square(grains).mean(axis=1).argmin())
    return len(samples) - SEARCH + quietest * GRAIN + GRAIN // 2


class MoonshineStt(Node):
    """Transcribe utterances with Moonshine tiny (English): about 60 ms for a short question."""

    heavy = True
    speculates = True
    rank = 50
    example = "stt: {use: stt.moonshine}"

    model: str = prop(
        "tiny-en",
        file="reads",
        doc="tiny-en, the model in the wheel; or a folder with the files of another tiny model",
    )

    audio = In(
        Audio(rate=RATE, channels=1, features={"turns"}),
        doc="utterances",
        queue=QueueOptions(packets=400, time_ns=10 * SECOND),
    )
    transcript = Out(Text("final"), doc="one for each turn; '' if nothing was understood", bus=True)

    @classmethod
    def unavailable(cls) -> str:
        return problem()

    _in_advance = False
    """Whether any pause was answered in advance: then a pause not wanted in advance has passed."""

    def open(self) -> None:
        """Load the model, or share the one that another node loaded. Raises: Unavailable."""
        self._forget()
        folder = folder_of(self.model)
        self.ctx.progress("loading Moonshine")
        threads = self.ctx.threads("onnxruntime")
        self._transcriber = self.ctx.shared(f"moonshine:{folder}", lambda: Transcriber(folder, threads))

    def warm_up(self) -> None:
        self._transcriber.warm_up()

    def _forget(self) -> None:
        self._turn = 0
        self._blocks: list[Samples] = []
        self._frames = 0
        self._pieces: list[str] = []  # transcripts of the audio that has left _blocks
        self._guess = Guess()  # the tokens of what is in _blocks, as far as they are known
        self._text: str | None = None  # the transcript at the pause
        self._given = False  # whether it was sent in advance

    def process(self, packet: AudioPacket) -> None:
        """Collect audio, and transcribe each full piece, which takes up to 0.3 s."""
        if self._turn == 0 or packet.turn != self._turn:
            return
        self._blocks.append(packet.mono())
        self._frames += packet.frames
        if self._frames >= PIECE:
            samples = np.concatenate(self._blocks)
            cut = quiet_place(samples)
            self._pieces.append(self._transcriber.text(samples[:cut], self._guess))
            self._blocks, self._guess = [samples[cut:]], Guess()
            self._frames = len(samples) - cut

    def on_event(self, event: Event) -> Iterator[TextPacket]:
        if isinstance(event, SpeechStart):
            self._forget()
            self._turn = event.turn
        elif self._turn == 0 or event.turn != self._turn:
            return
        elif isinstance(event, Pause):
            # Likely the end: do the work while the turn still waits to be sure. But not if the user spoke on
            # while this thread was busy: the next pause would have to wait for it.
            wanted = self.ctx.speculative(event)
            self._in_advance = self._in_advance or wanted
            if wanted or not self._in_advance:
                self._text = self._transcript()
            if wanted and self.ctx.speculative(event):
                self._given = True
                yield TextPacket(text=self._text or "", pts_ns=event.pts_ns, turn=event.turn)
        elif isinstance(event, Resume):
            self._text, self._given = None, False
        elif isinstance(event, SpeechEnd):
            given, text = self._given, self._text
            if text is None:
                text = self._transcript(event.pts_ns - event.meta.get("voice_off_ns", event.pts_ns))
            self._forget()
            if not given:
                yield TextPacket(text=text, pts_ns=event.pts_ns, turn=event.turn)

    def on_cancel(self, flush: Flush) -> None:
        """Forget that a transcript was sent in advance: the user spoke on, and it was taken back."""
        if flush.retracts and flush.turn == self._turn:
            self._text, self._given = None, False

    def _transcript(self, silence_ns: int = 0) -> str:
        """Transcribe what is here. Leave out the end if the user's own sound ended that long ago."""
        rest = np.concatenate(self._blocks) if self._blocks else np.empty(0, np.float32)
        if silence_ns >= OTHERS_NS:
            rest = rest[: max(0, len(rest) - (silence_ns - TAIL_NS) * RATE // SECOND)]
        return join_words([*self._pieces, self._transcriber.text(rest, self._guess)])
