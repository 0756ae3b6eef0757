"""`generator.voxtral`: hear speech and answer with words, with one model for both."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from vflow import (
    SECOND,
    Audio,
    AudioPacket,
    Event,
    Flush,
    In,
    Out,
    Pause,
    QueueOptions,
    SpeechEnd,
    SpeechStart,
    SpeechVoid,
    Text,
    TextPacket,
    Unavailable,
    models,
    prop,
)
from vflow_nodes.generator.voxtral import MODEL, libraries
from vflow_nodes.generator.voxtral.memory import Exchange, Memory, most_windows
from vflow_nodes.generator.voxtral.prompt import EMBEDDINGS
from vflow_nodes.generator.voxtral.transcript import Transcript, exactly
from vflow_nodes.lib.generator import Emission, Emissions
from vflow_nodes.lib.summarizing import Message, SummarizingGenerator

if TYPE_CHECKING:
    from vflow_nodes.generator.voxtral.loading import Voxtral
    from vflow_nodes.generator.voxtral.utterance import Utterance
    from vflow_nodes.lib.decode.build import Options
    from vflow_nodes.lib.decode.engine import Engine
    from vflow_nodes.lib.decode.prompt import Embeds
    from vflow_nodes.lib.decode.reply import Reply

PERSONA = "You are a helpful voice assistant. Answer what you hear in two or three short spoken sentences."
UNKNOWN = "(speech)"
"""The text of an utterance in the history if it has no transcript."""


class VoxtralGenerator(SummarizingGenerator):
    """Answer utterances with Voxtral, which hears them itself, without a transcript in between.

    The persona, the history, and each 30 s of an utterance are computed ahead, while the user speaks; the
    reply begins at the pause.
    """

    speculates = True
    rank = 50
    example = "generator: {use: generator.voxtral, device: cuda, persona: You are a pirate. Be brief.}"

    model: str = prop(MODEL, file="reads", doc="a Voxtral's directory, or its owner/name on the hub")
    persona: str = prop(PERSONA, doc="who speaks, and how; put before the first utterance")
    context: int = prop(4096, ge=512, doc="tokens of persona, history and utterance; 30 s of speech are 375")
    transcribe: bool = prop(
        True,
        doc="write down the user's words, for display and history; takes a second slot beside the reply",
    )
    language: str = prop("", doc="of the transcript: two letters such as 'en'; '' to detect it")
    audio_turns: int = prop(2, ge=0, le=64, doc="how many turns are remembered as audio; older ones as text")
    attention: Literal["eager", "sdpa", "flash_attention_2"] = prop(
        "sdpa", doc="of the audio encoder; flash_attention_2 needs the package flash-attn"
    )
    compile: bool = prop(
        True, doc="fuse the audio encoder's layers (torch.compile): a longer start; no effect on the CPU"
    )
    cudnn_benchmark: bool = prop(
        False, doc="let cuDNN time algorithms for the encoder's two convolutions; no effect on the CPU"
    )

    audio = In(
        Audio(rate=16_000, channels=1, features={"turns"}),
        doc="utterances",
        queue=QueueOptions(packets=400, time_ns=10 * SECOND),
    )
    text = In(Text("final"), doc="what the user typed", optional=True)
    transcript = Out(Text("final"), doc="one for each utterance; '' if nothing was said", bus=True)

    @classmethod
    def unavailable(cls) -> str:
        if problem := libraries.problem():
            return problem
        if problem := libraries.cuda_problem():
            return f"{problem}; use: generator.voxtral with device: cpu runs it slowly"
        return "" if models.hub_present(MODEL) else f"its weights are not here: vflow models pull {MODEL}"

    def load(self, device: str, options: Options) -> Engine:
        from vflow_nodes.generator.voxtral import loading

        if self.cudnn_benchmark:
            loading.benchmark_cudnn()
        if device == "cpu" and self.device == "auto":
            self.ctx.warn("no CUDA device was found: Voxtral runs on the CPU, slowly")
        key = f"voxtral:{self.model}:{device}:{self.dtype}:{self.attention}:{self.compile}:{options}"
        self._voxtral: Voxtral = self.ctx.shared(
            key,
            lambda: loading.load(
                self.model, device, self.dtype, options, self.attention, self.compile, self.ctx.progress
            ),
        )
        try:
            self._voxtral.prompts.transcription((), self.language)
        except ValueError as error:
            raise Unavailable(f"{error}; set 'language' to them, or to '' to have it found out") from error
        return self._voxtral.engine

    def open(self) -> None:
        super().open()
        self._memory = Memory(
            self._voxtral.prompts, self.ctx.conversation, self.persona, self.prompt_room(), self.audio_turns
        )
        self._utterance: Utterance | None = None
        self._given = False  # whether the utterance has been answered

    def prompt_room(self) -> int:
        """Return how many positions an opening may take: half of the context is for the utterance."""
        return self.context // 2

    def more_context(self) -> str:
        return "set 'context' higher"

    def untold(self) -> tuple[Sequence[Message], Sequence[Any]]:
        return self._memory.untold() if self._utterance is None else ((), ())

    def ask_for_summary(self, messages: Sequence[Message]) -> list[int | Embeds]:
        return self._memory.parts(self._memory.request(messages))

    def remember(self, summary: str, covered: Sequence[Any]) -> None:
        self._memory.take(summary, covered)
        self._ahead()

    def warm_up(self) -> None:
        """Compute the persona, and run the encoder and each step that a reply may take."""
        self.replies.warm_up(self.slots, self.context)
        encoder = self._voxtral.encoder
        self._voxtral.engine.call(encoder.warm_up).result()
        if encoder.problem:
            self.ctx.warn(
                f"the audio encoder runs uncompiled, and slower: {encoder.problem}; install what is missing, "
                "or set 'compile: false'"
            )
        self.replies.rehearse(self._memory.parts([*self._memory.opening(), self._voxtral.prompts.end_inst]))

    def close(self) -> None:
        super().close()
        self.__dict__.pop("_voxtral", None)

    def stats(self, engine: Engine) -> dict[str, Any]:
        return {**super().stats(engine), **self._voxtral.encoder.effects()}

    def process_audio(self, packet: AudioPacket) -> None:
        utterance = self._utterance
        if utterance is None or packet.turn != utterance.turn:
            return
        cut = utterance.cut
        if utterance.push(packet.mono()):
            begun = [*self._memory.opening(utterance.turn), *utterance.closed()]
            self.replies.prefill(self._memory.parts(begun, utterance.embeds.values()))
        if utterance.cut and not cut:
            seconds = self._windows(utterance.turn) * 30
            self.ctx.warn(
                f"the utterance is longer than the {seconds} s that the context holds, and its end is not "
                "heard; set 'context' higher"
            )

    def on_event(self, event: Event) -> Iterator[Emission]:
        if isinstance(event, SpeechStart):
            self._utterance = None
            self.drop_summary()
            self._utterance = yield from self.ready(event.turn, lambda: self._listen(event.turn))
            self._given = False
        elif self._utterance is None or event.turn != self._utterance.turn:
            return
        elif isinstance(event, Pause) and self.ctx.speculative(event) and not self._given:
            self._given = True
            yield from self._answer(self._utterance)
        elif isinstance(event, SpeechVoid):
            self._utterance = None
        elif isinstance(event, SpeechEnd):
            utterance, self._utterance = self._utterance, None
            if not self._given:
                yield from self._answer(utterance)

    def _listen(self, turn: int) -> Utterance:
        return self._voxtral.listen(turn, self._windows(turn))

    def _windows(self, turn: int) -> int:
        """Return how many windows of an utterance fit after its opening."""
        return most_windows(self.context - 1, self._memory.opening(turn), EMBEDDINGS)

    def _answer(self, utterance: Utterance) -> Iterator[Emission]:
        """Yield the reply to an utterance, and beside it the transcript."""
        turn = utterance.turn
        if utterance.empty:
            yield self.transcript, TextPacket(text="", turn=turn, pts_ns=self.ctx.now_ns())
            yield self.words, self.ended(turn, 0, "eos")
            return
        speech = utterance.speech()
        self._exchange, self._written = Exchange(speech, utterance.embeds), Transcript()
        if self.ctx.cancelled(turn):
            self._note(turn, UNKNOWN, "", [])
            return
        opening = self._memory.opening(turn)
        asked = [*opening, *speech, self._voxtral.prompts.end_inst]
        self._seconds = utterance.seconds
        reply = self.reply(self._memory.parts(asked, utterance.embeds.values()), turn)
        yield from self._side_by_side(reply, turn)
        self._ahead()
        self.plan_summary()

    def process_text(self, packet: TextPacket) -> Iterator[Emission]:
        """Answer what the user typed."""
        turn, text = packet.turn or self.ctx.new_turn(), packet.text.strip()
        self.drop_summary()
        if not text:
            yield self.words, self.ended(turn, 0, "eos")
            return
        self.ctx.conversation.append("user", text, turn)
        if self.ctx.cancelled(turn):
            return
        asked = yield from self.ready(turn, self._memory.opening)
        if self._memory.shortened:
            self.tell_too_long("was typed", self.prompt_room())
        self._exchange, self._written = Exchange((), {}), Transcript(told=True)
        yield from self.reply(self._memory.parts([*asked, self._voxtral.prompts.end_inst]), turn)
        self._ahead()
        self.plan_summary()

    def generate(self, parts: Sequence[int | Embeds], turn: int, one_line: bool) -> Reply:
        """Have the engine begin a reply, and after it the transcript, in a slot of its own."""
        reply = super().generate(parts, turn, one_line)
        if self.transcribe and self._exchange.speech:
            prompt = self._voxtral.prompts.transcription(self._exchange.speech, self.language)
            asked = self._memory.parts(prompt, self._exchange.embeds.values())
            exact = self.replies.sampling(**exactly(self._seconds))
            self._written = Transcript(*self.replies.aside(asked, exact))
        return reply

    def _side_by_side(self, reply: Emissions, turn: int) -> Iterator[Emission]:
        """Yield a reply, and the transcript as soon as it is complete."""
        with contextlib.closing(reply):  # its end writes the history, which must precede on_cancel
            for item in reply:
                if self._written.poll():
                    yield from self._told(turn)
                yield item

    def finished(self, turn: int) -> Iterator[Emission]:
        """Yield the transcript, if the reply was faster."""
        while not self._written.poll(wait=True):
            yield None
        yield from self._told(turn)

    def _told(self, turn: int) -> Iterator[Emission]:
        """Yield the transcript, once."""
        if not self._written.told:
            self._written.told = True
            text = self._written.text if self.transcribe else UNKNOWN
            yield self.transcript, TextPacket(text=text, turn=turn, pts_ns=self.ctx.now_ns())

    def answered(self, turn: int, text: str, tokens: list[int]) -> None:
        """Enter the user's words and the reply into the history; remember both in the model's form."""
        self._written.cancel()
        self._note(turn, self._written.text, text, tokens)

    def _note(self, turn: int, said: str, text: str, tokens: list[int]) -> None:
        if self._exchange.speech:
            self.ctx.conversation.append("user", said or UNKNOWN, turn)
        super().answered(turn, text, tokens)
        self._exchange.ids, self._exchange.text = tuple(tokens), text
        self._memory.keep(turn, self._exchange)

    def _ahead(self) -> None:
        """Have the known part of the next turn's prompt computed, if there is an engine."""
        if "replies" in self.__dict__:
            self.replies.prefill(self._memory.parts(self._memory.opening()))
            if self._memory.forgot:
                self.tell_forgotten()

    def on_cancel(self, flush: Flush) -> None:
        if flush.retracts:
            self.on_flush(flush)
            return
        super().on_cancel(flush)
        self._ahead()

    def on_flush(self, flush: Flush) -> None:
        super().on_flush(flush)
        if flush.retracts:  # the user spoke on: the answer in advance is void
            self._memory.forget(flush.turn)
            if self._utterance is not None and self._utterance.turn == flush.turn:
                self._given = False
