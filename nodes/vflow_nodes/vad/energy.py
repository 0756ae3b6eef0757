"""`vad.energy`: the energy detector rates windows, and `turn` decides."""

from __future__ import annotations

from vflow import Bin


class EnergyVad(Bin):
    """Find the user's utterances by loudness above an adaptive noise floor: no model, for quiet rooms."""

    rank = 10
    example = "vad: {use: vad.energy, margin_db: 8, speech_end_after: 600ms}"
    graph = """
    ports:
      {audio: detector.audio, verdict: turn.verdict, backchannel: turn.backchannel, speech: turn.speech}
    proxy: [detector, turn]
    nodes:
      detector: {use: detector.energy}
      turn: {use: turn}
    links: [detector -> turn]
    """
