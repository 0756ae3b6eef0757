"""Give pipecat a microphone and a loudspeaker that are files, at a device's pace.

Imported by the pipecat peers, which run in an environment of their own: this module needs pipecat, not vflow.
"""

from __future__ import annotations

import asyncio
import threading
import time

import numpy as np
from numpy.typing import NDArray
from pipecat.frames.frames import InputAudioRawFrame, OutputAudioRawFrame, StartFrame
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams

FRAME_S = 0.02
"""As pipecat's own LocalAudioTransport."""


class Session:
    """The clock of one run: `now_ns` counts from the first sample of the microphone."""

    def __init__(self) -> None:
        self.origin_ns = 0
        self.cpu_s = 0.0
        self.ended = asyncio.Event()

    def begin(self) -> None:
        self.origin_ns, self.cpu_s = time.monotonic_ns(), time.process_time()

    def now_ns(self) -> int:
        return time.monotonic_ns() - self.origin_ns if self.origin_ns else 0


class FileMicrophone(BaseInputTransport):
    """Sends `samples`, `(n,) int16`, frame by frame, each at its own intended time; from a thread, as a
    sound device's callback does."""

    def __init__(self, samples: NDArray[np.int16], rate: int, session: Session) -> None:
        super().__init__(TransportParams(audio_in_enabled=True, audio_in_sample_rate=rate))
        self._samples, self._session = samples, session

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._session.begin()
        threading.Thread(target=self._play, args=(asyncio.get_running_loop(),), daemon=True).start()

    def _play(self, loop: asyncio.AbstractEventLoop) -> None:
        size = int(FRAME_S * self.sample_rate)
        for at in range(0, len(self._samples), size):
            block = self._samples[at : at + size]
            due_ns = (at + len(block)) * 1_000_000_000 // self.sample_rate
            time.sleep(max(0, due_ns - self._session.now_ns()) / 1e9)
            frame = InputAudioRawFrame(block.tobytes(), self.sample_rate, 1)
            asyncio.run_coroutine_threadsafe(self.push_audio_frame(frame), loop)
        loop.call_soon_threadsafe(self._session.ended.set)


class FileSpeaker(BaseOutputTransport):
    """Records what a loudspeaker would play: sample n of `recording` is the session's time n / rate.

    A write waits until its first sample plays: like a device it holds the chunk of 40 ms that plays and one
    more.
    """

    def __init__(self, seconds: float, rate: int, session: Session) -> None:
        super().__init__(TransportParams(audio_out_enabled=True, audio_out_sample_rate=rate))
        self.recording = np.zeros(int(seconds * rate), np.int16)
        self._session, self._cursor, self._rate = session, 0, rate

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        samples = np.frombuffer(frame.audio, np.int16)
        start = max(self._cursor, self._session.now_ns() * self._rate // 1_000_000_000)
        room = self.recording[start : start + len(samples)]
        room[:] = samples[: len(room)]
        self._cursor = start + len(samples)
        await asyncio.sleep(max(0.0, start / self._rate - self._session.now_ns() / 1e9))
        return True
