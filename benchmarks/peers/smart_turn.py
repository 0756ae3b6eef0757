"""The policies of pipecat and LiveKit for the end of a turn, over one model: smart-turn v3.

Each looks at what was said once a silence has lasted for a while, and then waits for longer or not. Sources:
pipecat 1.14 (`audio/turn/smart_turn`: the last 8 s, Whisper's normalised log-mel; `stop_secs` 0.2 of the VAD,
3 s where the model says that more will come); LiveKit Agents (0.3 and 2.5 s, the delays of its streaming
detector, whose own model may not be run outside of it: smart-turn stands in for it here).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vflow import Samples

RATE, SECONDS = 16_000, 8


@dataclass(frozen=True, slots=True)
class Policy:
    """Looks after `look_ms` of silence; the turn ends then if rated `finished`, else after `wait_ms`."""

    name: str
    look_ms: int
    wait_ms: int
    finished: float = 0.5


POLICIES = (Policy("pipecat", 200, 3000), Policy("LiveKit's waits", 300, 2500))


class SmartTurn:
    """The model, with the features that it was trained on."""

    def __init__(self, file: Path) -> None:
        import onnxruntime
        from transformers import WhisperFeatureExtractor

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self._extract: Any = WhisperFeatureExtractor(feature_size=80, chunk_length=SECONDS)

    def finished(self, samples: Samples) -> float:
        """How likely it is that the speaker has finished, by the last 8 s of `(n,) float32` at 16 kHz."""
        most = SECONDS * RATE
        padded = np.pad(samples[-most:], (max(0, most - len(samples)), 0))
        made = self._extract(padded, sampling_rate=RATE, do_normalize=True, return_tensors="np")
        outputs = self._session.run(None, {"input_features": made.input_features.astype(np.float32)})
        return float(outputs[0].item())
