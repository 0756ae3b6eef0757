"""`detector.energy`: rate speech by loudness above an adaptive noise floor. Needs no model.

    L = 10 log10(mean(h(x)²))                       level of one window of 32 ms, in dB re full scale
    F = max(min(L over the last `memory`), floor_db)   noise floor, by the minimum of the levels
    p = 1 / (1 + exp(-(L - F - margin_db) / 1.5))   0.5 where the level is `margin_db` over the floor

h is a high-pass (`vflow.HighPass`): an offset or hum does not hide a soft voice, and a thump is no speech.
Speech falls to the floor between syllables and words; steady noise and hum never leave it. So the minimum
follows the noise and not the voice. A noise that begins counts as speech until `memory` has passed. In a
stream that begins within speech, speech is found after its first dip. Babble and music count as speech.

Source: R. Martin, "Noise power spectral density estimation based on optimal smoothing and minimum
statistics", IEEE Trans. Speech and Audio Processing 9(5), 2001; here over the whole band.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator

from vflow import Audio, AudioPacket, Duration, Eos, Event, In, Node, Out, prop
from vflow_nodes.lib.windowing import RATE, WINDOW_NS, Loudness, Windows, rated

SLOPE_DB = 1.5
"""How soft the step at the margin is; white noise varies by 0.3 dB from window to window."""


class EnergyDetector(Node):
    """Detect speech by its energy above an adaptive noise floor: no model, for quiet rooms."""

    example = "detector: {use: detector.energy, margin_db: 8}"

    margin_db: float = prop(6.0, ge=1, le=40, unit="dB", doc="level above the floor that gives 0.5")
    floor_db: float = prop(
        -60.0, ge=-120, le=0, unit="dB", doc="lowest noise floor, re full scale: digital silence has none"
    )
    memory: Duration = prop(
        "2s", ge="500ms", le="30s", doc="how far back the minimum looks: longer than any word"
    )

    audio = In(Audio(rate=RATE, channels=1), doc="speech and noise")
    out = Out(Audio(rate=RATE, channels=1, features={"speech"}), doc="windows of 32 ms")

    def open(self) -> None:
        self._loudness = Loudness()
        self._windows = Windows(restart=self._forget)
        self._forget()

    def _forget(self) -> None:
        self._loudness.reset()
        self._levels: deque[float] = deque(maxlen=max(1, self.memory // WINDOW_NS))

    def process(self, packet: AudioPacket) -> Iterator[AudioPacket]:
        for window, pts_ns in self._windows.cut(packet):
            power = self._loudness.of(window)
            yield rated(window, pts_ns, self._speech(power), power)

    def on_event(self, event: Event) -> None:
        if isinstance(event, Eos):
            self._windows.reset()

    def _speech(self, power: float) -> float:
        level = 10 * math.log10(power + 1e-12)
        self._levels.append(level)
        floor = max(min(self._levels), self.floor_db)
        exponent = (level - floor - self.margin_db) / SLOPE_DB
        return 1 / (1 + math.exp(-max(-50.0, min(exponent, 50.0))))
