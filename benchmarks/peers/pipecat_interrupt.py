"""Make the replies and interruptions of `benchmarks/interrupt.py` in pipecat.

Run by `benchmarks/interrupt.py --pipecat-python PYTHON`, in an environment that has pipecat and vflow:

    python benchmarks/peers/pipecat_interrupt.py hibari|loop|thread '[pauses in s]' OUT.wav RECORD.json

A reply is CHUNKS text frames. A processor makes CHUNK_S of audio of each; the sample values tell the reply.
It synthesizes a sentence in a thread (`hibari`), or blocks for BLOCK_S: in the event loop (`loop`), or in a
thread that it awaits (`thread`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

import numpy as np
import soundfile
from loguru import logger
from pipecat.frames.frames import Frame, StartFrame, TextFrame, TTSAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner
from pipecat_transport import FileSpeaker, Session

from vflow_nodes.tts.hibari import Model

RATE, CHUNK_S, CHUNKS, CODE, BLOCK_S = 24_000, 0.6, 20, 100, 0.2
"""As in `benchmarks/speech/stamps.py`."""
SENTENCE = "This is what the agent is saying now."


class Replier(FrameProcessor):
    """Sends a reply's chunks, and interrupts."""

    def __init__(self) -> None:
        super().__init__()
        self.started = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self.started.set()

    async def reply(self, number: int) -> None:
        for _ in range(CHUNKS):
            await self.push_frame(TextFrame(str(number)))

    async def interrupt(self, number: int) -> int:
        """Interrupt, and send the next reply; return when the interruption was done."""
        await self.broadcast_interruption()
        returned = time.monotonic_ns()
        await self.reply(number + 1)
        return returned


class StampedTts(FrameProcessor):
    """Makes a chunk's audio: all samples are CODE times the number of its reply."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self._mode = mode
        self._voice = Model("heart", 1) if mode == "hibari" else None
        self._speak()

    def _speak(self) -> None:
        if self._voice is None:
            return
        for sentence in self._voice.phonemes(SENTENCE):
            self._voice.samples(sentence, 1.0)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, TextFrame):
            await self.push_frame(frame, direction)
            return
        if self._mode == "loop":
            time.sleep(BLOCK_S)  # as a C library that is called in a plain processor
            await asyncio.sleep(0)  # without it the loop would be blocked for the whole reply
        elif self._mode == "thread":
            await asyncio.to_thread(time.sleep, BLOCK_S)
        else:
            await asyncio.to_thread(self._speak)
        samples = np.full(int(CHUNK_S * RATE), CODE * int(frame.text), np.int16)
        for block in np.split(samples, 6):
            await self.push_frame(TTSAudioRawFrame(block.tobytes(), RATE, 1))


async def run(mode: str, pauses: list[float], output: str, record: str) -> None:
    session = Session()
    speaker = FileSpeaker(sum(pauses) + 12.0, RATE, session)
    replier = Replier()
    pipeline = Pipeline([replier, StampedTts(mode), speaker])
    params = PipelineParams(audio_out_sample_rate=RATE)
    worker = PipelineWorker(pipeline, params=params, idle_timeout_secs=None)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await replier.started.wait()
    await asyncio.sleep(0.2)
    loop = asyncio.get_running_loop()
    flushed = await asyncio.to_thread(interrupt, loop, replier, pauses, session)
    await asyncio.sleep(1.5)
    soundfile.write(output, speaker.recording, RATE)
    Path(record).write_text(json.dumps({"flushed": flushed}))
    await worker.cancel()
    await running


def interrupt(
    loop: asyncio.AbstractEventLoop, replier: Replier, pauses: list[float], session: Session
) -> list[tuple[int, int]]:
    """Interrupt from another thread, as a user does, whether the loop is free or not. Return begin and end of
    each interruption, in ns."""
    session.begin()
    asyncio.run_coroutine_threadsafe(replier.reply(1), loop).result()
    flushed = []
    for number, pause_s in enumerate(pauses, 1):
        time.sleep(pause_s)
        begun = time.monotonic_ns()
        returned = asyncio.run_coroutine_threadsafe(replier.interrupt(number), loop).result()
        flushed.append((begun - session.origin_ns, returned - session.origin_ns))
    return flushed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("mode", choices=("hibari", "loop", "thread"))
    parser.add_argument("pauses", type=json.loads)
    parser.add_argument("output")
    parser.add_argument("record")
    args = parser.parse_args()
    logger.remove()
    logger.add(sys.stderr, level="ERROR")
    asyncio.run(run(args.mode, args.pauses, args.output, args.record))


if __name__ == "__main__":
    main()
