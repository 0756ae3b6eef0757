"""Run the models of `benchmarks/agent.py` inside pipecat's own processors, with files as devices.

Run by `benchmarks/agent.py --pipecat-python PYTHON`, in an environment that has pipecat and vflow:

    python benchmarks/peers/pipecat_agent.py IN.wav OUT.wav RECORD.json [--chunks words|sentences]

The STT, the language model, the TTS with its trimming, and their thread counts are those of vflow's nodes;
the VAD is Silero's model as pipecat carries it. The end of a turn: pipecat's VAD stops after its default of
0.2 s, when the STT begins, and its speech timeout waits for the rest of `--wait`. `--chunks sentences` is
pipecat's default way from words to the TTS; `words` chunks as vflow's word buffer begins: two, then four.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams
from pipecat.frames.frames import (
    Frame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.aggregators.llm_text_processor import LLMTextProcessor
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService
from pipecat.services.settings import LLMSettings, STTSettings, TTSSettings
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.services.tts_service import TTSService
from pipecat.turns.user_start import VADUserTurnStartStrategy
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.utils.text.base_text_aggregator import Aggregation, BaseTextAggregator, TextType
from pipecat.utils.time import time_now_iso8601
from pipecat.workers.runner import WorkerRunner
from pipecat_transport import FileMicrophone, FileSpeaker, Session

from vflow import AudioPacket, TextPacket
from vflow_nodes.chat import loading
from vflow_nodes.chat.chat import PERSONA
from vflow_nodes.lib.decode.build import Options, warm_up
from vflow_nodes.lib.decode.prompt import Prompt
from vflow_nodes.lib.decode.sampling import Sampling
from vflow_nodes.lib.decode.session import DecodeSession
from vflow_nodes.lib.decode.words import Word
from vflow_nodes.lib.engine_generator import REPLY
from vflow_nodes.lib.moonshine import Transcriber, bundled
from vflow_nodes.lib.speech import speak
from vflow_nodes.lib.text import mark_after
from vflow_nodes.tts.hibari import Model

MIC_RATE, SPEAKER_RATE = 16_000, 24_000
END = object()
VAD_STOP_S = 0.2
"""Pipecat's default; its strategies are tuned for it."""


class Log:
    """The events of a run, in ns of the session, as `benchmarks/agent.py` reads it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.flushes: list[int] = []
        self.replies: list[dict[str, Any]] = []

    def frame(self, frame: Frame) -> None:
        if isinstance(frame, UserStartedSpeakingFrame):
            self.starts.append(self.session.now_ns())
        elif isinstance(frame, UserStoppedSpeakingFrame):
            self.ends.append(self.session.now_ns())
        elif isinstance(frame, InterruptionFrame):
            self.flushes.append(self.session.now_ns())

    def begin_reply(self, user: str) -> dict[str, Any]:
        reply = {"decided_ns": self.ends[-1] if self.ends else 0, "user": user, "text": "", "heard": ""}
        self.replies.append(reply)
        return reply

    def heard(self, text: str) -> None:
        """Note the end of the assistant's turn. It belongs to the oldest reply without `heard`."""
        for reply in self.replies:
            if not reply.get("over"):
                reply["over"], reply["heard"] = True, text
                return


class MoonshineSegments(SegmentedSTTService):
    def __init__(self) -> None:
        super().__init__(
            sample_rate=MIC_RATE,
            trailing_silence_secs=0,
            ttfs_p99_latency=0.5,
            settings=STTSettings(model=None, language=None),
        )
        folder = bundled()
        assert folder is not None, "moonshine-voice is not installed"
        self._transcriber = Transcriber(folder)
        noise = np.random.default_rng(0).normal(0, 0.01, MIC_RATE // 2)
        self._transcriber.text(np.asarray(noise, np.float32))

    @property
    def wants_wav_segments(self) -> bool:
        return False

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame, None]:
        samples = np.asarray(np.frombuffer(audio, np.int16) / 32768, np.float32)
        text = await asyncio.to_thread(self._transcriber.text, samples)
        if text:
            yield TranscriptionFrame(text, "user", time_now_iso8601())


class CausalLm(LLMService):
    """SmolLM2 through the decode engine of vflow's `chat`; its words are taken in one worker thread."""

    def __init__(self, log: Log, max_tokens: int) -> None:
        every = [f.name for f in fields(LLMSettings) if f.init]  # pipecat wants each set; None: not supported
        given: dict[str, Any] = dict.fromkeys(every)
        given |= {"model": "smollm2", "extra": {}, "use_provider_thinking_default": False}
        super().__init__(settings=LLMSettings(**given))
        self._log, self._max_tokens = log, max_tokens
        options = Options(slots=1, context=2048 + REPLY, threads=1)
        self._language = loading.load("smollm2", "cpu", "auto", options, lambda _: None)
        self._session = DecodeSession(self._language.engine)
        self._thread = ThreadPoolExecutor(max_workers=1)
        warm_up(self._language.engine, 1, 2048)
        self._session.prefill(Prompt(self._language.prompt(PERSONA, [{"role": "user", "content": "Hello."}])))

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if direction is FrameDirection.DOWNSTREAM:
            self._log.frame(frame)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        await self.push_frame(LLMFullResponseStartFrame())
        try:
            await self._answer(frame.context)
        finally:
            await self.push_frame(LLMFullResponseEndFrame())

    async def _answer(self, context: LLMContext) -> None:
        said: list[Any] = context.messages
        messages = [{"role": m["role"], "content": m["content"]} for m in said]
        reply = self._log.begin_reply(messages[-1]["content"])
        prompt = Prompt(self._language.prompt(PERSONA, messages))
        made = self._session.generate(prompt, Sampling(temperature=0, max_tokens=self._max_tokens))
        words, loop, end = made.words(), asyncio.get_running_loop(), object()
        try:
            while (word := await loop.run_in_executor(self._thread, next, words, end)) is not end:
                if isinstance(word, Word):
                    reply.setdefault("first_word_ns", self._log.session.now_ns())
                    reply["text"] = f"{reply['text']} {word.text}".strip()
                    await self.push_frame(LLMTextFrame(f"{word.text} "))
        finally:
            made.cancel()


class Chunks(BaseTextAggregator):
    """Makes chunks of two words, then of four, or up to a punctuation mark."""

    def __init__(self) -> None:
        super().__init__(aggregation_type=TextType.SENTENCE)
        self._words: list[str] = []
        self._least = 2

    @property
    def text(self) -> Aggregation:
        return Aggregation(" ".join(self._words), TextType.SENTENCE)

    async def aggregate(self, text: str) -> AsyncIterator[Aggregation]:
        self._words += text.split()
        if self._words and (len(self._words) >= self._least or mark_after(self._words[-1])):
            yield self.text
            self._words, self._least = [], 4

    async def flush(self) -> Aggregation | None:
        rest = self.text if self._words else None
        await self.reset()
        return rest

    async def handle_interruption(self) -> None:
        await self.reset()

    async def reset(self) -> None:
        self._words, self._least = [], 2


class HibariTts(TTSService):
    def __init__(self) -> None:
        settings = TTSSettings(model=None, voice=None, language=None)
        super().__init__(
            push_start_frame=True, push_stop_frames=True, sample_rate=SPEAKER_RATE, settings=settings
        )
        self._voice = Model("heart", 1)
        for sentence in self._voice.phonemes("Warming up."):
            self._voice.samples(sentence, 1.0)

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame, None]:
        blocks = speak(TextPacket(text=text), self._voice, 1.0, time.monotonic_ns)
        while (block := await asyncio.to_thread(next, blocks, END)) is not END:
            if isinstance(block, AudioPacket):
                pcm = (block.mono() * 32767).astype(np.int16).tobytes()
                yield TTSAudioRawFrame(pcm, SPEAKER_RATE, 1, context_id=context_id)


def vad(start_s: float) -> SileroVADAnalyzer:
    """Return Silero as vflow's `turn` uses it: no floor of volume, threshold 0.5."""
    return SileroVADAnalyzer(
        params=VADParams(confidence=0.5, start_secs=start_s, stop_secs=VAD_STOP_S, min_volume=0.0)
    )


async def converse(args: argparse.Namespace) -> None:
    heard, _ = soundfile.read(args.input, dtype="int16")
    session = Session()
    log = Log(session)
    microphone = FileMicrophone(heard, MIC_RATE, session)
    speaker = FileSpeaker(len(heard) / MIC_RATE, SPEAKER_RATE, session)
    strategies = UserTurnStrategies(
        start=[VADUserTurnStartStrategy()],
        stop=[SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=args.wait - VAD_STOP_S)],
    )
    pair = LLMContextAggregatorPair(
        LLMContext(),
        user_params=LLMUserAggregatorParams(user_turn_strategies=strategies, vad_analyzer=vad(args.start)),
    )

    @pair.assistant().event_handler("on_assistant_turn_stopped")
    async def stopped(_: object, message: Any) -> None:
        log.heard(message.content)

    chunks = [LLMTextProcessor(text_aggregator=Chunks())] if args.chunks == "words" else []
    model = CausalLm(log, args.max_tokens)
    stages = [MoonshineSegments(), pair.user(), model, *chunks, HibariTts(), speaker, pair.assistant()]
    params = PipelineParams(audio_in_sample_rate=MIC_RATE, audio_out_sample_rate=SPEAKER_RATE)
    worker = PipelineWorker(Pipeline([microphone, *stages]), params=params, idle_timeout_secs=None)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await session.ended.wait()
    cpu_s, wall_s = time.process_time() - session.cpu_s, session.now_ns() / 1e9
    record = {
        "version": version("pipecat-ai"),
        "starts": log.starts,
        "ends": log.ends,
        "flushes": log.flushes,
        "replies": log.replies,
        "cpu_s": cpu_s,
        "wall_s": wall_s,
    }
    soundfile.write(args.output, speaker.recording, SPEAKER_RATE)
    Path(args.record).write_text(json.dumps(record))
    await worker.cancel()
    await running


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("input", help="what the user says, 16 kHz mono")
    parser.add_argument("output", help="what the agent says")
    parser.add_argument("record", help="JSON: moments in ns from the input's first sample")
    parser.add_argument("--chunks", choices=("words", "sentences"), default="words")
    parser.add_argument("--wait", type=float, default=0.48, help="silence that ends a turn, s")
    parser.add_argument("--start", type=float, default=0.2, help="voice that begins one, s")
    parser.add_argument("--max-tokens", type=int, default=24)
    logger.remove()
    logger.add(sys.stderr, level="ERROR")
    asyncio.run(converse(parser.parse_args()))


if __name__ == "__main__":
    main()
