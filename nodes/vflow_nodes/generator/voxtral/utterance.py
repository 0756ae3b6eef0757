"""Collect one utterance in windows of speech; encode each once, when it is needed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from vflow_nodes.generator.voxtral.mel import RATE_HZ, LogMel, Window
from vflow_nodes.generator.voxtral.prompt import EMBEDDINGS, Audio, Speech
from vflow_nodes.lib.decode.prompt import Embeds

Encode = Callable[[npt.NDArray[np.float32]], object]
"""Turns windows `(n, 128, 3000)` into embeddings `(n * 375, hidden)`; called in the engine's thread."""

SILENT = 1e-3
"""Peak amplitude (-60 dB) below which nothing is answered."""
SHORTEST = 1600
"""Fewest samples, 0.1 s: less is no speech."""


class Utterance:
    """Collects the speech of one turn. The node's thread.

    `speech` returns its windows for a prompt, and `embeds` their embeddings: the identity of an `Audio` is
    the number of its `Embeds`.
    """

    def __init__(self, turn: int, encode: Encode, most: int) -> None:
        self.turn = turn
        self.embeds: dict[int, Embeds] = {}
        self._encode, self._most = encode, most
        self._mel = LogMel()
        self._peak = 0.0
        self._made: list[tuple[Window, Embeds]] = []  # by index, as they were last taken
        self.cut = False
        """Whether it was longer than `most` windows, so that later ones were left out."""

    @property
    def seconds(self) -> float:
        """Its length so far."""
        return self._mel.samples / RATE_HZ

    @property
    def empty(self) -> bool:
        """Whether nothing was said."""
        return self._mel.samples < SHORTEST or self._peak < SILENT

    def push(self, samples: npt.NDArray[np.float32]) -> bool:
        """Hear more, `(frames,)` at 16 kHz. Return whether that closed a window."""
        if self._mel.closed >= self._most:
            self.cut = True
            return False
        closed = self._mel.closed
        self._mel.push(samples)
        self._peak = max(self._peak, float(np.abs(samples).max(initial=0.0)))
        return self._mel.closed > closed

    def closed(self) -> Speech:
        """Return the complete windows; their embeddings can be computed while the user still speaks."""
        return self._speech(self._mel.closed)

    def speech(self) -> Speech:
        """Return all windows, as if the utterance ended now."""
        return self._speech(min(self._mel.count, self._most))

    def _speech(self, count: int) -> Speech:
        kept = 0
        while kept < min(count, len(self._made)) and self._mel.is_current(self._made[kept][0]):
            kept += 1
        if kept < count:
            fresh = self._mel.windows(kept)[: count - kept]
            self._made[kept:] = [(window, self._embeds(window)) for window in fresh]
        self.embeds = {embeds.number: embeds for _, embeds in self._made}
        return tuple(Audio(embeds.number) for _, embeds in self._made[:count])

    def _embeds(self, window: Window) -> Embeds:
        encode = self._encode
        return Embeds(EMBEDDINGS, lambda: encode(window.mel[None]))
