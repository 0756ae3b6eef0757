"""Record a call at `/v1/realtime` as two channels, the caller and what the caller hears, for `hotato check`.

    python benchmarks/judges/call.py ws://127.0.0.1:8080/v1/realtime call.wav

The call: a question, a second one 1.5 s into the reply, a cough of 180 ms 1 s into the next reply, a third
question. Queued audio is dropped at `input_audio_buffer.speech_started`, as stock clients do. Serve with
--no-token.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from pathlib import Path

import numpy as np
import soundfile
from websockets.asyncio.client import ClientConnection, connect

RATE, FRAME = 24_000, 480
QUESTION = Path(__file__).parents[2] / "pipelines" / "question.wav"
STEPS: list[tuple[str, float]] = [
    ("wait", 0.5), ("ask", 0), ("hear", 1.5), ("ask", 0), ("hear", 1.0), ("cough", 0), ("silence", 0.8),
    ("ask", 0), ("hear", 0.5), ("silence", 1.0),
]  # fmt: skip
"""`hear` and `silence` wait for this many seconds of the agent's audio."""
LOUD = 300
"""Samples above this count as sound."""
MOST_FRAMES = 60 * 50


class Call:
    """The call, frame by frame of 20 ms."""

    def __init__(self) -> None:
        self.question, _ = soundfile.read(QUESTION, dtype="int16")
        self.queue = bytearray()
        self.steps = list(STEPS)
        self.saying = np.zeros(0, np.int16)
        self.both: list[np.ndarray] = []
        self._begin()

    def _begin(self) -> None:
        self.waited = self.heard = self.quiet = 0.0

    def frame(self) -> bytes:
        """Play 20 ms of the queued audio; return the caller's audio of the same time."""
        said, played = self._say(), bytes(self.queue[: 2 * FRAME])
        del self.queue[: 2 * FRAME]
        agent = np.frombuffer(played.ljust(2 * FRAME, b"\0"), "<i2")
        loud = bool(np.abs(agent).max() > LOUD)
        self.waited += 0.02
        self.heard += 0.02 * loud
        self.quiet = 0.0 if loud else self.quiet + 0.02
        self.both.append(np.stack([said, agent], axis=1))
        return said.tobytes()

    def _say(self) -> np.ndarray:
        if not len(self.saying):
            kind, seconds = self.steps[0]
            if kind == "ask":
                self.saying = self.question
            elif kind == "cough":
                self.saying = np.random.default_rng(1).normal(0, 1_500, 180 * RATE // 1000).astype(np.int16)
            elif {"wait": self.waited, "hear": self.heard, "silence": self.quiet}[kind] >= seconds:
                self._next()
            return np.zeros(FRAME, np.int16)
        said, self.saying = self.saying[:FRAME], self.saying[FRAME:]
        if not len(self.saying):
            self._next()
        return np.pad(said, (0, FRAME - len(said)))

    def _next(self) -> None:
        del self.steps[0]
        self._begin()

    async def read(self, socket: ClientConnection) -> None:
        async for message in socket:
            event = json.loads(message)
            if event["type"] == "response.output_audio.delta":
                self.queue += base64.b64decode(event["delta"])
            elif event["type"] == "input_audio_buffer.speech_started":
                self.queue.clear()
            elif event["type"] == "error":
                raise RuntimeError(event["error"]["message"])


async def main(address: str, output: str) -> None:
    call = Call()
    async with connect(address, max_size=None) as socket:
        reader = asyncio.create_task(call.read(socket))
        begun = time.monotonic()
        while call.steps and len(call.both) < MOST_FRAMES:
            audio = base64.b64encode(call.frame()).decode()
            await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
            await asyncio.sleep(max(0.0, begun + len(call.both) * 0.02 - time.monotonic()))
        reader.cancel()
    soundfile.write(output, np.concatenate(call.both), RATE)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
