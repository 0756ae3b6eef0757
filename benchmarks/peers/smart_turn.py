"""Imitate the policies of pipecat and LiveKit for the end of a turn, with one model: smart-turn v3.

Each looks at the utterance once a silence has lasted for a while, and then waits longer or not. Sources:
pipecat 1.14 (`audio/turn/smart_turn`: the last 8 s, Whisper's normalised log-mel; `stop_secs` 0.2 of the VAD,
3 s where the model says that more will come); LiveKit Agents (0.3 and 2.5 s, the delays of its streaming
detector, whose own model may not be run outside of it: smart-turn stands in for it here).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """Looks after `look_ms` of silence: the turn ends at once if rated `finished`, else after `wait_ms`."""

    name: str
    look_ms: int
    wait_ms: int
    finished: float = 0.5


POLICIES = (Policy("pipecat", 200, 3000), Policy("LiveKit's waits", 300, 2500))
