"""Run pipecat: a chain of pass-through processors at default settings, on 20 ms audio frames.

Install: python3 -m venv pipecat-venv && pipecat-venv/bin/pip install pipecat-ai
and run the benchmark with --pipecat-python pipecat-venv/bin/python.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from loguru import logger

logger.remove()

from pipecat.frames.frames import EndFrame, EndWorkerFrame, Frame, OutputAudioRawFrame, StartFrame  # noqa: E402
from pipecat.pipeline.pipeline import Pipeline  # noqa: E402
from pipecat.pipeline.worker import PipelineWorker  # noqa: E402
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor  # noqa: E402
from pipecat.workers.runner import WorkerRunner  # noqa: E402
from protocol import BLOCK_S, FRAMES, RATE, Answer, Paces, rate, serve  # noqa: E402

SILENCE = bytes(2 * FRAMES)
"""Content of a frame: pipecat's audio is 16 bit. It goes in data frames: input frames are not queued."""


def frame() -> OutputAudioRawFrame:
    return OutputAudioRawFrame(audio=SILENCE, sample_rate=RATE, num_channels=1)


class Source(FrameProcessor):
    """Sends frames as soon as the pipeline has started, then its end."""

    def __init__(self, packets: int, paces: Paces | None) -> None:
        super().__init__()
        self.packets, self.paces = packets, paces
        self.began_s = 0.0

    async def process_frame(self, received: Frame, direction: FrameDirection) -> None:
        await super().process_frame(received, direction)
        await self.push_frame(received, direction)
        if isinstance(received, StartFrame):
            self.create_task(self.send())

    async def send(self) -> None:
        await asyncio.sleep(0.2)  # until the start is complete
        if self.paces is None:
            self.began_s = time.perf_counter()
            for _ in range(self.packets):
                await self.push_frame(frame())
        else:
            await self.send_at_pace(self.paces)
        await self.push_frame(EndWorkerFrame())

    async def send_at_pace(self, paces: Paces) -> None:
        paces.begin()
        for index in range(self.packets):
            left_s = (paces.due_ns(index) - time.monotonic_ns()) / 1e9
            if left_s > 0:
                await asyncio.sleep(left_s)
            made = frame()
            made.pts = paces.due_ns(index)
            paces.emit()
            await self.push_frame(made)


class Pass(FrameProcessor):
    """Passes on each frame."""

    async def process_frame(self, received: Frame, direction: FrameDirection) -> None:
        await super().process_frame(received, direction)
        await self.push_frame(received, direction)


class Slow(Pass):
    """Works longer on a frame than the frame lasts; notes when it begins on each, and how old that is."""

    def __init__(self, work_s: float, paces: Paces) -> None:
        super().__init__()
        self.work_s, self.paces = work_s, paces
        self.ages_ms: list[tuple[float, float]] = []

    async def process_frame(self, received: Frame, direction: FrameDirection) -> None:
        if isinstance(received, OutputAudioRawFrame):
            now_ns = time.monotonic_ns()
            self.ages_ms.append(((now_ns - self.paces.origin_ns) / 1e6, (now_ns - (received.pts or 0)) / 1e6))
            await asyncio.sleep(self.work_s)
        await super().process_frame(received, direction)


class Sink(FrameProcessor):
    """Counts frames, or notes when each comes."""

    def __init__(self, paces: Paces | None) -> None:
        super().__init__()
        self.paces, self.count, self.ended_s = paces, 0, 0.0

    async def process_frame(self, received: Frame, direction: FrameDirection) -> None:
        await super().process_frame(received, direction)
        if isinstance(received, OutputAudioRawFrame):
            self.count += 1
            if self.paces is not None:
                self.paces.arrive()
        else:
            if isinstance(received, EndFrame):
                self.ended_s = time.perf_counter()
            await self.push_frame(received, direction)


def run(*processors: FrameProcessor) -> None:
    """Run a pipeline of these processors from start to end."""

    async def whole() -> None:
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(PipelineWorker(Pipeline(list(processors))))
        await runner.run()

    asyncio.run(whole())


def throughput(nodes: int = 5, packets: int = 2000, **_: Any) -> Answer:
    """Send packets as fast as it goes."""
    source, sink = Source(packets, None), Sink(None)
    run(source, *(Pass() for _ in range(nodes)), sink)
    return rate(sink.count, sink.ended_s - source.began_s)


def paced(nodes: int = 5, packets: int = 400, period_ms: float = 5.0, **_: Any) -> Answer:
    """Send one frame every `period_ms`."""
    paces = Paces(period_ms)
    run(Source(packets, paces), *(Pass() for _ in range(nodes)), Sink(paces))
    return paces.answer()


def overload(seconds: float = 10.0, factor: float = 1.5) -> Answer:
    """Send real-time audio into a processor that needs `factor` times as long."""
    paces = Paces(BLOCK_S * 1e3)
    slow = Slow(BLOCK_S * factor, paces)
    run(Source(int(seconds / BLOCK_S), paces), slow, Sink(None))
    return {"ages_ms": [pair for pair in slow.ages_ms if pair[0] <= seconds * 1e3]}


if __name__ == "__main__":
    serve(throughput, paced, overload)
