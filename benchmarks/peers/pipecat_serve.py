"""The peer of `benchmarks/serve_load.py`: pipecat serves scripted models to many clients in one process.

Run by `benchmarks/serve_load.py --pipecat-python PYTHON`, with benchmarks/ as PYTHONPATH. The transport is
pipecat's for FastAPI, with raw PCM16 both ways and `{"type":"clear"}` for an interruption; detector, turn
strategies and aggregators are its own, as in `pipecat_agent.py`. The times are those of `crowd/script.py`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import fields
from typing import Any

import numpy as np
import uvicorn
from crowd import script
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADAnalyzer, VADParams
from pipecat.frames.frames import (
    AudioRawFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
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
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.services.llm_service import LLMService
from pipecat.services.settings import LLMSettings, STTSettings, TTSSettings
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.services.tts_service import TTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.turns.user_start import VADUserTurnStartStrategy
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.utils.text.base_text_aggregator import Aggregation, BaseTextAggregator, TextType
from pipecat.utils.time import time_now_iso8601
from pipecat.workers.runner import WorkerRunner

VAD_STOP_S, WAIT_S = 0.2, 0.48
"""pipecat's default for its detector, and the silence after which a turn has ended."""
BLOCK = 2 * round(script.BLOCK_S * script.VOICE_RATE)
WORD = script.tone(script.SOUND_S).tobytes()


class EnergyAnalyzer(VADAnalyzer):
    """Voice is what is louder than -50 dB: a detector that costs next to nothing."""

    def num_frames_required(self) -> int:
        return 512

    def voice_confidence(self, buffer: bytes) -> float:
        samples = np.frombuffer(buffer, np.int16).astype(np.float32)
        return float(np.dot(samples, samples) / len(samples) > 10_000)


class PcmSerializer(FrameSerializer):
    """PCM16 both ways."""

    async def serialize(self, frame: Frame) -> str | bytes | None:
        if isinstance(frame, AudioRawFrame):
            return frame.audio
        return '{"type":"clear"}' if isinstance(frame, InterruptionFrame) else None

    async def deserialize(self, data: str | bytes) -> Frame | None:
        return InputAudioRawFrame(data, script.MIC_RATE, 1) if isinstance(data, bytes) else None


class TimedStt(SegmentedSTTService):
    def __init__(self) -> None:
        settings = STTSettings(model=None, language=None)
        super().__init__(
            sample_rate=script.MIC_RATE, trailing_silence_secs=0, ttfs_p99_latency=0.5, settings=settings
        )

    @property
    def wants_wav_segments(self) -> bool:
        return False

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame, None]:
        await asyncio.sleep(script.STT_S)
        yield TranscriptionFrame(script.TRANSCRIPT, "user", time_now_iso8601())


class TimedLlm(LLMService):
    def __init__(self) -> None:
        every = [f.name for f in fields(LLMSettings) if f.init]  # pipecat wants each set; None: not supported
        given: dict[str, Any] = dict.fromkeys(every)
        given |= {"model": "script", "extra": {}, "use_provider_thinking_default": False}
        super().__init__(settings=LLMSettings(**given))

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        await self.push_frame(LLMFullResponseStartFrame())
        wait_s = script.FIRST_WORD_S
        for word in script.REPLY.split():
            await asyncio.sleep(wait_s)
            await self.push_frame(LLMTextFrame(f"{word} "))
            wait_s = script.WORD_S
        await self.push_frame(LLMFullResponseEndFrame())


class CountedChunks(BaseTextAggregator):
    """Groups words by their number."""

    def __init__(self) -> None:
        super().__init__(aggregation_type=TextType.SENTENCE)
        self._words: list[str] = []
        self._least = script.CHUNKS[0]

    @property
    def text(self) -> Aggregation:
        return Aggregation(" ".join(self._words), TextType.SENTENCE)

    async def aggregate(self, text: str) -> AsyncIterator[Aggregation]:
        self._words += text.split()
        if len(self._words) >= self._least:
            yield self.text
            self._words, self._least = [], script.CHUNKS[1]

    async def flush(self) -> Aggregation | None:
        rest = self.text if self._words else None
        await self.reset()
        return rest

    async def handle_interruption(self) -> None:
        await self.reset()

    async def reset(self) -> None:
        self._words, self._least = [], script.CHUNKS[0]


class TimedTts(TTSService):
    def __init__(self) -> None:
        settings = TTSSettings(model=None, voice=None, language=None)
        super().__init__(
            push_start_frame=True, push_stop_frames=True, sample_rate=script.VOICE_RATE, settings=settings
        )

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame, None]:
        await asyncio.sleep(script.CHUNK_S)
        for _ in text.split():
            for at in range(0, len(WORD), BLOCK):
                yield TTSAudioRawFrame(WORD[at : at + BLOCK], script.VOICE_RATE, 1, context_id=context_id)


app = FastAPI()


@app.websocket("/ws")
async def session(client: WebSocket) -> None:
    """One conversation."""
    await client.accept()
    params = FastAPIWebsocketParams(
        audio_in_enabled=True, audio_out_enabled=True, serializer=PcmSerializer(), allowed_origins=[]
    )
    transport = FastAPIWebsocketTransport(client, params)
    strategies = UserTurnStrategies(
        start=[VADUserTurnStartStrategy()],
        stop=[SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=WAIT_S - VAD_STOP_S)],
    )
    detector = EnergyAnalyzer if os.environ.get("VAD") == "vad.energy" else SileroVADAnalyzer
    vad = detector(params=VADParams(confidence=0.5, stop_secs=VAD_STOP_S, min_volume=0.0))
    pair = LLMContextAggregatorPair(
        LLMContext(), user_params=LLMUserAggregatorParams(user_turn_strategies=strategies, vad_analyzer=vad)
    )
    stages = [
        transport.input(),
        TimedStt(),
        pair.user(),
        TimedLlm(),
        LLMTextProcessor(text_aggregator=CountedChunks()),
        TimedTts(),
        transport.output(),
        pair.assistant(),
    ]
    rates = PipelineParams(audio_in_sample_rate=script.MIC_RATE, audio_out_sample_rate=script.VOICE_RATE)
    worker = PipelineWorker(Pipeline(stages), params=rates, idle_timeout_secs=None)

    @transport.event_handler("on_client_disconnected")
    async def left(*_: object) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


def main() -> None:
    logger.remove()
    logger.add(sys.stderr, level="ERROR")
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    bound.listen(128)
    print(f"http://127.0.0.1:{bound.getsockname()[1]}/", flush=True)
    config = uvicorn.Config(app, log_level="error", ws_per_message_deflate=False)
    asyncio.run(uvicorn.Server(config).serve(sockets=[bound]))


if __name__ == "__main__":
    main()
